#!/usr/bin/env python3
"""A run as its user sees it: on a pipe, on a terminal, quiet, on any number of ranks, and when it cannot go on."""

import gzip
import os
import re

import harness

LINE = (r"Epoch {epoch}/{epochs}: train loss \d+\.\d{{4}}, accuracy \d+\.\d\d%; "
        r"test loss \d+\.\d{{4}}, accuracy \d+/100 \(\d+\.\d\d%\); \d+ images/s\n")


class OnAPipe(harness.Test):
    def test_alone_it_needs_no_temporary_directory(self):
        """Starts without mpirun share no directory of Open MPI's, which the first to end would take from the others."""
        self.environment["TMPDIR"] = "/dev/null"
        self.run_program("train", "-q", "--steps", 1, "--output", "run.h5")

    def test_a_line_per_epoch_and_no_control_characters(self):
        out, err = self.run_program("train", "--epochs", "3")
        self.assertEqual(err, "")
        self.assertNotRegex(out, r"[\x00-\x09\x0b-\x1f\x7f]")
        lines = "".join(LINE.format(epoch=e, epochs=3) for e in (1, 2, 3))
        self.assertRegex(out, rf"\n\n{lines}")
        self.assertRegex(out, r"\Agn-s1 on unknown \([0-9a-f]{32}\), 1 rank\n-{64}\n")
        self.assertRegex(out, r"\nDigest: [0-9a-f]{32}\nRun file: runs/gn-s1.h5\n\Z")
        self.assertTrue(os.path.exists(self.path("runs/gn-s1.h5")))

    def test_misclassified_images_in_two_rows_of_five(self):
        out, _ = self.run_program("train", "--steps", "1")  # hardly begun: most are wrong
        rows = r"(?:\d(?: \d){4}\n){2}"
        found = re.search(rf"\nMisclassified Images\n\nCorrect Labels:\n\n({rows})\nPrediction :\n\n({rows})", out)
        self.assertIsNotNone(found, out)
        for label, prediction in zip(found.group(1).split(), found.group(2).split()):
            self.assertNotEqual(label, prediction)

    def test_precise_statistics_are_evaluated_in_four_ways(self):
        ways = "".join(rf"{way}: Average loss: (\d\.\d{{4}}), Accuracy: (\d+\.\d\d)%\n" for way in (
            "Test set, running statistics", "Test set, precise statistics", "Test set, batch statistics",
            "Training set, running statistics"))
        told = []
        for arguments in (("train", "--norm", "bn", "--precise-bn", "--epochs", "1"), ("eval", "runs/bn-precise-s1.h5"),
                          ("train", "--norm", "bn", "--precise-bn", "--epochs", "1")):  # the second time it is complete
            out, _ = self.run_program(*arguments)
            told.append(re.search("\n" + ways, out).groups())
        self.assertEqual(told, told[:1] * 3)
        test = re.search(r"Test set: Average loss: (\S+), Accuracy: \S+ \((\S+)%\)", self.run_program("eval", "runs/bn-precise-s1.h5")[0])
        self.assertEqual(told[0][:2], test.groups())

    def test_more_workers_than_most_machines_have_ranks(self):
        data = harness.dataset(2600, 10)
        digests = set()
        for np in (1, 3):
            out, _ = self.run_program("train", "--data", data, "--norm", "bn", "--workers", "1100", "--batch", "2400", "--bn-scope", "worker",
                                      "--shards", "dirichlet:0.5", "--epochs", "1", "--resume", "never", np=np)
            digests.add(harness.digests(out)[-1])
        self.assertEqual(len(digests), 1)

    def test_quiet_says_nothing(self):
        self.assertEqual(self.run_program("train", "--steps", "1", "-q"), ("", ""))
        self.assertEqual(self.run_program("train", "--steps", "2", "-q", "--progress", "always", np=2), ("", ""))

    def test_verbose_tells_the_machine_on_standard_error(self):
        out, err = self.run_program("train", "--steps", "1", "-v", np=2)
        self.assertRegex(err, r"(?m)^syncnorm: (?:Open MPI|MPICH)[^\n;]* [\d.]+[^\n]*; 2 ranks, ")
        self.assertRegex(err, r"(?m)^syncnorm: kernels for [^\n]*; OpenBLAS ")
        self.assertNotIn("OpenBLAS", out)

    def test_the_run_file_is_named_after_the_experiment_or_as_asked(self):
        self.run_program("train", "-q", "--steps", "1", "--experiment", "bn-l1", "--lr", "0.02", "--seed", "3")
        self.assertTrue(os.path.exists(self.path("runs/bn-l1-lr0.02-s3.h5")))
        out, _ = self.run_program("train", "--steps", "1", "--output", "a/b/c.h5")
        self.assertTrue(os.path.exists(self.path("a/b/c.h5")))
        self.assertIn("Run file: a/b/c.h5\n", out)

    def test_a_second_time_there_is_nothing_to_do(self):
        first, _ = self.run_program("train", "--steps", "2")
        again, err = self.run_program("train", "--steps", "2", np=2)
        self.assertRegex(err, r"\Asyncnorm: runs/gn-s1.h5 [^\n]*nothing to do\n\Z")
        self.assertEqual(again, first[first.index("\nMisclassified"):])

    def test_a_run_longer_than_asked_for_is_said_to_be(self):
        self.run_program("train", "--epochs", "2", "-q")
        _, err = self.run_program("train", "--epochs", "1", "-q")
        self.assertRegex(err, r"\Asyncnorm: warning: runs/gn-s1.h5 [^\n]* longer than what was asked for, with 2 epochs[^\n]*\n\Z")

    def test_more_workers_than_images_are_refused(self):
        self.refuse("train", "--workers", "300", "--batch", "300", says="--workers 300")

    def test_a_longer_run_goes_on_from_a_shorter_one(self):
        whole, _ = self.run_program("train", "--epochs", "2", "--output", "whole.h5")
        self.run_program("train", "-q", "--steps", "5")
        rest, err = self.run_program("train", "--epochs", "2", np=3)
        self.assertRegex(err, r"\Asyncnorm: runs/gn-s1.h5: going on [^\n]*\n\Z")
        self.assertEqual(harness.digests(rest)[-1], harness.digests(whole)[-1])


