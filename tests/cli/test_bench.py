#!/usr/bin/env python3
"""What bench measures, as tables and as a file: that it is all there and fits together, not how fast it is."""

import json
import os
import re
import stat

import harness

SHARES = [1, 2, 3, 4, 5, 8, 12, 16, 20, 32, 64]
NORMS = ["gn", "ln", "bn"]


class Bench(harness.Test):
    def bench(self, np=None, there=()):
        out, err = self.run_program("bench", "--repetitions", 1, "--batch", 8, "--json", "machine.json", np=np)
        self.assertEqual(err, "")
        self.assertEqual(sorted(os.listdir(self.directory)), sorted(["data", "machine.json", *there]))
        with open(self.path("machine.json"), encoding="utf-8") as file:
            return out, json.load(file)

    def test_the_file_has_every_figure_of_the_tables(self):
        out, figures = self.bench()
        self.assertEqual((figures["ranks"], figures["batch"], figures["repetitions"]), (1, 8, 1))
        self.assertEqual([layer["layer"] for layer in figures["convolutions_flops"]], list(range(1, 11)))
        for layer in figures["convolutions_flops"]:
            directions = {"forward", "weight_gradient"} | ({"input_gradient"} if layer["layer"] > 1 else set())
            for way in ("direct", "gemm"):
                self.assertEqual(set(layer[way]), directions)
                for timing in layer[way].values():
                    self.assertGreaterEqual(timing["best"], timing["median"])
        for norm in ["gn", "ln", "rms", "bn", "in", "none"]:
            rates = figures["steps_images_per_second"][norm]
            row = re.search(rf"(?m)^{norm} +(\d+) +(\d+) +(\d+) +(\d+)$", out)
            said = [rates[way][which] for way in ("direct", "gemm") for which in ("best", "median")]
            self.assertEqual([int(n) for n in row.groups()], [round(rate) for rate in said])
        for norm in NORMS:
            rows = figures["shares"][norm]
            self.assertEqual([row["samples"] for row in rows], SHARES)
            best = max(row["images_per_second"] for row in rows)
            for row in rows:
                self.assertAlmostEqual(row["samples"] / row["step_seconds"]["median"] / row["images_per_second"], 1)
                self.assertAlmostEqual(row["images_per_second"] / best, row["of_best"])
        self.assertEqual([int(n) for n in re.findall(r"(?m)^(\d+) +\d+ +\d+% +\d+ +\d+% +\d+ +\d+%$", out)], SHARES)

    def test_the_parts_add_up_to_the_step(self):
        _, figures = self.bench(np=2)
        self.assertEqual(figures["ranks"], 2)
        self.assertEqual(sorted(figures["parts_percent"]), sorted(NORMS))
        for parts in figures["parts_percent"].values():
            self.assertAlmostEqual(sum(parts.values()), 100)
            self.assertTrue(all(part >= 0 for part in parts.values()))
            self.assertGreater(parts["convolutions forward"], 0)
            self.assertGreater(parts["exact sums across ranks"], 0)
        messages = [row["message"] for row in figures["collectives"]]
        self.assertEqual(len(messages), len(set(messages)))
        self.assertTrue(all(row["bytes"] > 0 and row["seconds"]["best"] > 0 for row in figures["collectives"]))

    def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(self):
        os.mkfifo(self.path("pipe"))
        os.symlink("pipe", self.path("link"))
        for np in (None, 2):
            self.refuse("bench", "--json", "pipe/machine.json", np=np, code=1, says="machine.json")
            for name in ("pipe", "link", "data"):
                self.refuse("bench", "--json", name, np=np, code=1, says="not a regular file")
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("pipe")).st_mode))
        self.refuse("bench", "--json", "", says="--json")

    def test_a_file_is_replaced_as_a_careful_editor_would(self):
        with open(self.path("old"), "w", encoding="utf-8") as file:
            file.write("old")
        os.chmod(self.path("old"), 0o600)
        os.symlink("old", self.path("machine.json"))
        _, figures = self.bench(there=["old"])
        self.assertEqual(figures["ranks"], 1)
        self.assertTrue(os.path.islink(self.path("machine.json")))
        self.assertEqual(os.stat(self.path("old")).st_mode & 0o777, 0o600)


if __name__ == "__main__":
    harness.main()
