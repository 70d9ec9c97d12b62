#!/usr/bin/env python3
"""Damaged run files through every command that reads one: one line and exit 1, or the generation before; never a crash."""

import os
import random
import shutil
import struct
import subprocess

import h5py

import harness

FOUND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "seeds", "init_file",
                     "found-segmentation-fault")


def truncations(data, steps):
    """Every length of the last bytes and `steps` lengths of all before."""
    lengths = [len(data) * i // steps for i in range(steps)] + list(range(len(data) - 70, len(data)))
    return {f"cut-{length}.h5": data[:length] for length in lengths}


def flips(data, count, seed):
    chance = random.Random(seed)
    files = {}
    for i in range(count):
        flipped = bytearray(data)
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        files[f"flip-{i}.h5"] = bytes(flipped)
    return files


class Damage(harness.Test):
    trained = {}  # the same for all tests: files of seeds 1 and 2

    def setUp(self):
        super().setUp()
        for seed in () if self.trained else (1, 2):
            self.run_program("train", "--steps", "3", "--output", f"seed{seed}.h5", "--seed", seed)
            self.trained[seed] = self.read(f"seed{seed}.h5")
        self.good, self.other = self.trained[1], self.trained[2]
        self.write("good.h5", self.good)
        self.write("other.h5", self.other)
        self.few = {"empty.h5": b"", "half.h5": self.good[: len(self.good) // 2], "no-seal.h5": self.good[:-64],
                    "other-seal.h5": self.good[:-64] + self.other[-64:], "text.h5": b"epoch,loss\n1,2.3\n",
                    **flips(self.good, 1, 1)}
        self.fewest = {name: self.few[name] for name in ("empty.h5", "half.h5", "flip-0.h5")}

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def digest(self, name):
        return harness.digests(self.run_program("inspect", "--verify", name)[0])[-1]

    def test_verify_names_every_bad_file_and_no_other(self):
        bad = {**self.few, **truncations(self.good, 60), **flips(self.good, 120, 7)}
        for name, data in bad.items():
            self.write(name, data)
        out, err = self.run_program("inspect", "--verify", "good.h5", *bad, "other.h5", expect=1)
        self.assertEqual([line.split()[1] for line in out.splitlines()], ["good.h5", "other.h5"])
        lines = err.splitlines()
        self.assertEqual(len(lines), len(bad))
        for name, line in zip(bad, lines):
            self.assertTrue(line.startswith(f"syncnorm: error: {name}: "), line)

    def test_every_reader_refuses_in_one_line(self):
        for name, data in self.few.items():
            self.write(name, data)
            self.refuse("inspect", name, code=1, says=name)
            self.refuse("eval", name, code=1, says=name)
        for np in (1, 3):
            self.refuse("eval", "half.h5", np=np, code=1, says="half.h5")

    def test_resuming_refuses_what_has_no_good_generation(self):
        for name, data in self.fewest.items():
            self.write(name, data)
            mode = "require" if name == "half.h5" else "auto"
            self.refuse("train", "--steps", "3", "--output", name, "--resume", mode, code=1, says=name)
            self.assertEqual(self.read(name), data)  # it may still be of use to somebody

    def test_resuming_goes_on_from_the_generation_before(self):
        self.run_program("train", "--steps", "5", "--output", "whole.h5")
        for name, data in self.fewest.items():
            self.write(name, data)
            shutil.copy(self.path("good.h5"), self.path(name + ".prev"))
            _, err = self.run_program("train", "--steps", "5", "--output", name)
            self.assertIn(f"going on from {name}.prev", err)
            self.assertEqual(self.digest(name), self.digest("whole.h5"))

    def seal(self, name, image, version=1):
        """A run file of that image, with the trailer that src/io/README.md describes."""
        data = image + b"syncnorm trailer" + struct.pack("<IIQ", version, 64, len(image))
        found = subprocess.run(["xxhsum", "-H2", "-"], input=data, stdout=subprocess.PIPE, check=True)
        self.write(name, data + found.stdout[:32])

    def test_a_file_of_another_version_is_not_damaged(self):
        """A newer program wrote it: the generation before is no substitute, and nothing replaces it."""
        image = self.good[:-64]
        self.write("image.h5", image)
        with h5py.File(self.path("image.h5"), "r+") as file:
            file.attrs["format_version"] = file.attrs["format_version"] + 1
        self.seal("same.h5", image)
        self.assertEqual(self.read("same.h5"), self.good)
        self.seal("newer.h5", self.read("image.h5"))
        self.seal("trailer.h5", image, version=9)
        shutil.copy(self.path("good.h5"), self.path("newer.h5.prev"))
        shutil.copy(self.path("good.h5"), self.path("trailer.h5.prev"))
        for name in ("newer.h5", "trailer.h5"):
            data = self.read(name)
            for mode in ("auto", "require", "never"):
                self.refuse("train", "--steps", "5", "--output", name, "--resume", mode, code=1, says=name + ": ")
                self.assertEqual(self.read(name), data)
            self.assertIn(" version ", self.refuse("inspect", "--verify", name, code=1, says="this syncnorm reads version 1"))

    def test_a_finished_run_is_restored_from_the_generation_before(self):
        self.write("damaged.h5", self.good[:100])
        for name in ("damaged.h5", "missing.h5"):
            shutil.copy(self.path("good.h5"), self.path(name + ".prev"))
            _, err = self.run_program("train", "--steps", "3", "--output", name)
            self.assertIn(f"going on from {name}.prev", err)
            self.assertEqual(self.digest(name), self.digest("good.h5"))
            _, err = self.run_program("train", "--steps", "3", "--output", name)
            self.assertRegex(err, r"\A[^\n]*nothing to do\n\Z")

    def test_a_swapped_file_is_seen_to_be_another_experiment(self):
        self.write("swapped.h5", self.other)
        err = self.refuse("train", "--steps", "3", "--output", "swapped.h5", code=1, says="another experiment")
        self.assertIn("--seed 2 there, 1 here", err)
        self.assertEqual(self.read("swapped.h5"), self.other)

    def test_initial_weights_out_of_a_bad_file_are_refused(self):
        del self.few["no-seal.h5"]  # which is an HDF5 file like others
        for name, data in self.few.items():
            self.write(name, data)
            self.refuse("train", "--steps", "1", "--init", name, "--output", "new.h5", code=1, says=name)
        self.assertFalse(os.path.exists(self.path("new.h5")))

    def test_a_forged_file_that_crashes_hdf5_is_one_line_on_any_number_of_ranks(self):
        shutil.copy(FOUND, self.path("forged.h5"))
        for np in (None, 1, 3):
            self.refuse("train", "--steps", "1", "--init", "forged.h5", np=np, code=1, says="forged.h5: ")

    def rewritten(self, name, change, track_order=False):
        """The weights of good.h5 as another program writes them."""
        with h5py.File(self.path("good.h5")) as old, h5py.File(self.path(name), "w") as new:
            model = {key: old["model"][key][()] for key in old["model"]}
            change(model)
            group = new.create_group("model", track_order=track_order)
            for key in reversed(sorted(model)):
                group[key] = model[key]

    def test_initial_weights_that_no_training_gives_are_refused(self):
        def set_value(key, value):
            def change(model):
                model[key].flat[0] = value
            return change

        for key, value, says in (("conv2.weight", float("nan"), "not a number"), ("norm5.bias", float("inf"), "infinite")):
            self.rewritten("strange.h5", set_value(key, value))
            err = self.refuse("train", "--steps", "1", "--init", "strange.h5", "--output", "new.h5", code=1, says=key)
            self.assertIn(says, err)
        os.remove(self.path("good.h5"))
        self.run_program("train", "-q", "--norm", "bn", "--steps", "2", "--output", "good.h5")
        self.rewritten("strange.h5", set_value("norm3.running_var", -1))
        self.refuse("train", "--norm", "bn", "--steps", "1", "--init", "strange.h5", code=1, says="running_var has values that are negative")

    def test_starting_afresh_keeps_what_was_no_run(self):
        with open(self.path("mine.txt"), "w", encoding="utf-8") as file:
            file.write("mine")
        _, err = self.run_program("train", "-q", "--steps", "1", "--output", "mine.txt", "--resume", "never", np=2)
        self.assertEqual(err.count("it is kept as mine.txt.damaged"), 1)
        with open(self.path("mine.txt.damaged"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.run_program("inspect", "--verify", "mine.txt")

    def test_initial_weights_without_running_statistics_are_said_to_be(self):
        self.rewritten("start.h5", lambda model: None)  # of group norm
        for np in (1, 2):
            _, err = self.run_program("train", "-q", "--norm", "bn", "--steps", "1", "--init", "start.h5", "--resume", "never", np=np)
            self.assertEqual(err.count("start.h5 has no /model/norm1.running_mean"), 1)
        _, err = self.run_program("train", "-q", "--steps", "1", "--init", "start.h5", "--resume", "never")
        self.assertEqual(err, "")

    def test_the_order_of_the_weights_in_a_file_makes_no_other_experiment(self):
        names = set()
        for track_order in (False, True):
            self.rewritten("start.h5", lambda model: None, track_order)
            out, _ = self.run_program("train", "--steps", "1", "--init", "start.h5", "--resume", "never")
            names.update(line for line in out.splitlines() if line.startswith("Run file: "))
        self.assertEqual(len(names), 1)

    def test_weights_read_by_one_rank_in_a_child_are_the_same_on_any_number(self):
        self.write("no-seal.h5", self.good[:-64])
        found = set()
        for np in (None, 2, 4):
            self.run_program("train", "--steps", "2", "--init", "no-seal.h5", "--output", f"np{np}.h5", np=np)
            found.add(self.digest(f"np{np}.h5"))
        self.assertEqual(len(found), 1)


if __name__ == "__main__":
    harness.main()