class OnATerminal(harness.Test):
    train, test = 2000, 100

    def screen(self, text):
        """The lines as they stand on the screen at the end: after a carriage return, text overwrites."""
        lines = []
        for line in text.split("\n"):
            shown = ""
            for piece in line.split("\r"):
                shown = piece + shown[len(piece):]
            lines.append(shown.rstrip())
        return lines

    def test_the_bar_and_the_test_set_line(self):
        text = self.run_on_terminal("train", "--epochs", "2", columns=120)
        lines = self.screen(text)
        for epoch in (1, 2):
            bar = (rf"Epoch={epoch} Loss=\d+\.\d{{4}} batch_id=31 Accuracy=\d+\.\d\d%: 100%\|██████████\| 32/32 "
                   r"\[\d\d:\d\d<00:00, \d+\.\d+(it/s|s/it)\]")
            at = [i for i, line in enumerate(lines) if re.fullmatch(bar, line)]
            self.assertEqual(len(at), 1, text)
            self.assertEqual(lines[at[0] + 1], "")
            self.assertRegex(lines[at[0] + 2], r"\ATest set: Average loss: \d\.\d{4}, Accuracy: \d+/100 \(\d+\.\d\d%\)\Z")
            self.assertEqual(lines[at[0] + 3], "")
        self.assertIn("Run file: runs/gn-s1.h5", lines)

    def test_a_partial_epoch_has_its_true_step_count(self):
        text = self.run_on_terminal("train", "--steps", "35", columns=120)
        self.assertRegex(text, r"Epoch=1 [^\r\n]* 100%\|█+\| 32/32 ")
        self.assertRegex(text, r"Epoch=2 [^\r\n]* 100%\|█+\| 3/3 ")
        self.assertNotIn("3/32 ", text.split("Epoch=2")[-1])

    def test_what_is_redrawn_fits_the_terminal(self):
        text = self.run_on_terminal("train", "--steps", "20", columns=40)
        drawn = re.findall(r"\r(Epoch=[^\r\n]*)(?=\r)", text)
        self.assertGreater(len(drawn), 0)
        for line in drawn:
            self.assertLess(len(line), 40)
        self.assertIn(" 20/20 [", text)  # the last one stays, so it is whole

    def test_mpirun_gives_its_ranks_a_terminal_without_width_which_is_none(self):
        text = self.run_on_terminal("train", "--steps", "1", columns=0)
        self.assertNotIn("\r", text)
        self.assertRegex(text, LINE.format(epoch=1, epochs=15))

    def test_always_and_never(self):
        out, _ = self.run_program("train", "--steps", "2", "--progress", "always")
        self.assertIn("\rEpoch=1 ", out)
        text = self.run_on_terminal("train", "--steps", "2", "--progress", "never", columns=120)
        self.assertNotIn("\r", text)


class OnRanks(harness.Test):
    def test_one_digest_on_any_number_of_ranks(self):
        for experiment in ("gn", "ln", "bn-l1"):
            seen = set()
            for np in (None, 1, 2, 3, 9):  # the last batch has 8 samples: the ninth rank has none
                path = f"{experiment}-{np}.h5"
                out, err = self.run_program("train", "--experiment", experiment, "--epochs", "2", "--output", path, np=np)
                self.assertEqual(err, "")
                self.assertEqual(out.count("Digest: "), 1)
                seen.add(tuple(harness.digests(out)))
            self.assertEqual(len(seen), 1, experiment)

    def test_workers_are_part_of_the_experiment_and_ranks_are_not(self):
        options = ("train", "--shards", "sorted", "--schedule", "cosine", "--warmup", "0.5", "--epochs", "2")
        seen = {}
        for workers in (1, 3):
            for np in (None, 2, 3):
                out, _ = self.run_program(*options, "--workers", workers, "--resume", "never", np=np)
                seen.setdefault(workers, set()).add(harness.digests(out)[-1])
        self.assertEqual([len(found) for found in seen.values()], [1, 1])
        self.assertNotEqual(seen[1], seen[3])
        out, _ = self.run_program(*options, "--workers", "ranks", "--resume", "never", np=3)
        self.assertEqual({harness.digests(out)[-1]}, seen[3])
        self.assertIn("Run file: runs/gn-workers3-sorted-cosine-warmup0.5-epochs2-s1.h5\n", out)

    def test_another_seed_is_another_run(self):
        one, _ = self.run_program("train", "--steps", "3")
        two, _ = self.run_program("train", "--steps", "3", "--seed", "2")
        self.assertNotEqual(harness.digests(one)[-1], harness.digests(two)[-1])


