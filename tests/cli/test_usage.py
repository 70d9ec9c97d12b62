#!/usr/bin/env python3
"""Help, version, wrong usage: what is said where, by whom, with which exit code, alone and under mpirun."""

import os
import subprocess

import harness

COMMANDS = ["train", "study", "report", "eval", "summary", "inspect", "bench"]


class Help(harness.Test):
    def test_the_program_lists_its_commands(self):
        alone = self.refuse(says="no command: it must be one of")
        asked, _ = self.run_program("--help")
        for name in COMMANDS:
            self.assertRegex(alone, rf"\b{name}\b")
            self.assertRegex(asked, rf"(?m)^  {name} ")

    def test_version(self):
        for arguments in (["--version"], ["train", "--version"], ["summary", "-V"]):
            out, err = self.run_program(*arguments)
            self.assertRegex(out, r"\Asyncnorm \d+\.\d+\.\d+ [^\n]*\n\Z")
            self.assertEqual(err, "")

    def test_every_command_explains_itself(self):
        for name in COMMANDS:
            out, err = self.run_program(name, "--help")
            self.assertRegex(out, rf"\AUsage: syncnorm {name} ")
            self.assertIn("--help", out)
            self.assertEqual(err, "")
            self.assertLessEqual(max(map(len, out.split("\n"))), 80)
            self.assertEqual(self.run_program("help", name), (out, ""))
        self.refuse("help", "fly", says="unknown command 'fly'")

    def test_help_of_train_has_every_option_and_its_default(self):
        out, _ = self.run_program("train", "--help")
        text = " ".join(out.split())
        for option, default in {"experiment": "gn", "groups": "2", "batch": "64", "epochs": "15", "lr": "0.01",
                                "momentum": "0.9", "weight-decay": "0", "l1": "0", "dropout": "0.05", "seed": "1",
                                "lr-scaling": "none", "conv": "direct"}.items():
            self.assertRegex(text, rf"--{option} [^ ]+ [^-]*(-[^-]+)*\(default {default}\)")
        for option in ("batch-per-worker", "precise-bn", "no-shuffle", "init", "data", "output", "steps",
                       "checkpoint-every", "max-time", "timeout", "progress", "quiet", "verbose"):
            self.assertIn(f"--{option}", out)

    def test_under_mpirun_it_is_printed_once(self):
        alone, _ = self.run_program("train", "--help")
        three, err = self.run_program("train", "--help", np=3)
        self.assertEqual((three, err), (alone, ""))


