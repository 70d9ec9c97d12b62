#!/usr/bin/env python3
"""The layer tables, byte by byte as published (the gn table with the two leading spaces that it lost in editing)."""

import os

import harness

PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "summary")


class Summary(harness.Test):
    def published(self, norm):
        with open(os.path.join(PUBLISHED, norm + ".txt"), encoding="utf-8") as file:
            return file.read()

    def test_the_published_tables(self):
        for norm in ("gn", "ln", "bn"):
            out, err = self.run_program("summary", "--norm", norm)
            self.assertEqual(out, self.published(norm))
            self.assertEqual(err, "")

    def test_presets_and_the_default(self):
        for arguments, norm in ([], "gn"), (["--experiment", "bn-l1"], "bn"), (["--experiment", "ln"], "ln"):
            out, _ = self.run_program("summary", *arguments)
            self.assertEqual(out, self.published(norm))

    def test_the_controls(self):
        out, _ = self.run_program("summary", "--norm", "in")
        self.assertEqual(out, self.published("gn").replace("     GroupNorm", "InstanceNorm2d"))
        out, _ = self.run_program("summary", "--norm", "none")
        self.assertEqual(out.count("Identity-"), 9)
        self.assertIn("Total params: 9,992\n", out)  # 10,224 less 2 x 116 of the norms

    def test_help_says_each_norm(self):
        out, _ = self.run_program("summary", "--help")
        self.assertIn("--norm gn|ln|rms|bn|in|none\n", out)

    def test_train_begins_with_it(self):
        out, _ = self.run_program("train", "--experiment", "ln", "--steps", "1")
        self.assertIn(self.published("ln"), out)


if __name__ == "__main__":
    harness.main()
