#!/usr/bin/env python3
"""Going on from a run file: exactly, from the right one, or not at all."""

import gzip
import os
import pathlib
import re
import shutil
import signal

import h5py
import jobs

EPOCHS = 3


class Exact(jobs.Test):
    def test_a_run_in_pieces_on_other_rank_counts_is_the_run(self):
        for experiment in jobs.choices("gn", "ln", "bn-l1"):
            reference = jobs.reference("--experiment", experiment, "--epochs", EPOCHS)
            name = f"{experiment}.h5"
            lengths = (5, 13, 20, 26, 38)  # inside an epoch, at its end, near the end of the run
            for np, steps in zip((2, None, 3, 1, 5), lengths):
                self.train("-q", "--experiment", experiment, "--steps", steps, "--output", name, np=np)
                self.assertEqual(jobs.progress(self.path(name)), steps)
            self.train("-q", "--experiment", experiment, "--epochs", EPOCHS, "--output", name, np=2)
            self.assert_same(self.path(name), reference)
            self.verify(name, name + ".prev")
        self.assert_no_leftovers()

    def test_a_file_of_before_goes_on(self):
        """Written in the middle of an epoch when sums of an epoch at work were stored without names."""
        arguments = ("-q", "--norm", "bn", "--workers", 3, "--batch", 8, "--bn-scope", "worker", "--shards", "dirichlet:0.5",
                     "--epochs", 2)
        data = jobs.dataset(60, 20)
        self.train(*arguments, "--output", "whole.h5", data=data)
        whole = jobs.runs.content(self.path("whole.h5"))
        for np in (None, 2):
            with gzip.open(jobs.TESTS / "faults/fixtures/before-labelled-progress.h5.gz") as packed:
                pathlib.Path(self.path()).write_bytes(packed.read())
            self.assertEqual(jobs.progress(self.path()), 11)
            self.train(*arguments, "--output", "run.h5", "--resume", "require", data=data, np=np)
            # the epoch's diagnostics and costs are not what this version sums up
            wrong = jobs.runs.differences(jobs.runs.content(self.path()), whole)
            self.assertEqual([name for name in wrong if not re.match(r"metrics/epoch/(norm|\w+_(calls|bytes))", name)], [])
            with h5py.File(self.path()) as file:
                self.assertEqual(list(file["metrics/epoch/instrument_calls"]), [-1, 0])  # not known then, none since

    def test_sums_of_an_epoch_hold_any_loss_that_a_step_may_have(self):
        """Losses of 250,000 are in range; 8,590 of them are more than 63 bits hold."""
        self.train("-q", "--steps", 1, "--output", "init.h5")
        with h5py.File(self.path("init.h5"), "r+") as file:  # breaks the seal, which a file for --init need not have
            model = {name: value[()] for name, value in file["model"].items()}
        model["conv10.bias"][0] = 2.5e5
        with h5py.File(self.path("large.h5"), "w") as file:
            for name, value in model.items():
                file[f"model/{name}"] = value
        data = jobs.repeated("train", 40, 300, 20)
        arguments = ("-q", "--init", "large.h5", "--lr", "1e-12", "--epochs", 1, "--output", "run.h5")
        self.train(*arguments, "--steps", 740, data=data)
        self.train(*arguments, data=data, np=2)
        with h5py.File(self.path()) as file:
            losses, mean = file["metrics/step/loss"][:], file["metrics/epoch/train_loss"][:]
        self.assertGreater(losses.min(), 1e5)
        self.assertEqual(len(mean), 1)
        self.assertAlmostEqual(mean[0] / losses.mean(), 1, places=12)

    def test_a_longer_run_goes_on_and_replaces_the_partial_row(self):
        self.train("-q", "--steps", 15, "--output", "run.h5")
        with h5py.File(self.path()) as file:
            self.assertEqual(list(file["metrics/epoch/epoch"]), [1, 2])
            partial = file["metrics/epoch/train_loss"][1]
            self.assertEqual(file["metrics/step/loss"].shape, (15,))
        job = self.train("--epochs", 2, "--output", "run.h5", np=2)
        self.assertIn("going on after", job.err())
        self.assert_same(self.path(), jobs.reference("--epochs", 2))
        with h5py.File(self.path()) as file:
            self.assertEqual(list(file["metrics/epoch/epoch"]), [1, 2])
            self.assertNotEqual(file["metrics/epoch/train_loss"][1], partial)
            self.assertEqual(len(file["provenance"]), 2)

    def test_what_is_past_the_length_asked_for_but_not_complete_is_an_error(self):
        job = self.start("-q", "--epochs", 60000, "--output", "run.h5")
        self.assertTrue(job.until(lambda: jobs.progress(self.path()) > 2 * jobs.STEPS_PER_EPOCH, "three epochs"), job.err())
        job.signal(signal.SIGUSR2)
        self.finish(job, 75)
        before = jobs.runs.content(self.path())
        for np in (None, 2):
            job = self.train("--epochs", 1, "--output", "run.h5", np=np, expect=1)
            self.one_line(job, "run.h5: it is past the length asked for")
        self.assert_same(self.path(), before)

    def test_bytes_of_norms_differ_by_what_a_norm_is(self):
        """Per step: training needs the gradient and batch norm's sums; running statistics and the instrument are counted apart."""
        parameters, channels, steps = 10224, 116, jobs.STEPS_PER_EPOCH
        gradient = 8 * (parameters + 2 + 4 + 38 + 10)  # loss and correct count, requests, values out of range
        running, moments = 8 * 3 * channels, 8 * 5 * channels

        def bytes_of(*arguments):
            self.remove()
            self.train("-q", *arguments, "--epochs", 1, "--output", "run.h5", np=2)
            with h5py.File(self.path()) as file:
                epoch = file["metrics/epoch"]
                return {kind: int(epoch[f"{kind}_bytes"][0]) for kind in ("gradient", "statistics", "running", "instrument")}

        once = 1  # the instrument looks at the first of 16 steps; an epoch has 13
        self.assertEqual(bytes_of("--norm", "gn"), {"gradient": steps * gradient, "statistics": 0, "running": 0, "instrument": 0})
        self.assertEqual(bytes_of("--norm", "bn"), {"gradient": steps * gradient, "statistics": steps * 7 * 8 * channels,
                                                    "running": 0, "instrument": once * moments})
        self.assertEqual(bytes_of("--norm", "bn", "--workers", 8, "--bn-scope", "worker"),
                         {"gradient": steps * gradient, "statistics": 0, "running": steps * running,
                          "instrument": once * (moments + 8 * 8 * channels)})

    def test_calls_and_bytes_are_those_of_the_whole_epoch(self):
        """Resumed inside an epoch, on any ranks."""
        columns = [f"metrics/epoch/{kind}_{what}" for kind in ("statistics", "gradient")
                   for what in ("calls", "bytes", "bytes_float32")]

        def costs(name):
            with h5py.File(self.path(name)) as file:
                return {column: file[column][:].tolist() for column in columns}

        arguments = ("-q", "--experiment", "bn-l1", "--output")
        self.train(*arguments, "whole.h5", "--epochs", 2, np=2)
        for steps, np in ((5, 1), (20, 3)):
            self.train(*arguments, "parts.h5", "--steps", steps, np=np)
        self.train(*arguments, "parts.h5", "--epochs", 2)
        self.assertEqual(costs("parts.h5"), costs("whole.h5"))
        self.assertEqual(costs("whole.h5")["metrics/epoch/gradient_calls"], [jobs.STEPS_PER_EPOCH] * 2)
        self.assertEqual(costs("whole.h5")["metrics/epoch/statistics_calls"], [2 * 9 * jobs.STEPS_PER_EPOCH] * 2)

    def test_a_finished_run_says_so(self):
        self.train("-q", "--epochs", 1, "--output", "run.h5")
        before = os.stat(self.path()).st_mtime_ns
        for np in (None, 2):
            job = self.train("--epochs", 1, "--output", "run.h5", np=np)
            self.one_line(job, "run.h5 is complete")
        self.assertEqual(os.stat(self.path()).st_mtime_ns, before)
        self.assert_no_leftovers()

    def test_cadences_change_nothing_and_are_kept(self):
        for cadence, generations in (("7steps", (39, 35)), ("0.001s", (39, 38)), ("1h", (39, None))):
            name = f"{cadence}.h5"
            self.train("-q", "--epochs", EPOCHS, "--checkpoint-every", cadence, "--output", name, np=2)
            self.assert_same(self.path(name), jobs.reference("--epochs", EPOCHS))
            self.assertEqual(jobs.progress(self.path(name)), generations[0])
            if generations[1]:
                self.assertIn(jobs.progress(self.path(name + ".prev")), generations[1:])
            else:
                self.assertFalse(os.path.exists(self.path(name + ".prev")))


