#!/usr/bin/env python3
"""The scripts of launch/slurm, submitted to a real Slurm of three nodes: what is stopped goes on by itself, to the digest of one rank.

Needs root and Slurm's daemons; skipped (exit code 77), and said so, without."""

import os
import re
import shutil
import signal
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "cli")]
import harness
import slurm

SKIP = 77
SCRIPTS = os.path.join(HERE, "..", "..", "launch", "slurm")
cluster = None


class Slurm(harness.Test):
    train = 2000  # images: an epoch of 32 steps

    def setUp(self):
        super().setUp()
        # The nodes have one host name, which Open MPI's shared memory would take for one machine.
        self.job_environment = {**self.environment, **cluster.environment, "SYNCNORM": harness.PROGRAM, "OMPI_MCA_btl": "self,tcp",
                                "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_pml": "ob1", "OMPI_MCA_mpi_yield_when_idle": "1"}

    def script(self, name, options, ranks_per_run=None, **directives):
        """A copy with its settings made as a user makes them."""
        with open(os.path.join(SCRIPTS, name), encoding="utf-8") as file:
            text = file.read()
        text, found = re.subn(r"(?m)^options=\(.*?\)", f"options=({options})", text)
        self.assertEqual(found, 1)
        if ranks_per_run:
            text, found = re.subn(r"(?m)^ranks_per_run=\d+", f"ranks_per_run={ranks_per_run}", text)
            self.assertEqual(found, 1)
        for directive, value in directives.items():
            text, found = re.subn(rf"(?m)^#SBATCH --{directive.replace('_', '-')}=\S+", f"#SBATCH --{directive.replace('_', '-')}={value}", text)
            self.assertEqual(found, 1, directive)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def call(self, *command):
        """As the user does, in the directory of the test."""
        return cluster.command(*command, cwd=self.directory, environment=self.job_environment)

    def submit(self, script):
        return self.call("sbatch", "--parsable", script).strip()

    def log(self):
        text = ""
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log"):
                with open(self.path(name), encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def until(self, holds, job):
        """While the job has not ended."""
        def seen():
            if holds():
                return True
            self.assertFalse(cluster.ended(job), f"{cluster.state(job)}\n{self.log()}")
            return False
        cluster.until(seen, harness.TIMEOUT)

    def until_ended(self, *jobs):
        for job in jobs:
            cluster.until(lambda job=job: cluster.ended(job), harness.TIMEOUT)

    def start_now(self, job):
        """A requeued job waits two minutes of its own, so that its first start is forgotten; some seconds do. It then has time."""
        self.until(lambda: cluster.state(job) == "PENDING", job)
        cluster.command("scontrol", "update", f"jobid={job}", "StartTime=now+10", "TimeLimit=30")

    def one_rank(self, *arguments):
        return harness.digests(self.run_program(*arguments, "--output", "one.h5")[0])[-1]

    def digest(self, path):
        out, _ = self.run_program("inspect", path)
        return harness.digests(out)

    def finished(self, path, digest):
        self.assertIn(digest, self.digest(path), self.log())


class Train(Slurm):
    def test_at_the_time_limit_it_goes_on_and_scancel_ends_it(self):
        job = self.submit(self.script("train.sbatch", "--norm gn --epochs 65536", nodes=2, ntasks_per_node=2, time=1, signal="USR2@40"))
        self.until(lambda: "saved. Requeued: goes on" in self.log(), job)
        self.start_now(job)
        self.until(lambda: "going on after epoch" in self.log(), job)
        cluster.command("scancel", job)
        self.until_ended(job)
        cluster.until(lambda: not cluster.command("squeue", "--noheader", f"--jobs={job}", check=False).strip())
        self.assertEqual(cluster.state(job), "CANCELLED")
        self.assertEqual(self.log().count("Requeued"), 1)
        self.run_program("inspect", "--verify", "runs/gn-s1.h5")

    def test_stopped_and_requeued_it_ends_with_the_digest_of_one_rank_and_the_report(self):
        run = ("--norm", "bn", "--epochs", "100", "--checkpoint-every", "5steps")
        job = self.submit(self.script("train.sbatch", " ".join(run), nodes=3, ntasks_per_node=1))
        self.until(lambda: os.path.exists(self.path("runs/bn-s1.h5")), job)
        cluster.command("scancel", "--signal=USR2", job)
        self.until(lambda: "saved. Requeued: goes on" in self.log(), job)
        self.start_now(job)
        self.until_ended(job)
        self.assertEqual(cluster.state(job), "COMPLETED", self.log())
        self.finished("runs/bn-s1.h5", self.one_rank("train", *run))
        self.assertTrue(os.path.exists(self.path("runs/report/report.html")))

    def test_a_killed_rank_ends_the_job_which_submitted_again_goes_on(self):
        run = ("--norm", "gn", "--epochs", "100", "--checkpoint-every", "5steps")
        script = self.script("train.sbatch", " ".join(run), nodes=2, ntasks_per_node=1)
        job = self.submit(script)
        self.until(lambda: os.path.exists(self.path("runs/gn-s1.h5")), job)
        os.kill(cluster.ranks(job)[-1], signal.SIGKILL)
        self.until_ended(job)
        self.assertEqual(cluster.state(job), "FAILED")
        self.assertIn("Ended with exit code 137", self.log())
        job = self.submit(script)
        self.until_ended(job)
        self.assertEqual(cluster.state(job), "COMPLETED", self.log())
        self.assertIn("going on after epoch", self.log())
        self.finished("runs/gn-s1.h5", self.one_rank("train", *run))

    def test_a_lost_node_and_it_goes_on_with_the_others(self):
        run = ("--norm", "gn", "--epochs", "100", "--checkpoint-every", "5steps")
        job = self.submit(self.script("train.sbatch", " ".join(run), nodes=2, ntasks_per_node=1))
        self.until(lambda: os.path.exists(self.path("runs/gn-s1.h5")), job)
        cluster.lose_node(0)
        try:
            self.until(lambda: cluster.state(job) == "PENDING", job)
            self.start_now(job)
            self.until_ended(job)
        finally:
            cluster.start_node(0)
        self.assertEqual(cluster.state(job), "COMPLETED", self.log())
        self.finished("runs/gn-s1.h5", self.one_rank("train", *run))


class Studies(Slurm):
    def test_a_run_that_fails_hinders_neither_the_others_nor_the_report(self):
        options = "--norm gn --lr 0.01,1e30 --epochs "
        job = self.submit(self.script("study.sbatch", options + "65536", ranks_per_run=1, nodes=1, ntasks_per_node=2))
        self.until(lambda: "gn-lr1e+30-s1: " in self.log() and os.path.exists(self.path("runs/gn-s1.h5")), job)
        cluster.command("scancel", "--signal=USR2", job)
        self.until(lambda: "saved. Requeued: goes on" in self.log(), job)
        cluster.command("scancel", job)
        self.until_ended(job)
        shutil.rmtree(self.path("runs"))
        job = self.submit(self.script("study.sbatch", options + "2", ranks_per_run=1, nodes=1, ntasks_per_node=2))
        self.until_ended(job)
        self.assertEqual(cluster.state(job), "FAILED", self.log())
        self.finished("runs/gn-s1.h5", self.one_rank("train", "--norm", "gn", "--epochs", "2"))
        self.assertTrue(os.path.exists(self.path("runs/report/report.html")))

    def test_teams_in_one_allocation(self):
        run = ("--norm", "gn,bn", "--seed", "1-2", "--epochs", "2")
        self.run_program("study", *run, "--output", "one")
        script = self.script("study.sbatch", " ".join(run), ranks_per_run=2, nodes=3, ntasks_per_node=2)
        job = self.submit(script)
        self.until_ended(job)
        self.assertEqual(cluster.state(job), "COMPLETED", self.log())
        self.assertIn("6 ranks in 3 teams", self.log())
        for name in ("gn-s1", "gn-s2", "bn-s1", "bn-s2"):
            self.assertEqual(self.digest(f"runs/{name}.h5")[:2], self.digest(f"one/{name}.h5")[:2])
        self.assertTrue(os.path.exists(self.path("runs/report/report.html")))

    def test_an_array_in_which_one_run_fails(self):
        script = self.script("study-array.sbatch", "--norm gn --lr 0.01,1e30 --epochs 2", nodes=1, ntasks_per_node=2)
        out = self.call("bash", script)
        array = re.search(r"Submitted array (\d+)", out).group(1)
        report = re.search(r"and job (\d+) for the report", out).group(1)
        self.until_ended(f"{array}_0", f"{array}_1", report)
        self.assertEqual([cluster.state(f"{array}_{n}") for n in (0, 1)], ["COMPLETED", "FAILED"], self.log())
        self.assertEqual(cluster.state(report), "COMPLETED", self.log())
        self.finished("runs/gn-s1.h5", self.one_rank("train", "--norm", "gn", "--epochs", "2"))
        self.assertTrue(os.path.exists(self.path("runs/report/report.html")))

    def test_the_report_waits_for_a_task_that_is_requeued(self):
        run = ("--norm", "gn", "--epochs", "100", "--checkpoint-every", "5steps")
        out = self.call("bash", self.script("study-array.sbatch", " ".join(run), nodes=1, ntasks_per_node=2))
        task = re.search(r"Submitted array (\d+)", out).group(1) + "_0"
        report = re.search(r"and job (\d+) for the report", out).group(1)
        self.until(lambda: os.path.exists(self.path("runs/gn-s1.h5")), task)
        cluster.command("scancel", "--signal=USR2", task)
        self.until(lambda: "saved. Requeued: goes on" in self.log(), task)
        self.assertEqual(cluster.state(report), "PENDING", self.log())
        self.start_now(task)
        self.assertEqual(cluster.state(report), "PENDING", self.log())
        self.until_ended(task, report)
        self.assertEqual([cluster.state(job) for job in (task, report)], ["COMPLETED"] * 2, self.log())
        self.finished("runs/gn-s1.h5", self.one_rank("train", *run))
        with open(self.path("runs/report/comparison.csv"), encoding="utf-8") as file:
            self.assertIn("\ngn,1,100,", file.read())


def main():
    global cluster
    why = slurm.missing()
    if why:
        print(f"SKIPPED, NOTHING WAS TESTED: {why}")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as directory:
        cluster = slurm.Cluster(directory)
        try:
            unittest.main(verbosity=2)
        finally:
            cluster.close()


if __name__ == "__main__":
    main()
