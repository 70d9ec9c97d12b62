#!/usr/bin/env python3
"""In debug builds, ranks of a team that are not in the same collective end the job with one line: what, where, who."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from launcher import MPIEXEC  # noqa: E402

PROGRAM = os.environ["MISMATCH"]
SOURCE = (pathlib.Path(__file__).parent / "mismatch.c").read_text(encoding="utf-8").splitlines()
PLACE = r"rank (\d) in (.+?) \(count (\d+)\) at \S*mismatch\.c:(\d+)"


class Mismatch(unittest.TestCase):
    def run_program(self, kind, np=3):
        return subprocess.run([*MPIEXEC, "-np", str(np), PROGRAM, kind], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=100, check=False)

    def check(self, kind, first, other):
        """`first` and `other`: rank, collective, count, what its line calls."""
        done = self.run_program(kind)
        self.assertEqual(done.returncode, 1, done.stderr)
        said = [line for line in done.stderr.splitlines() if line.startswith("syncnorm")]
        self.assertEqual(len(said), 1, done.stderr)
        found = re.fullmatch(rf"syncnorm: error: the ranks of a team are not in the same collective: {PLACE}, {PLACE}", said[0])
        self.assertIsNotNone(found, said[0])
        for i, (rank, collective, count, call) in enumerate((first, other)):
            self.assertEqual(found.group(4 * i + 1, 4 * i + 2, 4 * i + 3), (str(rank), collective, str(count)), said[0])
            self.assertIn(call, SOURCE[int(found.group(4 * i + 4)) - 1])
        return int(found.group(4)), int(found.group(8))

    def test_another_collective(self):
        self.check("collective", (0, "a sum", 4, "sn_team_sum"), (2, "a broadcast", 4, "sn_team_broadcast"))

    def test_another_count(self):
        lines = self.check("count", (0, "a sum", 4, "sn_team_sum"), (2, "a sum", 3, "sn_team_sum"))
        self.assertEqual(lines[0], lines[1])

    def test_another_line(self):
        lines = self.check("line", (0, "a barrier", 0, "sn_team_barrier"), (2, "a barrier", 0, "sn_team_barrier"))
        self.assertNotEqual(lines[0], lines[1])

    def test_in_a_team_that_is_not_all(self):
        self.check("team", (1, "an agreement", 0, "sn_team_agree"), (2, "a gathering on all", 4, "sn_team_gather_all"))

    def test_shared_memory(self):
        self.check("shared", (0, "an end of shared memory", 0, "sn_shared_destroy"), (2, "a publishing of shared memory", 0, "sn_shared_publish"))

    def test_nothing_is_said_where_all_are_in_the_same(self):
        done = self.run_program("none")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
