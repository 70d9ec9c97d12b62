#!/usr/bin/env python3
"""A disk that does not do what it should, in the middle of a run and at its end: a line, and the training goes on.

Needs root for the mounts, and setpriv to become somebody whom permissions stop; what cannot be had is skipped.
"""

import os
import resource
import shutil
import subprocess
import unittest

import jobs

EPOCHS = 60000
ROOT = os.getuid() == 0
SOMEBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if ROOT else []


def mounted(test, *options):
    """A small file system of its own, or the test is skipped."""
    directory = test.path("disk")
    os.mkdir(directory)
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", directory], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"cannot mount: {done.stderr.strip()}")
    test.addCleanup(subprocess.run, ["umount", "--lazy", directory], check=False)
    return directory


class Disk(jobs.Test):
    def begin(self, *arguments, np=2, **options):
        """A run that has its first file in disk/."""
        job = self.start("--epochs", EPOCHS, "--checkpoint-every", "5steps", "--output", "disk/run.h5", *arguments, np=np,
                         **options)
        job.ranks()
        self.assertTrue(job.until(lambda: self.steps() > 0, "the first file"), job.err())
        return job

    def fill(self, directory):
        path = os.path.join(directory, "filler")
        with open(path, "wb") as filler:
            try:
                while True:
                    os.write(filler.fileno(), bytes(4096))
            except OSError:
                return path

    def steps(self):
        return jobs.progress(self.path("disk/run.h5"))

    def warned(self, job, reason, text=r"run\.h5"):
        self.assertTrue(job.until(lambda: "training goes on" in job.err(), "a warning"), job.err())
        self.assertRegex(job.said()[0], rf"\Asyncnorm: warning: \S*{text}[^\n]*{reason}[^\n]*; training goes on\Z")

    def recovers(self, job):
        """The next checkpoint succeeds; then it stops as asked, and what it saved is right."""
        step = self.steps()
        self.assertTrue(job.until(lambda: self.steps() > step, "the next checkpoint"), job.err())
        job.signal(jobs.signal.SIGUSR2)
        self.finish(job, 75)
        self.verify("disk/run.h5")
        self.assert_no_leftovers(directory=self.path("disk"))
        epochs = self.steps() // jobs.STEPS_PER_EPOCH + 1
        self.train("-q", "--epochs", epochs, "--output", "disk/run.h5", np=3)
        self.assert_same(self.path("disk/run.h5"), jobs.reference("--epochs", epochs))

    def test_a_full_disk(self):
        directory = mounted(self, "-o", "size=4m")
        job = self.begin()
        filler = self.fill(directory)
        old = jobs.runs.content(self.path("disk/run.h5")) if not job.over() else {}
        self.assertTrue(old)
        self.warned(job, "No space left on device")
        self.verify("disk/run.h5")
        os.remove(filler)
        self.recovers(job)

    def test_256_kb(self):
        """One generation fits, and no more: every later checkpoint fails, and the first stays valid to the end."""
        directory = mounted(self, "-o", "size=256k")
        job = self.begin(np=3)
        self.warned(job, "No space left on device")
        self.verify("disk/run.h5")
        self.assertEqual(len(os.listdir(directory)), len({"run.h5", ".run.h5.lock"}))
        subprocess.run(["mount", "-o", "remount,size=8m", directory], check=True)
        self.recovers(job)

    def test_a_read_only_mount(self):
        directory = mounted(self, "-o", "size=8m")
        job = self.begin()
        # not the mount itself, in which files are open for writing, but a second one over it
        subprocess.run(["mount", "--bind", directory, directory], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
        self.warned(job, "Read-only file system")
        self.verify("disk/run.h5")
        subprocess.run(["umount", directory], check=True)
        self.recovers(job)

    def test_a_file_size_limit(self):
        os.mkdir(self.path("disk"))
        job = self.begin(np=None)
        resource.prlimit(job.process.pid, resource.RLIMIT_FSIZE, (50000, resource.RLIM_INFINITY))
        self.warned(job, "File too large")
        self.verify("disk/run.h5")
        resource.prlimit(job.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.recovers(job)

    def test_the_generation_before_serves_though_nothing_can_be_written(self):
        directory = mounted(self, "-o", "size=4m")
        job = self.begin()
        job.signal(jobs.signal.SIGUSR2)
        self.finish(job, 75)
        os.rename(self.path("disk/run.h5"), self.path("disk/run.h5.prev"))
        filler = self.fill(directory)
        job = self.start("--epochs", EPOCHS, "--checkpoint-every", "5steps", "--output", "disk/run.h5", np=2)
        self.assertTrue(job.until(lambda: "training goes on" in job.err(), "a warning"), job.err())
        self.assertRegex(job.said()[0], r"\Asyncnorm: warning: [^\n]* is not there; going on from [^\n]*\.prev\Z")
        self.assertRegex(job.said()[1], r"\Asyncnorm: warning: [^\n]*No space left[^\n]*; training goes on\Z")
        os.remove(filler)
        self.recovers(job)

    def test_a_removed_directory_is_made_again(self):
        job = self.begin()
        os.rename(self.path("disk"), self.path("gone"))
        self.verify("gone/run.h5")
        self.recovers(job)

    def test_a_directory_that_became_a_file(self):
        job = self.begin()
        os.rename(self.path("disk"), self.path("gone"))
        try:
            with open(self.path("disk"), "x", encoding="ascii"):
                pass
        except FileExistsError:  # made again already
            shutil.rmtree(self.path("disk"))
            with open(self.path("disk"), "x", encoding="ascii"):
                pass
        self.warned(job, "Not a directory|File exists", "disk")
        os.remove(self.path("disk"))
        os.rename(self.path("gone"), self.path("disk"))
        self.recovers(job)

    @unittest.skipIf(ROOT and not shutil.which("setpriv"), "no setpriv")
    def test_permissions_taken_away(self):
        os.mkdir(self.path("disk"))
        for directory in (jobs.SCRATCH, self.directory, self.path("disk")):
            os.chmod(directory, 0o777)
        job = self.begin(np=None, prefix=SOMEBODY)
        os.chmod(self.path("disk"), 0o555)
        self.warned(job, "Permission denied")
        self.verify("disk/run.h5")
        os.chmod(self.path("disk"), 0o777)
        self.recovers(job)


class Unreadable(jobs.Test):
    @unittest.skipIf(ROOT and not shutil.which("setpriv"), "no setpriv")
    def test_a_file_that_may_not_be_read_is_not_taken_for_damaged(self):
        self.train("-q", "--epochs", 2, "--output", "run.h5")
        for directory in (jobs.SCRATCH, self.directory):
            os.chmod(directory, 0o777)
        os.chmod(self.path(), 0)
        job = self.train("--epochs", 2, "--output", "run.h5", prefix=SOMEBODY, expect=1)
        self.one_line(job, "run.h5: cannot read it: Permission denied")
        self.assertEqual(sorted(os.listdir(self.directory)), [".run.h5.lock", "run.h5", "run.h5.prev"])


class Reports(jobs.Test):
    def test_a_report_that_may_not_grow(self):
        self.train("-q", "--epochs", 1, "--output", "run.h5")
        done = subprocess.run([jobs.PROGRAM, "report", "run.h5", "--output", "report"], cwd=self.directory, capture_output=True, text=True,
                              check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"syncnorm: error: report/[^\n]*: cannot write the new file: File too large\n\Z")
        left = [os.path.join(path, name) for path, _, names in os.walk(self.path("report")) for name in names]
        self.assertTrue(all(os.path.getsize(path) < 1000 for path in left), left)  # none is cut

    def test_a_directory_that_may_not_be_written(self):
        self.train("-q", "--epochs", 1, "--output", "run.h5")
        for directory in jobs.SCRATCH, self.directory:
            os.chmod(directory, 0o755)
        os.chmod(self.path(), 0o644)
        os.mkdir(self.path("report"), 0o555)
        done = subprocess.run([*SOMEBODY, jobs.PROGRAM, "report", "run.h5", "--output", "report"], cwd=self.directory, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"\Asyncnorm: error: report/report.html: [^\n]*: Permission denied\n\Z")
        self.assertEqual(os.listdir(self.path("report")), [])


class AtTheEnd(jobs.Test):
    """The last save is tried for a minute."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("disk"))

    def begin(self, np, **options):
        """A run whose end cannot be saved."""
        self.remove("disk/.run.h5.lock")  # of the job before: a new one tells that this one has begun
        job = self.start("--epochs", 2, "--checkpoint-every", "1h", "--timeout", jobs.SILENCE, "--output", "disk/run.h5", np=np,
                         **options)
        ranks = job.ranks()
        self.assertTrue(job.until(lambda: os.path.exists(self.path("disk/.run.h5.lock")), "the lock"), job.err())
        for pid in ranks:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (50000, resource.RLIM_INFINITY))
        return job, ranks

    def test_space_comes_back_while_it_tries(self):
        for np in (None, 3):
            job, ranks = self.begin(np)
            self.assertTrue(job.until(lambda: "trying again" in job.err(), "a warning"), job.err())
            for pid in ranks:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            self.finish(job)
            self.one_line(job, r"warning: .*File too large.*trying again for up to 60 s")
            self.assert_same(self.path("disk/run.h5"), jobs.reference("--epochs", 2))
            self.remove("disk/run.h5")

    @jobs.with_injection
    def test_it_gives_up_without_a_crash(self):
        for np in (None, 3):  # longer than the watchdog's time-out
            job, _ = self.begin(np, SYNCNORM_FAULT_PATIENCE="4")
            self.finish(job, 1)
            said = job.said()
            self.assertEqual(len(said), 2, job.err())
            self.assertIn("trying again for up to 4 s", said[0])
            self.assertRegex(said[1], r"\Asyncnorm: error: \S*run.h5: cannot write the new file: File too large\Z")
            self.assertEqual(os.listdir(self.path("disk")), [".run.h5.lock"])


if __name__ == "__main__":
    jobs.main()