class Trouble(harness.Test):
    def overwrite(self, name, data):
        with open(self.path("data/mnist/" + name), "wb") as file:
            file.write(data)

    def contents(self, name):
        with open(self.path("data/mnist/" + name), "rb") as file:
            return file.read()

    def test_no_data(self):
        for np in (None, 1, 3):
            self.refuse("train", "--data", "nowhere", np=np, code=1, says="data/get-mnist.sh")

    def test_data_found_without_options(self):
        """$MNIST_DIR before data/mnist before what $XDG_DATA_HOME or the home has; names with a dot, as archives unpack, also .gz."""
        train = ("train", "-q", "--steps", 1, "--output", "run.h5")
        self.environment.update(HOME=self.path("home"), MNIST_DIR=self.path("nowhere"))
        self.environment.pop("XDG_DATA_HOME", None)
        self.refuse(*train, code=1, says="nowhere/train-images-idx3-ubyte: no such file")
        self.environment["MNIST_DIR"] = ""
        self.run_program(*train)
        home, data = self.path("home/.local/share/syncnorm"), self.path("xdg/syncnorm")
        os.makedirs(home)
        os.rename(self.path("data/mnist"), home + "/mnist")
        self.run_program(*train)
        self.environment["XDG_DATA_HOME"] = self.path("xdg")
        os.makedirs(self.path("data/mnist"), exist_ok=True)  # an empty one is none
        self.refuse(*train, code=1, says="no data set: data/mnist and " + data + "/mnist have no train-images")
        os.makedirs(data)
        os.rename(home + "/mnist", data + "/mnist")
        for name in os.listdir(data + "/mnist"):
            os.rename(f"{data}/mnist/{name}", f"{data}/mnist/" + name.replace("-idx", ".idx"))
        with open(data + "/mnist/t10k-labels.idx1-ubyte", "rb") as file, gzip.open(file.name + ".gz", "wb") as packed:
            packed.write(file.read())
        os.remove(file.name)
        self.run_program(*train)

    def test_bad_data_names_file_and_fault(self):
        labels, images = self.contents("train-labels-idx1-ubyte"), self.contents("t10k-images-idx3-ubyte")
        cases = (
            ("train-labels-idx1-ubyte", b"\0\0\7\1" + labels[4:]),   # magic
            ("train-labels-idx1-ubyte", labels[:-1]),                # truncated
            ("train-labels-idx1-ubyte", labels + b"\0"),             # trailing byte
            ("train-labels-idx1-ubyte", labels[:8] + b"\x0a" + labels[9:]),  # a label of 10
            ("train-labels-idx1-ubyte", b""),
            ("t10k-images-idx3-ubyte", images[:8] + b"\0\0\0\x1d" + images[12:]),  # 29 rows
            ("t10k-images-idx3-ubyte", b"\x1f\x8b" + images[2:]),    # claims to be gzip
        )
        for name, data in cases:
            sound = self.contents(name)
            self.overwrite(name, data)
            with self.subTest(name=name, size=len(data)):
                self.refuse("train", np=3, code=1, says=name)
            self.overwrite(name, sound)
        self.run_program("train", "--steps", "1", "-q")

    def test_an_output_that_cannot_be_written(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        for np in (None, 3):
            self.refuse("train", "--output", "file/run.h5", np=np, code=1, says="file/run.h5")

    def test_divergence_is_one_line(self):
        for np in (None, 3):
            _, err = self.run_program("train", "--lr", "1e30", "--norm", "none", np=np, expect=1)
            self.assertRegex(err, r"\Asyncnorm: error: [^\n]+\n\Z")

    def test_an_instruction_set_that_is_not_there(self):
        self.environment["SYNCNORM_ISA"] = "vax"
        for command in ("train", "study", "bench"):
            self.refuse(command, np=2, says="SYNCNORM_ISA")

    def test_stopping_for_time_says_so_with_exit_code_75(self):
        out, err = self.run_program("train", "--epochs", "60000", "--max-time", "0:00:01", np=2, expect=75)
        self.assertRegex(err, r"\Asyncnorm: stopped [^\n]*runs/gn-s1.h5[^\n]*\n\Z")
        self.run_program("eval", "runs/gn-s1.h5")


if __name__ == "__main__":
    harness.main()
