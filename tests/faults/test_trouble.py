#!/usr/bin/env python3
"""What ends a run with a message: a stopped rank, replicas that differ, divergence."""

import os
import signal
import time

import jobs


class Watchdog(jobs.Test):
    def check(self, np, victim, *arguments, says):
        job = self.start(*arguments, "--epochs", 60000, "--timeout", jobs.SILENCE, "--output", "run.h5", np=np)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: jobs.progress(self.path()) > 0, "the first epoch"), job.err())
        os.kill(ranks[victim], signal.SIGSTOP)
        self.finish(job, 1)
        said = job.said()
        self.assertEqual(len(said), 1, job.err())
        first = 0 if victim else 1
        self.assertRegex(said[0], rf"\Asyncnorm: error: rank {first} on \S+: nothing finished for {jobs.SILENCE} s .*epoch \d+, "
                                  rf"step \d+, {says}")
        self.verify()
        self.remove()

    def test_a_stopped_rank_ends_in_one_message(self):
        self.check(2, 1, says="waiting for the other ranks")
        self.check(3, 0, says="waiting for the other ranks")
        self.check(3, 2, "--experiment", "bn-l1", says="waiting for the other ranks")

    @jobs.with_injection
    def test_a_rank_that_stops_before_the_first_step(self):
        job = self.train("--epochs", 1, "--timeout", jobs.SILENCE, "--output", "run.h5", np=2, expect=1,
                         SYNCNORM_FAULT="step stop 1 1")
        self.assertRegex(job.said()[0], f"rank 0 on .*nothing finished for {jobs.SILENCE} s")

    def missed(self, job):
        """The job ends on its own, with one message about the rank that is gone."""
        self.finish(job, 1)
        said = job.said()
        self.assertEqual(len(said), 1, job.err())
        self.assertRegex(said[0], rf"\Asyncnorm: error: rank 0 on \S+: nothing finished for {jobs.SILENCE} s \(--timeout\).*waiting for the other ranks")

    @jobs.with_injection
    def test_a_rank_that_stops_in_an_evaluation(self):
        self.train("-q", "--steps", 2, "--output", "run.h5")
        job = jobs.Job(self.directory, "eval", "run.h5", "--data", jobs.dataset(), "--timeout", jobs.SILENCE, np=2,
                       SYNCNORM_FAULT="evaluate stop 1 1")
        self.jobs.append(job)
        job.ranks()
        self.missed(job)

    def test_a_rank_that_stops_in_a_benchmark(self):
        job = jobs.Job(self.directory, "bench", "--repetitions", "1", "--batch", "32", "--timeout", jobs.SILENCE, np=2)
        self.jobs.append(job)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: "Instruction set" in job.out(), "the benchmark to begin"), job.err())
        os.kill(ranks[1], signal.SIGSTOP)
        self.missed(job)
        self.assertNotIn("epoch", job.err())

    def test_a_job_that_was_stopped_as_a_whole_goes_on(self):
        """The time in which nobody could run says nothing."""
        job = self.start("-q", "--epochs", 400, "--timeout", jobs.SILENCE, "--output", "run.h5", np=2)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: jobs.progress(self.path()) > 0, "the first epoch"), job.err())
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        step, end = jobs.progress(self.path()), time.monotonic() + 1.5 * jobs.SILENCE  # between once and twice the time-out
        jobs.poll(lambda: time.monotonic() > end, "the time-out to pass")
        for pid in ranks:
            os.kill(pid, signal.SIGCONT)
        self.assertTrue(job.until(lambda: jobs.progress(self.path()) > step, "another epoch"), job.err())
        job.signal(signal.SIGUSR2)
        self.finish(job, 75)


@jobs.with_injection
class Replicas(jobs.Test):
    def test_a_wrong_weight_is_caught_and_not_saved(self):
        for np, rank, says in ((3, 1, "rank 1 differ from the others'"), (3, 0, "rank 0 differ from the others'"),
                               (2, 1, "ranks 0 1 differ, and no majority agrees")):
            step = jobs.STEPS_PER_EPOCH + 4
            job = self.train("-q", "--epochs", 3, "--output", "run.h5", np=np, expect=1,
                             SYNCNORM_FAULT=f"weight strike {step} {rank}")
            self.one_line(job, f"error: epoch 2, step {2 * jobs.STEPS_PER_EPOCH}: the weights of {says}")
            self.assertEqual(jobs.progress(self.path()), jobs.STEPS_PER_EPOCH)
            self.train("-q", "--epochs", 3, "--output", "run.h5", np=2)
            self.assert_same(self.path(), jobs.reference("--epochs", 3))
            self.remove()

    def test_a_checkpoint_inside_the_epoch_is_not_made_of_it(self):
        job = self.train("-q", "--epochs", 1, "--checkpoint-every", "2steps", "--output", "run.h5", np=3, expect=1,
                         SYNCNORM_FAULT="weight strike 5 2")
        self.one_line(job, "error: epoch 1, step 6: the weights of rank 2 differ")
        self.assertEqual(jobs.progress(self.path()), 4)


class Divergence(jobs.Test):
    def test_it_names_step_and_tensor_and_leaves_the_file(self):
        for np in (None, 3):
            job = self.train("--lr", "1e6", "--norm", "none", "--epochs", 3, "--output", "run.h5", np=np, expect=1)
            self.one_line(job, r"error: training diverged at step \d+: .*(gradient of|loss|conv\d|norm\d)")
            self.assertFalse(os.path.exists(self.path()))
            self.assert_no_leftovers()

    def test_the_last_good_file_is_untouched(self):
        arguments = ("--lr", "1e6", "--norm", "none", "--output", "run.h5")
        self.train("-q", "--steps", 1, *arguments)
        with open(self.path(), "rb") as file:
            before = file.read()
        job = self.train(*arguments, "--epochs", 2, np=2, expect=1)
        self.assertRegex(job.said()[-1], r"training diverged at step \d+")
        with open(self.path(), "rb") as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    jobs.main()
