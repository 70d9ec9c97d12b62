#!/usr/bin/env python3
"""Inspecting run files: what they hold, and that damage is found in every one that has it."""

import harness


class Inspect(harness.Test):
    def setUp(self):
        super().setUp()
        self.trained, _ = self.run_program("train", "--steps", "2", "--output", "good.h5", "--seed", "5")
        with open(self.path("good.h5"), "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 1
        for name in ("bad.h5", "worse.h5"):
            with open(self.path(name), "wb") as file:
                file.write(data[: len(data) // (1 if name == "bad.h5" else 2)])

    def test_it_says_what_the_run_was(self):
        out, err = self.run_program("inspect", "good.h5")
        self.assertEqual(err, "")
        self.assertIn(harness.digests(self.trained)[-1], out)
        for word in ("gn-s5", "command_line", "train_loss", "test_accuracy", "instruction_set", "momentum"):
            self.assertIn(word, out)

    def test_verify_names_every_bad_file(self):
        out, err = self.run_program("inspect", "--verify", "good.h5", "good.h5")
        self.assertEqual((out.count("\n"), err), (2, ""))
        out, err = self.run_program("inspect", "bad.h5", "good.h5", "missing.h5", "worse.h5", "--verify", expect=1)
        self.assertEqual(out.count("\n"), 1)
        self.assertIn("good.h5", out)
        self.assertEqual(len(err.splitlines()), 3)
        for name, line in zip(("bad.h5", "missing.h5", "worse.h5"), err.splitlines()):
            self.assertTrue(line.startswith("syncnorm: error: "))
            self.assertIn(name, line)

    def test_damage_is_found_without_asking(self):
        self.refuse("inspect", "bad.h5", code=1, says="bad.h5")

    def test_under_mpirun_rank_0_does_it_alone(self):
        alone, _ = self.run_program("inspect", "good.h5")
        self.assertEqual(self.run_program("inspect", "good.h5", np=3), (alone, ""))
        self.refuse("inspect", "worse.h5", "--verify", np=3, code=1, says="worse.h5")
        self.refuse("inspect", np=3, says="no run file")


if __name__ == "__main__":
    harness.main()
