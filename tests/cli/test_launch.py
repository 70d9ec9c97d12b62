#!/usr/bin/env python3
"""What about a launch costs time is said once, by rank 0, before time is lost; what costs none is not mentioned."""

import os
import subprocess
import unittest

import harness

PROCESSORS = len(os.sched_getaffinity(0))


class Launch(harness.Test):
    def launch(self, np, *arguments, bound_to=None, yields=True):
        """Standard error of some steps."""
        environment = {**self.environment, "OMPI_MCA_mpi_yield_when_idle": str(int(yields))}
        binding = [] if bound_to is None else ["taskset", "--cpu-list", str(bound_to)]
        command = [*harness.MPIEXEC, "-np", str(np), *binding, harness.PROGRAM, "train", "-q", "--steps", "2", "--output", f"{np}.h5",
                   *map(str, arguments)]
        done = subprocess.run(command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=harness.TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    @unittest.skipIf(PROCESSORS == 1, "one processor: nothing to be bound to")
    def test_ranks_bound_to_one_processor(self):
        self.assertRegex(self.launch(2, bound_to=min(os.sched_getaffinity(0))),
                         rf"\Asyncnorm: warning: 2 ranks on \S+ are bound to 1 of {PROCESSORS} processors [^\n]*--bind-to core[^\n]*\n\Z")

    @unittest.skipIf(PROCESSORS > 16, "too many processors to have more ranks")
    def test_more_ranks_than_processors(self):
        ranks = PROCESSORS + 1
        self.assertRegex(self.launch(ranks, yields=False),
                         rf"\Asyncnorm: warning: {ranks} ranks on \S+ share {PROCESSORS} processors?: [^\n]*\n\Z")
        self.assertEqual(self.launch(ranks), "")

    def test_a_rank_by_itself(self):
        self.assertEqual(self.launch(1, yields=False), "")

    def test_more_ranks_than_samples(self):
        self.assertEqual(self.launch(3, "--norm", "gn", "--batch", 2),
                         "syncnorm: warning: a batch of 2 leaves 1 of 3 ranks without a sample: in training they only wait\n")

    def test_different_instruction_sets(self):
        run = [harness.PROGRAM, "train", "--steps", "2", "--output", "run.h5"]
        done = subprocess.run([*harness.MPIEXEC, "-np", "1", *run, ":", "-np", "1", "env", "SYNCNORM_ISA=portable", *run], cwd=self.directory,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, kernels = self.run_program("train", "-v", "--steps", 2, "--output", "one.h5")
        note = r"syncnorm: the ranks compute with different instruction sets \([^\n]* portable\): no bit depends on it"
        if "kernels for portable;" in kernels:  # this machine has no others
            self.assertNotRegex(done.stderr, note)
        else:
            self.assertRegex(done.stderr, note)


if __name__ == "__main__":
    harness.main()