class WrongUsage(harness.Test):
    def test_one_line_and_exit_code_2(self):
        for np in (None, 1, 3):
            self.refuse("train", "--foo", np=np, says="unknown option '--foo' (see syncnorm train --help)")
            self.refuse("trian", np=np, says="unknown command 'trian' (see syncnorm --help)")
            self.refuse("summary", "--groups", "4", np=np, says="--groups 4")

    def test_the_parser_is_strict(self):
        for arguments, says in {
            ("train", "--batc", "64"): "unknown option '--batc'",  # an abbreviation
            ("train", "--batch"): "option '--batch' needs a value",
            ("train", "--output", "--steps", "3"): "option '--output' needs a value",
            ("train", "--no-shuffle=1"): "option '--no-shuffle' takes no value",
            ("train", "digits"): "unexpected argument 'digits'",
            ("train", "-x"): "unknown option '-x'",
            ("train", "-qx"): "unknown option '-x'",
            ("train", "-q", "-v"): "--quiet and --verbose",
            ("train", "--batch", "0"): "--batch '0': must be an integer from 1 to 65536",
            ("train", "--batch", "65537"): "--batch",
            ("train", "--seed", "18446744073709551616"): "--seed",
            ("train", "--lr", "nan"): "--lr 'nan': must be a number above 0",
            ("train", "--momentum", "1"): "--momentum",
            ("train", "--dropout", "1"): "--dropout",
            ("train", "--steps", "0"): "--steps",
            ("train", "--epochs", "-1"): "--epochs",
            ("train", "--norm", "GN"): "--norm",
            ("train", "--workers", "0"): "--workers '0': must be ranks or an integer from 1 to 65536",
            ("train", "--workers", "65"): "--workers 65 with --batch 64",
            ("train", "--bn-scope", "8"): "--bn-scope goes with batch norm, and the norm is gn",
            ("train", "--norm", "bn", "--bn-scope", "1"): "do not depend on the image",
            ("train", "--norm", "bn", "--bn-scope", "worker", "--workers", "33"): "at least 2 samples",
            ("train", "--shards", "dirichlet:0"): "--shards 'dirichlet:0': must be iid, sorted or dirichlet:A",
            ("train", "--schedule", "step:5"): "--schedule 'step:5': must be constant, cosine or step:E:G",
            ("train", "--warmup", "15"): "--warmup 15: must be less than the 15 epochs",
            ("train", "--experiment", "gn", "--norm", "ln"): "--experiment and --norm",
            ("train", "--norm", "ln", "--groups", "2"): "--groups",
            ("train", "--groups", "4"): "--groups 4 does not divide",
            ("train", "--precise-bn"): "--precise-bn",
            ("train", "--batch", "8", "--batch-per-worker", "8"): "--batch-per-worker",
            ("train", "--checkpoint-every", "5"): "--checkpoint-every",
            ("train", "--checkpoint-every", "0s"): "--checkpoint-every",
            ("train", "--max-time", "90"): "--max-time",
            ("train", "--max-time", "1:60:00"): "--max-time",
            ("train", "--max-time", "0:00:00"): "--max-time",
            ("train", "--timeout", "soon"): "--timeout",
            ("eval", "a.h5", "--timeout", "soon"): "--timeout 'soon'",
            ("bench", "--timeout", "-1"): "--timeout '-1'",
            ("train", "--progress", "yes"): "--progress",
            ("train", "--output", ""): "--output",
            ("study", "--epochs", "3,4"): "--epochs: takes one value",
            ("study", "--workers", "ranks"): "--ranks-per-run",
            ("study", "--norm", "gn,ln", "--bn-scope", "8"): "--bn-scope goes with batch norm, which no run",
            ("study", "--seed", "3-1"): "--seed 3-1",
            ("study", "--seed", "1,,2"): "--seed",
            ("study", "--norm", "gn,xn"): "--norm 'xn'",
            ("study", "--ranks-per-run", "0"): "--ranks-per-run",
            ("study", "--progress", "yes"): "--progress 'yes'",
            ("eval",): "no run file",
            ("eval", "a.h5", "b.h5"): "b.h5",
            ("eval", "a.h5", "--split", "elsewhere"): "--split",
            ("train", "--foo\nbar"): "unknown option '--foo?bar'",
        }.items():
            with self.subTest(arguments=arguments):
                self.refuse(*arguments, says=says)

    def test_ranks_that_cannot_be_workers_are_refused_on_all_ranks_alike(self):
        self.refuse("train", "--workers", "ranks", "--batch", "2", np=3, says="--workers 3 with --batch 2")

    def test_values_may_follow_an_equals_sign(self):
        self.refuse("train", "--batch=0", says="--batch '0'")

    def test_ranks_with_different_commands_are_refused(self):
        run = ["mpirun", "-q", "-np", "1", os.environ["SYNCNORM"], "train", "-q", "--seed", "1"]
        for other in (["train", "-q", "--seed", "2"], ["eval", "run.h5"]):
            done = subprocess.run(run + [":", "-np", "1", os.environ["SYNCNORM"], *other], cwd=self.directory, env=self.environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"\Asyncnorm train: the ranks were not all started with the same [^\n]+\n\Z")

    def test_all_ranks_leave_together_with_the_same_code(self):
        # a plain mpirun would report a rank that left before the others, or hang
        for np in (1, 3):
            self.refuse("train", "--lr", "0", np=np, says="--lr '0'")
            self.refuse("study", "--norm", "x", np=np, says="--norm 'x'")
            self.refuse("eval", np=np, says="no run file")


class Output(harness.Test):
    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            _, err = self.run_program("summary", stdout=full, expect=1)
        self.assertRegex(err, r"\Asyncnorm: error: [^\n]*No space left on device\n\Z")

    def test_a_reader_that_goes_away_is_not(self):
        reader, writer = os.pipe()
        os.close(reader)
        _, err = self.run_program("summary", stdout=writer)
        os.close(writer)
        self.assertEqual(err, "")

    def test_a_run_goes_on_without_its_reader(self):
        reader, writer = os.pipe()
        os.close(reader)
        _, err = self.run_program("train", "--steps", "2", stdout=writer)
        os.close(writer)
        self.assertEqual(err, "")
        self.assertTrue(os.path.exists(self.path("runs/gn-s1.h5")))

    def test_closed_streams_do_not_end_up_in_the_run_file(self):
        shell = f"exec {harness.PROGRAM} train --steps 2 <&- >&- 2>&-"
        done = subprocess.run(["sh", "-c", shell], cwd=self.directory, env=self.environment, timeout=harness.TIMEOUT)
        self.assertEqual(done.returncode, 1)  # what should have been printed was not
        self.run_program("eval", "runs/gn-s1.h5")


if __name__ == "__main__":
    harness.main()
