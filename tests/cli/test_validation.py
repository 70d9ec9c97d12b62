#!/usr/bin/env python3
"""Images held out, and seeds taken apart: what they change, and that it is nothing else. Files are read by h5py."""

import csv
import os
import shlex
import shutil

import h5py
import numpy

import harness


class HeldOut(harness.Test):
    """--validation: images that are never trained on and stand for the test set."""

    def content(self, name):
        with h5py.File(self.path(name)) as file:
            return {"columns": list(file["metrics/epoch"]), "rows": {c: file["metrics/epoch"][c][:] for c in file["metrics/epoch"]},
                    "digest": file["model"].attrs["digest"],
                    "sets": {n: d[...] for n, d in file["evaluation"].items() if isinstance(d, h5py.Dataset)},
                    "scores": dict(file["evaluation"].attrs)}

    def run_train(self, *arguments, np=None):
        return self.run_program("train", "--epochs", "2", "--batch", "16", "--resume", "never", *arguments, np=np)[0]

    def test_the_test_set_is_not_looked_at(self):
        out = self.run_train("--validation", "40", "--output", "a.h5")
        self.assertRegex(out, r"(?m)^Epoch 2/2: train loss [^;]*; validation loss \d\.\d{4}, accuracy \d+/40 \(\d+\.\d\d%\); \d+ images/s$")
        one = self.content("a.h5")
        self.assertEqual([c for c in one["columns"] if "test" in c], [])
        self.assertEqual({n for n in one["sets"] if not n.startswith("validation_")}, set())
        self.assertEqual([n for n in one["scores"] if n in ("loss", "accuracy")], [])
        for kind in ("images-idx3", "labels-idx1"):  # the training set for a test set
            shutil.copy(self.path(f"data/mnist/train-{kind}-ubyte"), self.path(f"data/mnist/t10k-{kind}-ubyte"))
        self.run_train("--validation", "40", "--output", "b.h5")
        other = self.content("b.h5")
        self.assertEqual(one["digest"], other["digest"])
        for name in one["sets"]:
            self.assertTrue((one["sets"][name] == other["sets"][name]).all(), name)

    def test_what_is_held_out_is_not_trained_on(self):
        """Noise in place of all of them changes no weight; in place of one image trained on, it does."""
        name = self.path("data/mnist/train-images-idx3-ubyte")
        images = numpy.fromfile(name, dtype=numpy.uint8)
        pixels = images[16:].reshape(-1, 784)
        self.run_train("--validation", "50", "--output", "a.h5")
        first = self.content("a.h5")
        held_out = first["sets"]["validation_index"]
        labels = numpy.fromfile(self.path("data/mnist/train-labels-idx1-ubyte"), dtype=numpy.uint8)[8:]
        self.assertEqual(sorted(labels[held_out]), sorted(list(range(10)) * 5))
        self.assertEqual(first["sets"]["validation_labels"].tolist(), labels[held_out].tolist())
        pixels[held_out] = numpy.random.default_rng(1).integers(0, 256, (50, 784))
        images.tofile(name)
        self.run_train("--validation", "50", "--output", "b.h5")
        self.assertEqual(self.content("b.h5")["digest"], first["digest"])
        self.assertNotEqual(self.content("b.h5")["rows"]["validation_loss"].tolist(), first["rows"]["validation_loss"].tolist())
        pixels[next(i for i in range(200) if i not in held_out)] ^= 255
        images.tofile(name)
        self.run_train("--validation", "50", "--output", "c.h5")
        self.assertNotEqual(self.content("c.h5")["digest"], first["digest"])

    def test_with_test_both_are_evaluated_and_the_weights_are_the_same(self):
        self.run_train("--validation", "40", "--output", "a.h5")
        out = self.run_train("--validation", "40", "--test", "--output", "b.h5")
        self.assertRegex(out, r"(?m)^Epoch 2/2: .*; validation loss [^;]*; test loss \S+, accuracy \d+/100 ")
        one, other = self.content("a.h5"), self.content("b.h5")
        self.assertEqual(one["digest"], other["digest"])
        self.assertEqual(one["rows"]["validation_correct"].tolist(), other["rows"]["validation_correct"].tolist())
        self.assertTrue({"predictions", "labels", "confusion", "validation_predictions", "validation_labels", "validation_index"}
                        <= set(other["sets"]))

    def test_ranks_and_stops_change_nothing(self):
        arguments = ("--norm", "bn", "--precise-bn", "--validation", "37", "--split-seed", "9")
        self.run_train(*arguments, "--output", "a.h5")
        self.run_train(*arguments, "--output", "b.h5", np=3)
        self.run_program("train", "--epochs", "2", "--batch", "16", *arguments, "--output", "c.h5", "--steps", "13")
        self.run_program("train", "--epochs", "2", "--batch", "16", *arguments, "--output", "c.h5", np=2)
        first = self.content("a.h5")
        for name in ("b.h5", "c.h5"):
            other = self.content(name)
            self.assertEqual(first["digest"], other["digest"], name)
            self.assertEqual(first["scores"], other["scores"], name)
            for key in first["sets"]:
                self.assertTrue((first["sets"][key] == other["sets"][key]).all(), f"{name} {key}")

    def test_eval_knows_the_split(self):
        self.run_train("--validation", "40", "--output", "a.h5")
        with h5py.File(self.path("a.h5")) as file:
            correct = file["metrics/epoch/validation_correct"][-1]
        self.assertIn(f"\nValidation set: Average loss: ", out := self.run_program("eval", "--split", "validation", "a.h5")[0])
        self.assertIn(f"Accuracy: {correct}/40 ", out)
        self.assertRegex(self.run_program("eval", "--split", "train", "a.h5")[0], r"Train set: .* Accuracy: \d+/160 ")
        self.assertRegex(self.run_program("eval", "a.h5")[0], r"Test set: .* Accuracy: \d+/100 ")
        self.run_train("--output", "b.h5")
        self.refuse("eval", "--split", "validation", "b.h5", says="without --validation")

    def test_as_many_as_there_are_images_are_refused(self):
        self.refuse("train", "--validation", "200", says="of 200 training images at most 199")
        self.refuse("train", "--split-seed", "1", says="--split-seed goes with --validation")
        self.refuse("train", "--test", says="--test goes with --validation")
        self.refuse("train", "--validation", "180", "--workers", "30", says="20 training images")

    def test_precise_statistics_are_said_to_be_of_the_images_held_out(self):
        out = self.run_train("--norm", "bn", "--precise-bn", "--validation", "40")
        self.assertIn("\nValidation set, precise statistics: Average loss: ", out)
        self.assertNotIn("Test set", out)


