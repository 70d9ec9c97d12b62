#!/usr/bin/env python3
"""One job to a run file: another one waits, says so once, refuses; a dead one's lock is free and its leftovers are cleared."""

import os
import re
import signal

import jobs


class Lock(jobs.Test):
    def holder(self, np=2):
        """A job that has the file and stands still."""
        job = self.start("-q", "--epochs", 60000, "--timeout", "0", "--output", "run.h5", np=np)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: jobs.progress(self.path()) > 0, "the first epoch"), job.err())
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        return job, ranks

    def test_the_second_waits_says_so_once_and_refuses(self):
        holder, ranks = self.holder()
        step = jobs.progress(self.path())
        for np in (None, 2):
            second = self.train("--epochs", 60000, "--timeout", "2", "--output", "run.h5", np=np, expect=1)
            said = second.said()
            self.assertEqual(len(said), 2, second.err())
            self.assertRegex(said[0], r"warning: run.h5: another job is writing it.* up to 15 s")
            self.assertRegex(said[1], r"error: run.h5: another job is writing it: wait for it, or choose another --output")
        self.assertEqual(jobs.progress(self.path()), step)
        for pid in ranks:
            os.kill(pid, signal.SIGCONT)
        holder.signal(signal.SIGUSR2)
        self.finish(holder, 75)
        self.assert_no_leftovers()

    def test_the_second_begins_when_the_first_is_gone(self):
        holder, ranks = self.holder()
        second = self.start("--epochs", 1, "--output", "run.h5", np=3)
        self.assertTrue(second.until(lambda: "another job is writing it" in second.err(), "waiting"), second.err())
        self.assertIn(".run.h5.lock", os.listdir(self.directory))
        for pid in ranks:
            os.kill(pid, signal.SIGKILL)
        holder.wait()
        self.finish(second)
        self.assertEqual(len(re.findall("another job", second.err())), 1)
        self.assert_no_leftovers()

    def test_another_name_for_the_file_is_the_same_file(self):
        holder, _ = self.holder()
        os.symlink("run.h5", self.path("link.h5"))
        second = self.train("--epochs", 1, "--output", "link.h5", expect=1)
        self.assertIn("another job is writing it", second.err())
        holder.end()

    def test_leftovers_of_the_dead_are_cleared_and_nothing_else(self):
        names = (".run.h5.tmp-elsewhere-123", ".run.h5.tmp-elsewhere-123.prev", ".run.h5.lock")
        others = (".other.h5.tmp-elsewhere-123", "run.h5.tmp-elsewhere-123", ".run.h5.tmp")
        for name in names + others:
            with open(self.path(name), "wb"):
                pass
        self.train("-q", "--steps", 1, "--output", "run.h5", np=2)
        self.assertEqual(sorted(os.listdir(self.directory)), sorted(others + ("run.h5",)))

    def test_a_leftover_of_our_own_name_and_number_keeps_nobody_from_starting(self):
        """In containers host names and process numbers repeat."""
        command = ["sh", "-c", ': > ".run.h5.tmp-$(uname -n)-$$"; exec "$0" "$@"']
        self.train("-q", "--steps", 1, "--output", "run.h5", prefix=command)
        self.assertEqual(os.listdir(self.directory), ["run.h5"])

    @jobs.with_injection
    def test_a_temporary_file_of_a_killed_job_is_cleared_by_the_next(self):
        job = self.train("-q", "--epochs", 2, "--output", "run.h5", SYNCNORM_FAULT="save.synced kill 2",
                         expect=-signal.SIGKILL)
        self.assertTrue(any(".tmp-" in name for name in os.listdir(self.directory)), job.err())
        self.train("-q", "--epochs", 2, "--output", "run.h5", np=2)
        self.assertEqual(sorted(os.listdir(self.directory)), ["run.h5", "run.h5.prev"])


if __name__ == "__main__":
    jobs.main()
