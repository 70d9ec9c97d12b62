#!/usr/bin/env python3
"""launch/scaling.sh: trains on several numbers of ranks, reports, stops when it is told to."""

import csv
import os
import pathlib
import subprocess
import time
import unittest

import harness

SCALING = pathlib.Path(__file__).resolve().parents[2] / "launch/scaling.sh"
TWO = len(os.sched_getaffinity(0)) > 1  # each rank must have a core


class Scaling(harness.Test):
    def start(self, *arguments):
        return subprocess.Popen([SCALING, *arguments, "--output", "scaling"], cwd=self.directory, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**self.environment, "SYNCNORM": harness.PROGRAM})

    def finish(self, job, expect):
        out, _ = job.communicate(timeout=harness.TIMEOUT)
        self.assertEqual(job.returncode, expect, out)
        return out

    def runs(self):
        directory = pathlib.Path(self.path("scaling"))
        return sorted(path.name for path in directory.glob("*.h5"))

    def rows(self):
        with open(self.path("scaling/report/scaling.csv"), encoding="utf-8", newline="") as file:
            return [(row["experiment"], row["scaling"], row["ranks"]) for row in csv.DictReader(file)]

    @unittest.skipUnless(TWO, "needs two cores")
    def test_it_trains_and_reports(self):
        self.finish(self.start("--norms", "gn bn", "--epochs", "1", "--ranks", "1 2"), 0)
        self.assertEqual(self.rows(), [(norm, "strong", n) for norm in ("gn", "bn") for n in "12"] +
                         [(f"{norm}, 64 a rank", "weak", n) for norm in ("gn", "bn") for n in "12"])
        digests = [harness.digests(self.run_program("inspect", f"scaling/strong-bn-batch64-epochs1-on{n}.h5")[0])[-1] for n in "12"]
        self.assertEqual(*digests)
        # other settings in the same directory are another table
        self.finish(self.start("--norms", "gn", "--epochs", "1", "--ranks", "1 2", "--batch", "16"), 0)
        self.assertEqual(len(self.runs()), 9)
        self.assertEqual({name for name, _, _ in self.rows()}, {"gn-batch16", "gn-batch16, 16 a rank"})

    def test_it_stops_with_everything_saved(self):
        job = self.start("--norms", "gn", "--epochs", "60000", "--ranks", "1")
        while not self.runs() and job.poll() is None:
            time.sleep(0.05)
        job.terminate()
        self.assertIn("stopped; the same command goes on", self.finish(job, 75))
        self.assertEqual(self.runs(), ["strong-gn-batch64-epochs60000-on1.h5"])


if __name__ == "__main__":
    harness.main()