class Selection(harness.Test):
    """Tuning, selection, the winners: the commands are typed as they are printed."""

    def test_from_tuning_to_the_final_runs(self):
        self.run_program("study", "--norm", "gn,bn", "--lr", "0.01,0.03", "--validation", "50", "--epochs", "2", "--batch", "16",
                         "--seed", "1-2", "--output", "tuning", "-q")
        files = sorted(os.path.join("tuning", n) for n in os.listdir(self.path("tuning")) if n.endswith(".h5"))
        out, _ = self.run_program("report", *files, "--select", "lr", "--emit-final", "11-12", "--output", "report")
        lines = out.splitlines()[1:]
        self.assertEqual(len(lines), 2)
        for line in lines:
            words = shlex.split(line, comments=True)
            words[words.index("DIR")] = "data/mnist"
            self.run_program(*words[1:], "--output", "final", "-q")
        for name in os.listdir(self.path("final")):
            if not name.endswith(".h5"):
                continue
            with h5py.File(self.path(f"final/{name}")) as file:
                self.assertNotIn("validation", file["experiment"].attrs)
                self.assertRegex(file["provenance/0"].attrs["chosen_from"],
                                 r"^2 settings of lr, by \d+\.\d\d % of 50 images held out, mean of 2 seeds$")
                self.assertEqual(file["evaluation/predictions"].shape, (100,))


class Shards(harness.Test):
    """What the workers' shards hold is on record, and the report measures the skew that came out."""

    def test_label_counts_and_their_skew(self):
        self.run_program("study", "--norm", "gn", "--workers", "4", "--shards", "iid,sorted,dirichlet:0.1", "--validation", "40",
                         "--epochs", "1", "--seed", "1-2", "-q")
        labels = numpy.fromfile(self.path("data/mnist/train-labels-idx1-ubyte"), dtype=numpy.uint8)[8:]
        files, skews = [], {}
        for name in sorted(n for n in os.listdir(self.path("runs")) if n.endswith(".h5")):
            files.append(f"runs/{name}")
            with h5py.File(self.path(files[-1])) as file:
                counts = file["evaluation/shard_labels"][:]
                held_out = file["evaluation/validation_index"][:]
                shards = file["experiment"].attrs["shards"]
            self.assertEqual(counts.sum(axis=1).tolist(), [40] * 4)
            self.assertEqual(counts.sum(axis=0).tolist(), numpy.bincount(numpy.delete(labels, held_out), minlength=10).tolist())
            if shards == "sorted":
                cut = numpy.sort(numpy.delete(labels, held_out)).reshape(4, 40)
                self.assertEqual(counts.tolist(), [numpy.bincount(c, minlength=10).tolist() for c in cut])
            skew = (abs(counts / counts.sum(axis=1, keepdims=True) - counts.sum(axis=0) / counts.sum()).sum(axis=1) / 2).mean()
            skews.setdefault(shards, []).append(skew)
        self.run_program("report", *files, "--output", "report")
        with open(self.path("report/shards.csv"), encoding="utf-8", newline="") as file:
            rows = {row["shards"]: row for row in csv.DictReader(file)}
        self.assertEqual(sorted(rows), sorted(skews))
        for shards, values in skews.items():
            self.assertEqual(rows[shards]["workers"], "4")
            self.assertEqual(rows[shards]["skew"], f"{numpy.mean(values):.3f}")
        self.assertLess(numpy.mean(skews["iid"]), numpy.mean(skews["dirichlet:0.1"]))
        self.assertTrue(os.path.exists(self.path("report/shards-3.csv")))
        self.assertFalse(os.path.exists(self.path("report/shards-4.csv")))


