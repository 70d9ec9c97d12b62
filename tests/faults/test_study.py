#!/usr/bin/env python3
"""Faults in a study: a stop request stops all teams; starting again skips what is complete and goes on with the rest."""

import os
import re
import signal

import jobs

NAMES = ("gn-batch16-s1", "ln-batch16-s1", "bn-l1-batch16-s1")
EXPERIMENTS = ("gn", "ln", "bn-l1")
PLAN = ("--experiment", ",".join(EXPERIMENTS))


class Study(jobs.Test):
    def begin(self, np, *arguments, **options):
        plan = () if "--experiment" in arguments else PLAN
        job = self.start("--output", "out", *plan, *arguments, command="study", np=np, **options)
        return job, job.ranks()

    def file(self, name):
        return self.path(f"out/{name}.h5")

    def training(self, *names):
        return all(jobs.progress(self.file(name)) > 0 for name in names)

    def check(self, epochs):
        for name, experiment in zip(NAMES, EXPERIMENTS):
            self.assert_same(self.file(name), jobs.reference("--experiment", experiment, "--epochs", epochs))
        self.assert_no_leftovers(directory=self.path("out"))

    def test_a_stop_request_stops_all_teams_and_the_next_call_goes_on(self):
        for np, number in jobs.choices((3, signal.SIGUSR2), (5, signal.SIGTERM), (2, signal.SIGINT)):
            job, ranks = self.begin(np, "--epochs", 60000)
            started = NAMES[:min(np, 3)]
            self.assertTrue(job.until(lambda: self.training(*started), "an epoch of each team"), job.err())
            for pid in ranks:
                os.kill(pid, number)
            self.finish(job, 75)
            self.assertRegex(job.said()[-1], r"syncnorm: 3 of 3 runs stopped, everything saved; run it again to go on")
            self.assertEqual(len(re.findall(r"^\S+ +\w+ +stopped ", job.out(), re.M)), 3, job.out())
            self.assert_no_leftovers(directory=self.path("out"))
            reached = max(jobs.progress(self.file(n)) for n in started) // jobs.STEPS_PER_EPOCH + 1
            again = self.train("--output", "out", *PLAN, "--epochs", reached, command="study", np=4)
            self.check(reached)
            finished = self.train("--output", "out", *PLAN, "--epochs", reached, command="study", np=2)
            self.assertEqual(finished.err().count("steps: nothing to do"), 3)
            self.assertNotIn("Epoch", finished.out())
            table = again.out()[again.out().index("\nrun "):]
            self.assertEqual(finished.out()[finished.out().index("\nrun "):], table)
            for name in NAMES:
                self.remove(f"out/{name}.h5")

    def test_a_request_to_one_rank_is_for_all_teams(self):
        job, ranks = self.begin(3, "--epochs", 60000)
        self.assertTrue(job.until(lambda: self.training(*NAMES), "an epoch of each team"), job.err())
        os.kill(ranks[1], signal.SIGUSR2)
        self.finish(job, 75)
        self.assertRegex(job.said()[-1], "3 of 3 runs stopped")

    def test_usr2_to_mpirun(self):
        job, _ = self.begin(3, "--epochs", 60000)
        self.assertTrue(job.until(lambda: self.training(*NAMES), "an epoch of each team"), job.err())
        job.signal(signal.SIGUSR2)
        self.finish(job, 75)
        self.assertRegex(job.said()[-1], "3 of 3 runs stopped")

    def test_killed_and_started_again(self):
        job, ranks = self.begin(3, "-q", "--epochs", 3, "--checkpoint-every", "1steps")
        self.assertTrue(job.until(lambda: self.training(*NAMES[:2]), "two runs"), job.err())
        jobs.strike(ranks[1], signal.SIGKILL)
        job.wait_killed()
        self.train("-q", "--output", "out", *PLAN, "--epochs", 3, command="study", np=2)
        self.check(3)

    @jobs.with_injection
    def test_a_wrong_weight_fails_its_run_alone(self):
        job = self.train("--output", "out", *PLAN, "--epochs", 2, "--ranks-per-run", 3, command="study", np=3, expect=1,
                         SYNCNORM_FAULT="weight strike 20 1")
        self.assertRegex(job.said()[0], "error: gn-batch16-s1: epoch 2, step 26: the weights of rank 1 differ")
        self.assertEqual(jobs.progress(self.file(NAMES[0])), 13)
        self.assertIn("1 of 3 runs failed", job.said()[-1])
        self.train("-q", "--output", "out", *PLAN, "--epochs", 2, command="study", np=2)
        self.check(2)

    def test_a_stopped_rank_ends_in_one_message(self):
        job, ranks = self.begin(4, "--experiment", "gn,ln", "--epochs", 60000, "--timeout", jobs.SILENCE)
        self.assertTrue(job.until(lambda: self.training(*NAMES[:2]), "an epoch of each team"), job.err())
        os.kill(ranks[3], signal.SIGSTOP)
        self.finish(job, 1)
        said = [line for line in job.said() if "error" in line]
        self.assertEqual(len(said), 1, job.err())
        self.assertRegex(said[0], rf"rank 2 on \S+: nothing finished for {jobs.SILENCE} s .*waiting for the other ranks")

    def test_a_team_of_one_that_is_stopped_is_missed_by_those_who_wait(self):
        """Whichever rank it is: no step of anybody's own hangs on it."""
        for victim in (1, 0):
            job, ranks = self.begin(2, "--experiment", "gn,ln", "--epochs", 400, "--timeout", jobs.SILENCE)
            self.assertTrue(job.until(lambda: self.training(*NAMES[:2]), "an epoch of each team"), job.err())
            os.kill(ranks[victim], signal.SIGSTOP)
            self.finish(job, 1)
            said = [line for line in job.said() if "error" in line]
            self.assertEqual(len(said), 1, job.err())
            self.assertRegex(said[0], rf"rank {victim}( on \S+)? gave no sign of life for {jobs.SILENCE} s")
            for name in NAMES:
                self.remove(f"out/{name}.h5")


if __name__ == "__main__":
    jobs.main()
