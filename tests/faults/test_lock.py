#!/usr/bin/env python3
"""One job to a run file: another one waits, says so once, refuses; a dead one's lock is free and its leftovers are cleared."""

import os
import re
import shutil
import signal
import stat
import unittest

import jobs

GROUP = 60003
COPY = os.path.join(jobs.SCRATCH, "syncnorm")  # of the program, whose own directory other users may not see


def user(number, umask="022"):
    """A member of GROUP, not its owner's."""
    return ["setpriv", f"--reuid={number}", f"--regid={number}", f"--groups={GROUP}", "sh", "-c",
            f'umask {umask}; exec "{COPY}" "$@"']


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
            second = self.train("--epochs", 60000, "--timeout", jobs.SILENCE, "--output", "run.h5", np=np, expect=1)
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
        self.assertEqual(sorted(os.listdir(self.directory)), sorted(others + ("run.h5", ".run.h5.lock")))

    def test_a_leftover_of_our_own_name_and_number_keeps_nobody_from_starting(self):
        """In containers host names and process numbers repeat."""
        command = ["sh", "-c", ': > ".run.h5.tmp-$(uname -n)-$$"; exec "$0" "$@"']
        self.train("-q", "--steps", 1, "--output", "run.h5", prefix=command)
        self.assertEqual(sorted(os.listdir(self.directory)), [".run.h5.lock", "run.h5"])

    @jobs.with_injection
    def test_a_temporary_file_of_a_killed_job_is_cleared_by_the_next(self):
        job = self.train("-q", "--epochs", 2, "--output", "run.h5", SYNCNORM_FAULT="save.synced kill 2",
                         expect=-signal.SIGKILL)
        self.assertTrue(any(".tmp-" in name for name in os.listdir(self.directory)), job.err())
        self.train("-q", "--epochs", 2, "--output", "run.h5", np=2)
        self.assertEqual(sorted(os.listdir(self.directory)), [".run.h5.lock", "run.h5", "run.h5.prev"])

    def access(self, name):
        status = os.stat(self.path(name))
        return stat.S_IMODE(status.st_mode), status.st_gid

    def share(self):
        """The directory belongs to a group, whose members may write into it."""
        for directory in (jobs.SCRATCH, jobs.dataset()):
            os.chmod(directory, 0o755)
        shutil.copy(jobs.PROGRAM, COPY)
        os.chown(self.directory, 0, GROUP)
        os.chmod(self.directory, 0o770)

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be two users")
    def test_another_user_of_the_directory_goes_on_where_one_was_killed(self):
        self.share()
        first = self.start("-q", "--epochs", 60000, "--output", "run.h5", prefix=user(60001))
        self.assertTrue(first.until(lambda: jobs.progress(self.path()) > 0, "the first epoch"), first.err())
        first.signal(signal.SIGKILL)
        first.wait()
        step = jobs.progress(self.path())
        self.assertEqual(self.access(".run.h5.lock"), (0o664, GROUP))
        os.chown(self.path(".run.h5.lock"), 60001, 60001)  # as from before the directory was shared
        os.chmod(self.path(".run.h5.lock"), 0o644)
        job = self.train("-q", "--epochs", 60000, "--steps", step + 1, "--output", "run.h5", prefix=user(60002))
        self.assertEqual((job.err(), jobs.progress(self.path())), ("", step + 1))

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be two users")
    def test_replaced_files_keep_mode_and_group(self):
        self.share()
        self.train("-q", "--steps", 1, "--output", "run.h5", prefix=user(60001))
        for steps, (mode, gid, kept) in enumerate(((0o600, 60001, 0o600), (0o640, GROUP, 0o640), (0o660, 60009, 0o600)), 2):
            os.chown(self.path(), -1, gid)
            os.chmod(self.path(), mode)
            self.train("-q", "--steps", steps, "--output", "run.h5", prefix=user(60001))
            # a group that its writer is not in is not kept, nor what it was allowed
            self.assertEqual(self.access("run.h5"), (kept, gid if kept == mode else 60001))
            self.assertEqual(self.access("run.h5.prev"), (mode, gid))


if __name__ == "__main__":
    jobs.main()
