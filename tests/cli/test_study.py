#!/usr/bin/env python3
"""Studies: the same digests in any team, one line per run from whoever trained it, failures that stop nobody else, a display for all."""

import os
import re
import subprocess

import harness

ROW = (r"{name} +(?P<norm>gn|ln|bn) +(?P<parameters>[\d,]+) +\d+\.\d\d% +\d+\.\d{{4}} +\d+\.\d\d% +[\d,]+  "
       r"(?P<digest>[0-9a-f]{{32}})\n")


class Study(harness.Test):
    def rows(self, out, names):
        """{name: digest} of the comparison table, which has these rows in this order and no others."""
        table = out[out.index("\nrun "):]
        pattern = "".join(f"(?P<r{i}>{re.sub('[?]P<[a-z]+>', '', ROW.format(name=name))})" for i, name in enumerate(names))
        found = re.search(r"\nrun [^\n]*digest\n" + pattern + r"\nRun files: ", table)
        self.assertIsNotNone(found, out)
        return {name: harness.digests(found.group(f"r{i}"))[0] for i, name in enumerate(names)}

    def files(self, directory):
        """Run files; locks stay beside them, hidden."""
        return sorted(n for n in os.listdir(self.path(directory)) if n.endswith(".h5"))

    def test_the_published_study_on_any_number_of_ranks(self):
        names = ["gn-s1", "ln-s1", "bn-s1", "bn-l1-s1"]
        alone = {}
        for name in names:
            out, _ = self.run_program("train", "--experiment", name[:-3], "--epochs", "2", np=2)
            alone[name] = harness.digests(out)[-1]
        for np in (None, 3, 5):
            out, _ = self.run_program("study", "--epochs", "2", "--output", f"np{np}", np=np)
            self.assertEqual(self.rows(out, names), alone, f"np={np}")
            self.assertRegex(out, r"\A4 runs on unknown \([0-9a-f]{32}\), ")
            for name in names:
                self.assertTrue(os.path.exists(self.path(f"np{np}/{name}.h5")))
                # whole lines, whoever writes
                line = rf"(?m)^{name}: done: epoch 2, test loss [^\n]* images/s on \d ranks?$"
                self.assertEqual(len(re.findall(line, out)), 1, out)
        self.assertIn(" 10,224 ", out)
        self.assertIn(" 74,284 ", out)

    def test_a_line_per_finished_epoch_says_which_run(self):
        out, _ = self.run_program("study", "--norm", "gn", "--seed", "1-2", "--epochs", "2", np=2)
        for seed in (1, 2):
            for epoch in (1, 2):
                line = rf"(?m)^gn-s{seed}: Epoch {epoch}/2: train loss [^\n]* images/s$"
                self.assertEqual(len(re.findall(line, out)), 1, out)

    def test_every_axis_is_a_list_and_what_means_the_same_is_one_run(self):
        out, _ = self.run_program("study", "--norm", "gn,bn", "--workers", "1,4", "--bn-scope", "sync,8", "--steps", "1",
                                  "--shards", "iid,sorted", np=2)
        self.rows(out, ["gn-s1", "gn-workers4-s1", "gn-workers4-sorted-s1", "bn-s1", "bn-scope8-s1", "bn-workers4-s1",
                        "bn-workers4-sorted-s1", "bn-workers4-scope8-s1", "bn-workers4-scope8-sorted-s1"])

    def test_workers_may_be_the_ranks_of_a_team(self):
        out, err = self.run_program("study", "--norm", "gn", "--workers", "ranks", "--ranks-per-run", "2", "--steps", "1", np=3)
        self.rows(out, ["gn-workers2-s1"])  # a team of three: the number is what was asked for
        self.assertIn("1 left over", err)

    def test_a_dry_run_needs_neither_data_nor_mpi(self):
        self.environment["MNIST_DIR"] = "nowhere"
        options = ("study", "--dry-run", "--norm", "gn,bn", "--workers", "8", "--bn-scope", "sync,worker")
        out, err = self.run_program(*options, "--rate", "1000", "--epochs", "1")
        self.assertEqual(err, "")
        # 60,000 images, and at a third of the cost 10,000 of a test and 60,000 of the training set at the end: 83.3 s
        rows = re.findall(r"(?m)^(\S+) +(\d+) +(\d+) +(\d+:\d\d:\d\d)$", out)
        self.assertEqual(rows, [(name, "1", "1", "0:01:23") for name in
                                ("gn-workers8-s1", "bn-workers8-s1", "bn-workers8-scopeworker-s1")])
        self.assertRegex(out, r"\nIn all about 0:04:10, for MNIST \(no data set was found\), at the stated images/s of one rank: 1000\n\Z")
        out, _ = self.run_program(*options, "--rate", "1000", "--epochs", "1", "--ranks-per-run", "2", np=5)
        rows = re.findall(r"(?m)^(\S+) +(\d+) +(\d+) +(\d+:\d\d:\d\d)$", out)
        # three ranks have 22 images of a batch, which cost as much as 22.8 in blocks of 16
        self.assertEqual([row[1:] for row in rows], [("1", "3", "0:00:29"), ("2", "2", "0:00:42"), ("1", "3", "0:00:29")])
        self.assertRegex(out, r"\nAlone on a rank an image of a batch is taken to cost 1\.3 times as much as among many; [^\n]+ taken for those of one node\n\Z")
        out, _ = self.run_program(*options)  # measured
        self.assertRegex(out, r"at measured images/s of one rank: gn \d+, bn \d+\n\Z")
        self.assertEqual(os.listdir(self.directory), ["data"])
        self.refuse("study", "--rate", "5", says="--dry-run")
        self.refuse(*options, "--foo", np=2, says="--foo")

    def test_a_dry_run_and_a_list_for_other_ranks(self):
        out, _ = self.run_program("study", "--dry-run", "--rate", "1000", "--ranks", "192")
        self.assertRegex(out, r"\A4 runs, 192 ranks in 4 teams\n")
        self.assertEqual(re.findall(r"(?m)^(?:gn|ln|bn|bn-l1)-s1 +\d +(\d+) ", out), ["48"] * 4)
        self.refuse("study", "--ranks", "2", says="--ranks goes with --dry-run and --list")
        self.refuse("study", "--list", "--dry-run", says="ask for one")

    def test_a_list_of_commands_that_make_the_study(self):
        """A line for each run at an index that never moves, whose command makes what the study makes."""
        self.run_program("train", "-q", "--steps", "3", "--output", "a start.h5")
        plan = ("study", "--norm", "bn,gn", "--workers", "2", "--bn-scope", "sync,worker", "--schedule", "cosine", "--no-shuffle", "--init",
                "a start.h5", "--lr", "3e-3", "--steps", "2", "--output", "its runs")
        listed, err = self.run_program(*plan, "--list", "--checkpoint-every", "1steps")
        self.assertEqual(err, "")
        lines = [line.split("\t") for line in listed.splitlines()]
        self.assertEqual(len(lines), 3)
        for name, command in lines:
            self.assertIn("--checkpoint-every 1steps", command)
            subprocess.run(["sh", "-c", command], cwd=self.directory, env=self.environment, check=True, stdout=subprocess.DEVNULL)
            self.assertTrue(os.path.exists(self.path(f"its runs/{name}.h5")))
        self.assertEqual(self.run_program(*plan, "--list", "--checkpoint-every", "1steps", np=3)[0], listed)
        self.assertIn("\nNothing is left to do\n", self.run_program(*plan, "--dry-run")[0])

    def test_a_dry_run_looks_at_data_and_run_files(self):
        options = ("study", "--norm", "gn,ln,bn", "--epochs", "2")
        self.run_program("train", "-q", "--norm", "gn", "--epochs", "2")
        self.run_program("train", "-q", "--norm", "ln", "--epochs", "1")
        before = sorted(os.listdir(self.path("runs")))
        out, err = self.run_program(*options, "--dry-run", "--rate", "1")
        self.assertEqual(err, "")
        # 8 images of the last batch as much as 8.4: 200.4 s an epoch, a third of 100.2 s of the test set after it, of 200.4 s at the end
        self.assertRegex(out, r"(?m)^gn-s1 +– +– +complete$")
        self.assertRegex(out, r"(?m)^ln-s1 +1 +1 +0:05:01  goes on after epoch 1$")
        self.assertRegex(out, r"(?m)^bn-s1 +1 +1 +0:08:54$")
        self.assertRegex(out, r"\nIn all about 0:13:55, for unknown \([0-9a-f]{32}\), at the stated ")
        self.assertEqual(sorted(os.listdir(self.path("runs"))), before)
        self.run_program("train", "-q", "--norm", "gn", "--seed", "7", "--steps", "1", "--output", "runs/gn-s2.h5")
        with open(self.path("runs/gn-s3.h5"), "w", encoding="utf-8"):
            pass
        out, _ = self.run_program(*options, "--dry-run", "--rate", "1", "--seed", "1-3")
        self.assertRegex(out, r"(?m)^gn-s2 +1 +1 +0:08:54  its file is another experiment's$")
        self.assertRegex(out, r"(?m)^gn-s3 +1 +1 +0:08:54  its file cannot be read$")
        out, _ = self.run_program("study", "--dry-run", "--norm", "gn", "--batch", "4096", "--workers", "4096", "--rate", "1")
        self.assertRegex(out, r"(?m)^gn-batch4096-workers4096-s1 .*--workers 4096: each needs a sample .* training images$")
        self.assertIn("\nNothing of it can begin\n", out)
        self.run_program(*options, "-q")
        self.assertIn("\nNothing is left to do\n", self.run_program(*options, "--dry-run")[0])
        self.refuse(*options, "--dry-run", "--data", "nowhere", code=1, says="nowhere/train-images-idx3-ubyte")

    def test_a_display_for_all_teams(self):
        os.makedirs(self.path("runs/ln-s1.h5"))
        out, err = self.run_program("study", "--epochs", "3", "--progress", "always", np=2, expect=1)
        shown, table = out.split("\x1b[J")[1:-1], out.split("\x1b[J")[-1]
        self.assertGreater(len(shown), 0, out)
        for screen in shown:  # a line for each of the two teams and one for the whole
            lines = [line for line in screen.split("\n") if line.endswith("\x1b[K")]
            self.assertEqual(len(lines), 3, screen)
            self.assertRegex(lines[0], r"\Ateam 1 ")
            self.assertRegex(lines[1], r"\Ateam 2 ")
            self.assertRegex(lines[2], r"\A\d of 4 runs done(, 1 failed)?  \[\d\d:\d\d<")
        self.assertRegex(out, r"team \d +(gn|bn|bn-l1)-s1 +epoch +\d/3 +\d+%\|[^|]{10}\| loss \d+\.\d{4}  accuracy")
        self.assertEqual(len(re.findall(r"(?:\n|\x1b\[J)FAILED ln-s1: [^\n]+\n", out)), 1)
        self.assertNotIn("\x1b", table)  # the display is gone
        self.assertRegex(table, r"\nln-s1 +ln +FAILED: ")
        self.assertEqual(err, "syncnorm: error: 1 of 4 runs failed\n")

    def test_on_a_terminal_the_display_fits_and_shows_by_itself(self):
        text = self.run_on_terminal("study", "--epochs", "2", columns=40)
        drawn = re.findall(r"([^\n]*)\x1b\[K\n", text)
        self.assertGreater(len(drawn), 0)
        for line in drawn:
            self.assertLess(len(line.split("\x1b[J")[-1]), 40)
        self.assertNotIn("\x1b", self.run_on_terminal("study", "--epochs", "2", "--progress", "never", columns=40))
        self.assertIn("\x1b[K", self.run_on_terminal("study", "--epochs", "2", columns=80, np=2))  # mpirun's terminal

    def test_lists_and_merged_runs(self):
        out, _ = self.run_program("study", "--norm", "gn,bn,gn", "--seed", "3-4,3", "--steps", "2", np=3)
        found = self.rows(out, ["gn-s3", "gn-s4", "bn-s3", "bn-s4"])
        self.assertEqual(len(set(found.values())), 4)
        self.assertEqual(self.files("runs"), ["bn-s3.h5", "bn-s4.h5", "gn-s3.h5", "gn-s4.h5"])

    def test_what_a_seed_has_no_part_in_is_one_run(self):
        listed, _ = self.run_program("study", "--norm", "gn", "--seed", "1-3", "--init-seed", "7", "--order-seed", "7", "--dropout-seed", "seed,7", "--list")
        self.assertEqual(sorted(line.split("\t")[0] for line in listed.splitlines()),
                         ["gn-initseed7-orderseed7-dropoutseed7-s1", "gn-initseed7-orderseed7-s1",
                          "gn-initseed7-orderseed7-s2", "gn-initseed7-orderseed7-s3"])

    def test_a_plan_of_another_batch_has_no_batch_that_grows(self):
        listed, _ = self.run_program("study", "--plan", "scaling", "--batch", "128", "--list")
        self.assertEqual(len(listed.splitlines()), 87)
        self.assertNotIn("warmup", listed)
        listed, _ = self.run_program("study", "--plan", "scaling", "--list")
        self.assertEqual(len(listed.splitlines()), 174)

    def test_many_runs_for_few_teams_are_each_done_once(self):
        out, _ = self.run_program("study", "--norm", "gn", "--seed", "1-9", "--steps", "1", np=4)
        self.rows(out, [f"gn-s{seed}" for seed in range(1, 10)])
        for seed in range(1, 10):
            self.assertEqual(len(re.findall(rf"(?m)^gn-s{seed}: done", out)), 1)

    def test_ranks_that_do_not_divide_are_said_in_one_line(self):
        for arguments, np, says in (
                (["--ranks-per-run", "2"], 3, "the 1 left over joining it"),
                (["--ranks-per-run", "4"], 3, "one team of all"),
                ([], 5, "the 1 left over joining them")):
            out, err = self.run_program("study", "--steps", "1", "--output", f"out{says[-4:]}", *arguments, np=np)
            self.assertRegex(err, r"\Asyncnorm: [^\n]+\n\Z")
            self.assertIn(says, err)
            self.rows(out, ["gn-s1", "ln-s1", "bn-s1", "bn-l1-s1"])

    def test_a_failed_run_stops_no_other(self):
        for np in (None, 3):
            os.makedirs(self.path(f"out{np}/ln-s1.h5"))  # where its run file should go
            out, err = self.run_program("study", "--steps", "1", "--output", f"out{np}", np=np, expect=1)
            self.assertRegex(out, r"\nln-s1 +ln +FAILED: [^\n]+\n")
            self.assertRegex(out, ROW.format(name="gn-s1"))
            self.assertRegex(out, ROW.format(name="bn-l1-s1"))
            self.assertRegex(err, r"(?m)^syncnorm: error: ln-s1: ")
            self.assertRegex(err, r"(?m)^syncnorm: error: 1 of 4 runs failed$")
            self.assertEqual(len(err.splitlines()), 2)

    def test_a_directory_that_cannot_be_written_is_one_line_for_all(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        _, err = self.run_program("study", "--output", "file", np=3, expect=1)
        self.assertRegex(err, r"\Asyncnorm: error: [^\n]*file[^\n]*\n\Z")

    def test_bad_data_is_one_line_for_all(self):
        self.refuse("study", "--plan", "tuning", np=2, says="--validation 5000: of 200 training images at most 199 can be held out")
        self.assertFalse(os.path.exists(self.path("runs")))
        self.refuse("study", "--data", "nowhere", np=3, code=1, says="nowhere")

    def test_quiet_says_nothing(self):
        self.assertEqual(self.run_program("study", "--steps", "1", "-q", np=2), ("", ""))

    def test_a_second_time_there_is_nothing_to_do(self):
        names = ["gn-s1", "ln-s1", "bn-s1", "bn-l1-s1"]
        first, _ = self.run_program("study", "--steps", "2", np=2)
        again, err = self.run_program("study", "--steps", "2", np=3)
        self.assertEqual(self.rows(again, names), self.rows(first, names))
        self.assertNotIn("Epoch", again)
        self.assertEqual(err.count("nothing to do"), 4)

    def test_a_study_that_was_cut_short_goes_on_with_other_ranks_and_more_runs(self):
        options = ("study", "--norm", "gn,bn", "--workers", "2")
        whole, _ = self.run_program(*options, "--seed", "1-3", "--epochs", "2", "--output", "whole", np=2)
        self.run_program(*options, "--seed", "1-2", "--steps", "3", np=3)
        self.run_program(*options, "--seed", "1", "--epochs", "2", np=1)  # two of the runs are complete
        out, err = self.run_program(*options, "--seed", "1-3", "--epochs", "2", np=4)
        names = [f"{norm}-workers2-s{seed}" for norm in ("gn", "bn") for seed in (1, 2, 3)]
        self.assertEqual(self.rows(out, names), self.rows(whole, names))
        self.assertEqual((err.count("nothing to do"), err.count("going on after")), (2, 2))
        self.assertEqual(self.files("runs"), sorted(f"{n}.h5" for n in names))

    def test_out_of_time(self):
        out, err = self.run_program("study", "--epochs", "60000", "--max-time", "0:00:01", np=2, expect=75)
        self.assertEqual(len(re.findall(r"^\S+ +\w+ +stopped (?:after step|before it began)", out, re.M)), 4, out)
        self.assertEqual(out.count("stopped"), 4, out)
        self.assertRegex(err.splitlines()[-1], r"4 of 4 runs stopped")
        out, _ = self.run_program("study", "--epochs", "60000", "--max-time", "0:00:01", "--progress", "always", np=2, expect=75)
        self.assertEqual(set(re.findall(r"(\d+) of 4 runs done", out)), {"0"})

    def test_a_study_from_given_weights(self):
        self.run_program("train", "-q", "--steps", "3", "--output", "start.h5")
        out, _ = self.run_program("study", "--norm", "gn", "--init", "start.h5", "--seed", "1-2", "--steps", "2", np=2)
        names = self.files("runs")
        self.assertRegex(" ".join(names), r"\Agn-init[0-9a-f]{8}-s1.h5 gn-init[0-9a-f]{8}-s2.h5\Z")
        one, _ = self.run_program("train", "--init", "start.h5", "--steps", "2", "--resume", "never")
        self.assertIn(harness.digests(one)[-1], out)
        self.assertIn(f"Run file: runs/{names[0]}\n", one)
        self.refuse("study", "--norm", "gn", "--init", "missing.h5", np=2, code=1, says="missing.h5")


if __name__ == "__main__":
    harness.main()