class SeedsApart(harness.Test):
    """What --seed seeds, one by one: all of them together are the seed itself."""

    ARGUMENTS = ("--norm", "gn", "--epochs", "1", "--batch", "16", "--workers", "2", "--resume", "never")

    def digest(self, *arguments):
        return harness.digests(self.run_program("train", *self.ARGUMENTS, *arguments)[0])[-1]

    def test_each_changes_the_result_and_all_are_the_seed(self):
        names = ("--init-seed", "--order-seed", "--dropout-seed")
        seed1, seed2 = self.digest("--seed", "1"), self.digest("--seed", "2")
        alone = [self.digest("--seed", "1", name, "2") for name in names]
        self.assertEqual(len({seed1, seed2, *alone}), 5)
        self.assertEqual(self.digest("--seed", "1", *(x for name in names for x in (name, "2"))), seed2)
        self.assertEqual(self.digest("--seed", "7", *(x for name in names for x in (name, "1"))), seed1)

    def test_bad_ones_are_refused(self):
        self.refuse("train", "--init-seed", "-1", says="must be seed or an integer")


class Chance(harness.Test):
    """Parts of the variance, of runs that differ in one source of chance."""

    def test_the_spread_of_each_source_is_the_files(self):
        for seeds in (("--seed", "1-4"), ("--init-seed", "1-5"), ("--dropout-seed", "2-4"), ("--dropout-seed", "2-3", "--seed", "2")):
            self.run_program("study", "-q", "--norm", "gn", "--epochs", "2", "--output", "runs", *seeds)
        names = sorted(name for name in os.listdir(self.path("runs")) if name.endswith(".h5"))
        out = self.run_program("report", *(f"runs/{name}" for name in names), "--output", "report")[0]
        self.assertIn("14 runs of 1 experiment", out)  # what varies one source is no experiment beside the others
        accuracy = {}
        for name in names:
            with h5py.File(self.path(f"runs/{name}")) as file:
                accuracy[name] = file["metrics/epoch/test_accuracy"][-1]
        with open(self.path("report/chance.csv"), newline="", encoding="utf-8") as file:
            rows = {row["what differs"]: row for row in csv.DictReader(file)}
        everything = [accuracy[f"gn-s{seed}.h5"] for seed in range(1, 5)]
        # the runs of --seed belong to them; with an initial seed of 1 too, gn-s1 would be there twice; of --seed 2 the
        # dropout's own 2 likewise; within each --seed its own mean
        for what, sets in (("initial weights", [everything[:1] + [accuracy[f"gn-initseed{s}-s1.h5"] for s in range(2, 6)]]),
                           ("dropout masks", [everything[:1] + [accuracy[f"gn-dropoutseed{s}-s1.h5"] for s in range(2, 5)],
                                              [everything[1], accuracy["gn-dropoutseed3-s2.h5"]]]),
                           ("all of them, by --seed", [everything])):
            row = rows.pop(what)
            values = [value for one in sets for value in one]
            variance = sum(len(one) * numpy.var(one) for one in sets) / (len(values) - len(sets))
            self.assertEqual(row["runs"], str(len(values)))
            self.assertAlmostEqual(float(row["mean (%)"]), numpy.mean(values), delta=0.0051)
            self.assertAlmostEqual(float(row["spread (points)"]), numpy.sqrt(variance), delta=0.00051)
            part = variance / numpy.var(everything, ddof=1)
            self.assertAlmostEqual(float(row["variance, of that of all"]), part, delta=0.0051)
        self.assertEqual(rows, {})


if __name__ == "__main__":
    harness.main()
