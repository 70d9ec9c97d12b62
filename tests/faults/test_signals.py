#!/usr/bin/env python3
"""Requests by signal and by time: to the ranks, to one of them, to mpirun, doubled."""

import os
import signal
import time

import h5py
import jobs

EPOCHS = 40
ARGUMENTS = ("--epochs", EPOCHS, "--checkpoint-every", "1h", "--output", "run.h5")
STOPS = (signal.SIGUSR2, signal.SIGTERM, signal.SIGINT)


class Signals(jobs.Test):
    def begin(self, np, *arguments, **options):
        """A job in the middle of training, its file not yet written."""
        job = self.start(*ARGUMENTS, *arguments, np=np, **options)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: "Epoch 1/" in job.out(), "the first epoch"), job.err())
        return job, ranks

    def stopped(self, job, expect=75):
        """Saved, said in one line; the rest of the run gives what the whole gives."""
        self.finish(job, expect)
        self.one_line(job, r"stopped after step \d+; everything is in run.h5")
        self.verify()
        self.assertFalse(jobs.complete(self.path()))
        self.assert_no_leftovers()
        return jobs.progress(self.path())

    def goes_on(self, np):
        """Two epochs more than it has, compared with a run of that length."""
        with h5py.File(self.path()) as file:
            epochs = int(file["progress"].attrs["epoch"]) + 2
        self.train("-q", "--epochs", epochs, "--output", "run.h5", np=np)
        self.assert_same(self.path(), jobs.reference("--epochs", epochs))
        self.remove()

    def test_stop_to_every_rank(self):
        for np, number in jobs.choices((None, signal.SIGUSR2), (1, signal.SIGTERM), (2, signal.SIGINT), (3, signal.SIGUSR2)):
            job, ranks = self.begin(np)
            for pid in ranks:
                os.kill(pid, number)
            self.stopped(job)
            self.goes_on(2)

    def test_stop_to_one_rank_is_for_all(self):
        for np, victim, number in jobs.choices((2, 1, signal.SIGTERM), (3, 2, signal.SIGINT), (3, 0, signal.SIGUSR2)):
            job, ranks = self.begin(np)
            os.kill(ranks[victim], number)
            self.stopped(job)
            self.remove()

    def test_usr2_to_mpirun(self):
        for np in jobs.choices(1, 2, 3):
            job, _ = self.begin(np)
            job.signal(signal.SIGUSR2)
            self.stopped(job)
            self.remove()

    def test_term_and_int_to_mpirun_end_in_its_own_1_with_everything_saved(self):
        """mpirun gives its ranks a second between TERM and KILL; here three, for a machine with other work. It reads nothing meanwhile, so that
        short epochs, each with its line, would fill the pipe to it."""
        patient, data = ("--mca", "odls_base_sigkill_timeout", "3"), jobs.dataset(5000, 20)
        for np, number in jobs.choices((1, signal.SIGTERM), (3, signal.SIGTERM), (2, signal.SIGINT)):
            job, _ = self.begin(np, "--epochs", 60000, mpirun=patient, data=data)
            job.signal(number)
            self.finish(job, 1)
            self.verify()
            self.assertGreaterEqual(jobs.progress(self.path()), jobs.STEPS_PER_EPOCH)
            self.assertFalse(jobs.complete(self.path()))
            self.assertEqual([line for line in job.said() if "stopped after step" not in line], [])
            self.assert_no_leftovers()
            self.remove()

    def test_doubled_signals_are_harmless(self):
        for number in jobs.choices(*STOPS):
            job, ranks = self.begin(2)
            for pid in ranks * 2:
                jobs.strike(pid, number)
            self.stopped(job)
            self.remove()

    def test_cont_means_nothing_and_usr1_saves_and_goes_on(self):
        for np in jobs.choices(None, 1, 2, 3):
            job, ranks = self.begin(np)
            os.kill(ranks[-1], signal.SIGCONT)
            seen = 0
            for _ in range(2):  # one request each, and one doubled
                for pid in ranks:
                    os.kill(pid, signal.SIGUSR1)
                    os.kill(pid, signal.SIGUSR1)
                self.assertTrue(job.until(lambda: jobs.progress(self.path()) > seen, "the file"), job.err())
                seen = jobs.progress(self.path())
                self.verify()
            self.assertFalse(job.over())
            job.signal(signal.SIGUSR2)
            self.assertGreater(self.stopped(job), seen)
            self.remove()

    def test_a_second_int_leaves_at_once(self):
        """A rank that cannot save since another one is stopped: the first INT waits, the second ends it."""
        job, ranks = self.begin(2)
        os.kill(ranks[1], signal.SIGSTOP)
        os.kill(ranks[0], signal.SIGINT)
        first = time.monotonic()
        jobs.poll(lambda: time.monotonic() - first > 1.2, "more than a second")
        self.assertNotIn(jobs.state(ranks[0]), ("", "Z"))
        os.kill(ranks[0], signal.SIGINT)
        jobs.poll(lambda: jobs.state(ranks[0]) in ("", "Z"), "the end of rank 0")
        os.kill(ranks[1], signal.SIGCONT)
        self.assertNotEqual(job.wait(), 0)

    def test_saved_within_seconds_of_the_request(self):
        """Five, by the file's own time: tens of milliseconds, and a margin for a machine with other work."""
        job, ranks = self.begin(2)
        asked = time.time()
        for pid in ranks:
            os.kill(pid, signal.SIGTERM)
        self.stopped(job)
        took = os.stat(self.path()).st_mtime - asked
        print(f"saved {1000 * took:.0f} ms after the request", flush=True)
        self.assertLess(took, 5)

    def test_max_time(self):
        for np in jobs.choices(None, 2, 3):
            job = self.start("--epochs", 60000, "--max-time", "0:00:01", "--output", "run.h5", np=np)
            self.stopped(job)
            self.goes_on(1)

    def test_a_signal_before_training_begins(self):
        job = self.start(*ARGUMENTS)
        jobs.poll(lambda: caught(job.process.pid, signal.SIGUSR2) or job.over(), "the handlers")
        job.signal(signal.SIGUSR2)
        self.stopped(job)
        self.assertEqual(jobs.progress(self.path()), 1)

    def test_stopped_during_an_evaluation(self):
        """Of many images: the request does not wait for its end, and going on begins with it."""
        data = jobs.long_evaluation()
        whole = self.start("-q", "--epochs", 1, "--output", "whole.h5", np=2, data=data)
        self.finish(whole)
        for np in (None, 2):
            job = self.start("--epochs", 1, "--checkpoint-every", "1steps", "--output", "run.h5", np=np, data=data)
            ranks = job.ranks()
            job.until(lambda: jobs.progress(self.path()) == 1, "the step before the last of the epoch")
            before = jobs.processor_seconds(ranks[0])
            job.until(lambda: jobs.processor_seconds(ranks[0]) > before + 0.3, "more work than a step is")
            for pid in ranks:
                jobs.strike(pid, signal.SIGTERM)
            self.stopped(job)
            with h5py.File(self.path()) as file:
                self.assertEqual(file["metrics/epoch/epoch"].shape, (0,))
                self.assertEqual(int(file["progress"].attrs["step"]), 2)
            self.train("-q", "--epochs", 1, "--output", "run.h5", np=3, data=data)
            self.assert_same(self.path(), jobs.runs.content(self.path("whole.h5")))
            self.remove()


    def test_stopped_during_the_precise_statistics(self):
        """And the run is completed from there."""
        arguments = ("--experiment", "bn-l1", "--precise-bn", "--epochs", 1)
        data = jobs.dataset(5000, 20)
        for np in (None, 2):
            job = self.start(*arguments, "--checkpoint-every", "1h", "--output", "run.h5", np=np, data=data)
            ranks = job.ranks()
            job.until(lambda: jobs.progress(self.path()) >= 0, "the checkpoint after the last epoch")
            for pid in ranks:
                jobs.strike(pid, signal.SIGTERM)
            self.stopped(job)
            self.train("-q", *arguments, "--output", "run.h5", np=3, data=data)
            self.assertTrue(jobs.complete(self.path()))
            with h5py.File(self.path()) as file:
                self.assertTrue({"precise_accuracy", "batch_accuracy", "train_accuracy"} <= set(file["evaluation"].attrs))
            self.remove()


def caught(pid, number):
    """Whether the process has a handler for the signal."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("SigCgt:"):
                    return int(line.split()[1], 16) >> (number - 1) & 1
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    jobs.main()
