#!/usr/bin/env python3
"""A run that would not fit into memory says so before its first step, instead of being killed without a word."""

import errno
import os
import pathlib
import shutil
import subprocess
import time
import unittest

import jobs


class Group:
    """A control group of this test's own with a limit, for the time of a `with`. None where there can be none."""

    def __init__(self, megabytes):
        self.bytes = megabytes << 20
        self.path = None

    def __enter__(self):
        mount = pathlib.Path("/sys/fs/cgroup")
        first = (mount / "memory" / f"syncnorm-test-{os.getpid()}", "memory.limit_in_bytes")
        second = (mount / f"syncnorm-test-{os.getpid()}", "memory.max")
        for path, limit in (first, second):
            try:
                path.mkdir()
                self.path = path
                (path / limit).write_text(str(self.bytes))
                return path
            except OSError:
                self.__exit__()
        return None

    def __exit__(self, *unused):
        if not self.path:
            return
        path, self.path = self.path, None
        until = time.monotonic() + jobs.LIMIT
        while True:
            try:
                return path.rmdir()
            except OSError as error:  # a process that has just ended is still counted
                if error.errno != errno.EBUSY or time.monotonic() > until:
                    raise
            time.sleep(0.05)


class Memory(jobs.Test):
    def test_more_than_a_group_allows_is_one_line(self):
        with Group(600) as group:
            if not group:
                self.skipTest("no control group with a limit can be made here")

            def enter():
                (group / "cgroup.procs").write_text("0")

            data = jobs.repeated("train", 40, 300, 20)
            for np, share in ((None, "1 rank of this run needs"), (2, "2 ranks of this run need")):
                job = jobs.Job(self.directory, "train", "-q", "--data", data, "--norm", "bn", "--batch", 12000, "--output", "run.h5",
                               np=np, preexec=enter)
                self.jobs.append(job)
                self.finish(job, 1)
                self.one_line(job, rf"error: \S+: {share} \d+ MB there \(\d+ MB each\), and it has \d+ MB: use more nodes")
            self.assertFalse(os.path.exists(self.path()))
            # what fits trains, and a norm that looks at one sample at a time needs no more for a larger batch
            self.finish(self.start("-q", "--norm", "gn", "--steps", 1, "--output", "gn.h5", data=data, preexec=enter))


def with_shared_memory(size):
    """In front of a command: /dev/shm of that size."""
    return ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=$0 none /dev/shm && exec "$@"', size)


class SharedMemory(jobs.Test):
    def setUp(self):
        super().setUp()
        if subprocess.run([*with_shared_memory("1m"), "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no /dev/shm of another size can be made here")

    def test_without_room_for_the_data_each_rank_has_a_copy(self):
        little = with_shared_memory("64k")
        job = self.train("-q", "--steps", 3, "--output", "copies.h5", np=2, prefix=little)
        self.one_line(job, r"warning: \d+ MB that the ranks of \S+ share cannot be had in /dev/shm: No space left on device; enlarge it, or name "
                           "another directory in SYNCNORM_SHARED_MEMORY; until then each rank there has a copy of the data set of its own")
        os.mkdir(self.path("shared"))
        job = self.train("-q", "--steps", 3, "--output", "shared.h5", np=2, prefix=little, SYNCNORM_SHARED_MEMORY="shared")
        self.assertEqual(job.err(), "")
        self.assertEqual(os.listdir(self.path("shared")), [])
        self.assert_same(self.path("copies.h5"), jobs.runs.content(self.path("shared.h5")))

    def test_sums_leave_to_mpi_what_it_takes_later(self):
        """Open MPI dies of SIGBUS where others filled /dev/shm: teams that add up in memory of their node must not."""
        for size, room in (("8m", False), ("12m", False), ("144m", True)):  # the last one has just room for all
            shutil.rmtree(self.path("runs"), ignore_errors=True)
            job = self.start("-q", "--norm", "ln", "--seed", "1-8", "--steps", 20, "--ranks-per-run", 4, command="study", np=16,
                             prefix=with_shared_memory(size))
            self.finish(job)
            if room:
                self.assertEqual(job.err(), "")
            else:
                self.one_line(job, "warning: .* each rank there has a copy of the data set of its own")


if __name__ == "__main__":
    jobs.main()