class WhichFile(jobs.Test):
    def setUp(self):
        super().setUp()
        self.train("-q", "--epochs", 2, "--checkpoint-every", "10steps", "--output", "run.h5", np=2)

    def damage(self, name):
        with open(self.path(name), "r+b") as file:
            file.seek(5000)
            byte = file.read(1)[0]
            file.seek(5000)
            file.write(bytes([byte ^ 4]))

    def test_a_damaged_newest_gives_way_to_the_one_before(self):
        self.damage("run.h5")
        job = self.train("-q", "--epochs", 2, "--checkpoint-every", "1steps", "--output", "run.h5", np=3)
        self.one_line(job, "warning: .*run.h5: damaged.*going on from run.h5.prev")
        self.assert_same(self.path(), jobs.reference("--epochs", 2))
        self.verify("run.h5", "run.h5.prev")
        self.assertTrue(os.path.exists(self.path("run.h5.damaged")))

    @jobs.with_injection
    def test_killed_while_the_damaged_one_is_replaced(self):
        for point in ("save.synced", "save.kept", "save.renamed"):
            shutil.copy(self.path(), self.path("copy.h5"))
            shutil.copy(self.path("run.h5.prev"), self.path("copy.h5.prev"))
            self.damage("copy.h5")
            self.train("-q", "--epochs", 2, "--output", "copy.h5", expect=-signal.SIGKILL,
                       SYNCNORM_FAULT=f"{point} kill")
            self.train("-q", "--epochs", 2, "--output", "copy.h5")
            self.assert_same(self.path("copy.h5"), jobs.reference("--epochs", 2))

    def test_through_a_symbolic_link_the_generations_are_those_of_its_target(self):
        os.mkdir(self.path("elsewhere"))
        for name in ("run.h5", "run.h5.prev"):
            os.rename(self.path(name), self.path(f"elsewhere/{name}"))
        os.symlink("elsewhere/run.h5", self.path())
        self.damage("run.h5")
        job = self.train("-q", "--epochs", 2, "--output", "run.h5", np=2)
        self.one_line(job, "warning: .*elsewhere/run.h5: damaged.*going on from .*elsewhere/run.h5.prev")
        self.assertTrue(os.path.islink(self.path()))
        self.assert_same(self.path(), jobs.reference("--epochs", 2))

    def test_a_missing_newest_gives_way_to_the_one_before(self):
        os.remove(self.path())
        job = self.train("-q", "--epochs", 2, "--output", "run.h5", "--resume", "require")
        self.one_line(job, "warning: .*run.h5 is not there; going on from run.h5.prev")
        self.assert_same(self.path(), jobs.reference("--epochs", 2))

    def test_two_damaged_ones_are_an_error_and_stay(self):
        for name in ("run.h5", "run.h5.prev"):
            self.damage(name)
        for resume in ("auto", "require"):
            job = self.train("--epochs", 2, "--output", "run.h5", "--resume", resume, np=2, expect=1)
            self.one_line(job, "damaged.*--resume never")
        self.train("-q", "--epochs", 2, "--output", "run.h5", "--resume", "never")
        self.assert_same(self.path(), jobs.reference("--epochs", 2))

    def test_require_without_a_file(self):
        job = self.train("--epochs", 1, "--output", "other.h5", "--resume", "require", np=2, expect=1)
        self.one_line(job, "other.h5.*nothing to resume")

    def test_never_starts_afresh_and_keeps_the_old_one(self):
        old = jobs.runs.content(self.path())
        self.train("-q", "--epochs", 1, "--output", "run.h5", "--resume", "never", np=2)
        self.assert_same(self.path(), jobs.reference("--epochs", 1))
        self.assert_same(self.path("run.h5.prev"), old)

    def test_another_experiment_is_refused_and_untouched(self):
        old = jobs.runs.content(self.path())
        for resume in ("auto", "require", "never"):
            job = self.train("--epochs", 2, "--lr", "0.02", "--seed", 3, "--output", "run.h5", "--resume", resume, np=2,
                             expect=1)
            self.one_line(job, "run.h5 is the run of another experiment")
            for difference in ("lr", "0.02", "0.01", "seed"):
                self.assertIn(difference, job.err())
            self.assertNotIn("momentum", job.err())
        self.assert_same(self.path(), old)
        self.train("-q", "--epochs", 2, "--output", "run.h5", data=jobs.dataset(210), expect=1)
        os.remove(self.path())  # the generation before is not ours to replace either
        job = self.train("--seed", 3, "--output", "run.h5", "--resume", "never", expect=1)
        self.one_line(job, "run.h5.prev is the run of another experiment")


if __name__ == "__main__":
    jobs.main()
