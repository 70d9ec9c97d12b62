#!/usr/bin/env python3
"""The three published experiments over three nodes: the same digests as on one rank, teams within nodes.

The nodes are network namespaces, each with a host name of its own, joined by a bridge in a fourth; mpirun starts its daemons in them as it
would by ssh. Everything is made and removed here. Needs root and ip; skipped (exit code 77), and said so, without."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import harness

NODES = 3
SKIP = 77
THREE = ("--experiment", "gn,ln,bn-l1")
HOSTS_SH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "launch", "hosts.sh")
NAME = f"sn{os.getpid()}"

AGENT = """#!/bin/sh
# as ssh: agent [OPTION...] HOST COMMAND...; PREPARE: a command that makes this node another one
while [ "${1#-}" != "$1" ]; do shift; done
node=$NAME-n$((${1##*.} - 1)); shift
exec ip netns exec "$node" unshare --uts --mount sh -c 'hostname "$0" && eval "${PREPARE:-:}" && exec sh -c "$1"' "$node" "$*"
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def node(n):
    return f"{NAME}-n{n}"


def on_first_node():
    """In front of a command."""
    return ["ip", "netns", "exec", node(0), "unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', node(0)]


def make_network():
    switch = f"{NAME}-sw"
    ip("netns", "add", switch)
    ip("-n", switch, "link", "add", "br0", "type", "bridge")
    ip("-n", switch, "link", "set", "br0", "up")
    for n in range(NODES):
        ip("netns", "add", node(n))
        ip("link", "add", f"v{n}", "netns", node(n), "type", "veth", "peer", "name", f"p{n}", "netns", switch)
        ip("-n", switch, "link", "set", f"p{n}", "master", "br0", "up")
        ip("-n", node(n), "link", "set", "lo", "up")
        ip("-n", node(n), "addr", "add", f"10.99.0.{n + 1}/24", "dev", f"v{n}")
        ip("-n", node(n), "link", "set", f"v{n}", "up")


def remove_network():
    for name in [f"{NAME}-sw"] + [node(n) for n in range(NODES)]:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Nodes(harness.Test):
    def agent(self):
        """What mpirun starts its daemons with."""
        path = self.path("agent")
        with open(path, "w", encoding="utf-8") as file:
            file.write(AGENT)
        os.chmod(path, 0o755)
        return path

    def on_nodes(self, *arguments, ranks_per_node=1, prepare=""):
        """Command and environment of the program over all nodes."""
        hosts = ",".join(f"10.99.0.{n + 1}:{ranks_per_node}" for n in range(NODES))
        launcher = [*on_first_node(), harness.MPIEXEC[0], "-q", "--bind-to", "none", "--oversubscribe", "--host", hosts,
                    "-np", str(NODES * ranks_per_node), "--mca", "plm_rsh_agent", self.agent(),
                    "--mca", "btl", "self,vader,tcp", "--mca", "btl_tcp_if_include", "10.99.0.0/24",
                    "--mca", "oob_tcp_if_include", "10.99.0.0/24"]
        return launcher + [harness.PROGRAM, *arguments], {**self.environment, "NAME": NAME, "PREPARE": prepare}

    def run_on_nodes(self, *arguments, expect=0, **how):
        command, environment = self.on_nodes(*arguments, **how)
        done = subprocess.run(command, cwd=self.directory, timeout=harness.TIMEOUT, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def refuse_on_nodes(self, *arguments, prepare, says, code=1):
        """One line that names the second node, where `prepare` changed something; nothing is left behind."""
        before = sorted(os.listdir(self.directory))
        err = self.run_on_nodes(*arguments, prepare=f'test $0 != {node(1)} || {{ {prepare}; }}', expect=code)
        self.assertRegex(err, rf"\Asyncnorm[^\n]*{node(1)}[^\n]*\n\Z")
        self.assertRegex(err, says)
        self.assertEqual(sorted(set(os.listdir(self.directory)) - {"agent", "runs"}), sorted(set(before) - {"agent", "runs"}))
        if os.path.isdir(self.path("runs")):
            self.assertEqual([n for n in os.listdir(self.path("runs")) if not n.endswith(".lock")], [])

    def hosts(self, out_directory):
        """{run: its hosts} as the run files tell."""
        found = {}
        for name in sorted(os.listdir(self.path(out_directory))):
            if name.endswith(".h5"):
                out, _ = self.run_program("inspect", f"{out_directory}/{name}")
                found[name[:-3]] = set(re.findall(rf"{NAME}-n\d", out))
        return found


class Study(Nodes):
    def test_the_digests_are_those_of_one_rank(self):
        one, _ = self.run_program("study", *THREE, "--epochs", "2", "--output", "one")
        for ranks_per_node in (1, 2):
            directory = f"by{ranks_per_node}"
            out = self.run_on_nodes("study", *THREE, "--epochs", "2", "--output", directory, ranks_per_node=ranks_per_node)
            self.assertIn(f"{NODES * ranks_per_node} ranks in 3 teams", out)
            table = out[out.index("\nrun "):]
            self.assertEqual(harness.digests(table), harness.digests(one[one.index("\nrun "):]))
            # a team, and so each run, stays on one node
            self.assertEqual([len(hosts) for hosts in self.hosts(directory).values()], [1, 1, 1])

    def test_another_build_on_one_node(self):
        self.run_program("train", "-q", "--steps", "1", "--output", "one.h5")
        with h5py.File(self.path("one.h5"), "r") as file:
            sources = file["provenance"].attrs["sources_digest"].encode()
        program = pathlib.Path(harness.PROGRAM).read_bytes()
        self.assertEqual(program.count(sources), 1)
        other = self.path("other")
        pathlib.Path(other).write_bytes(program.replace(sources, b"0123456789abcdef" * 2))
        os.chmod(other, 0o755)
        for command in ("train", "study"):
            self.refuse_on_nodes(command, prepare=f"mount --bind {other} {harness.PROGRAM}",
                                 says=rf"different builds.*{node(0)} has {sources.decode()[:10]} .*{node(1)} has 0123456789 ")

    def test_errors_name_their_host(self):
        data = self.path("data/mnist")
        self.refuse_on_nodes("train", prepare=f"mount -t tmpfs none {data}", says="train-images")
        self.refuse_on_nodes("train", prepare="export SYNCNORM_ISA=z80", says="SYNCNORM_ISA", code=2)
        err = self.run_on_nodes("train", "--output", "/proc/run.h5", expect=1)
        self.assertRegex(err, rf"\Asyncnorm: error: {node(0)}: /proc")


class More(Nodes):
    """In the long set."""

    def test_a_team_over_nodes_with_several_ranks_each(self):
        """Long sums by parts of the node, short ones by its first rank: the digest is that of one rank."""
        run = ("train", "--norm", "bn", "--workers", "4", "--steps", "6")
        one, _ = self.run_program(*run, "--output", "one.h5")
        for ranks_per_node in (1, 2, 3):
            out = self.run_on_nodes(*run, "--output", f"by{ranks_per_node}.h5", ranks_per_node=ranks_per_node)
            self.assertEqual(harness.digests(out), harness.digests(one))

    def test_a_directory_that_is_not_shared(self):
        os.mkdir(self.path("runs"))
        self.refuse_on_nodes("study", "--steps", "1", prepare=f"mount -t tmpfs none {self.path('runs')}", says="needs an --output that they share")
        self.run_on_nodes("study", "--steps", "1")
        self.assertEqual([n for n in os.listdir(self.path("runs")) if n.startswith(".syncnorm")], [])

    def test_all_instruction_sets_are_recorded(self):
        self.run_on_nodes("train", "--steps", "1", "--output", "run.h5", prepare=f"test $0 != {node(1)} || export SYNCNORM_ISA=portable")
        with h5py.File(self.path("run.h5"), "r") as file:
            self.assertRegex(file["provenance"].attrs["instruction_set"], r"\A(x86-64-v\d )?portable\Z")

    def test_killed_and_started_again_with_other_ranks(self):
        """The launcher and one rank are killed when some runs have a file; whatever moment that is, the digests are those of one rank."""
        one, _ = self.run_program("study", *THREE, "--epochs", "4", "--output", "one")
        study = ("study", *THREE, "--epochs", "4", "--checkpoint-every", "1steps", "--output", "again")
        for seen, ranks_per_node in ((1, 1), (3, 2)):
            command, environment = self.on_nodes(*study, ranks_per_node=ranks_per_node)
            job = subprocess.Popen(command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            end = time.monotonic() + harness.TIMEOUT
            while job.poll() is None and time.monotonic() < end:
                directory = self.path("again")
                if os.path.isdir(directory) and sum(n.endswith(".h5") for n in os.listdir(directory)) >= seen:
                    break
            job.kill()
            job.wait()
        table = self.run_on_nodes(*study)
        self.assertEqual(harness.digests(table[table.rindex("\nrun "):]), harness.digests(one[one.index("\nrun "):]))

    def test_a_team_over_all_nodes_and_a_display(self):
        one, _ = self.run_program("study", "--norm", "bn", "--seed", "1-2", "--steps", "4", "--output", "one")
        out = self.run_on_nodes("study", "--norm", "bn", "--seed", "1-2", "--steps", "4", "--ranks-per-run", "3", "--output", "all",
                                "--progress", "always")
        self.assertEqual(harness.digests(out[out.rindex("\nrun "):]), harness.digests(one[one.index("\nrun "):]))
        self.assertEqual([len(hosts) for hosts in self.hosts("all").values()], [3, 3])

    def by_script(self, nodes, *arguments):
        """launch/hosts.sh, started on the first node."""
        hostfile = self.path("hosts")
        with open(hostfile, "w", encoding="utf-8") as file:
            file.writelines(f"10.99.0.{n + 1} slots=1\n" for n in nodes)
        environment = {**self.environment, "NAME": NAME, "SYNCNORM": harness.PROGRAM, "OMPI_MCA_plm_rsh_agent": self.agent(),
                       "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
        return subprocess.Popen([*on_first_node(), HOSTS_SH, "--interface", "10.99.0.0/24", hostfile, *arguments], cwd=self.directory, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end_of(self, job, expect, says):
        out, err = job.communicate(timeout=harness.TIMEOUT)
        self.assertEqual(job.returncode, expect, out + err)
        self.assertRegex(err, says)
        return out

    def saved(self):
        """Which save the file is of: each replaces it."""
        try:
            return os.stat(self.path("run.h5")).st_ino
        except FileNotFoundError:
            return None

    def until_it_has_saved(self, job, before):
        end = time.monotonic() + harness.TIMEOUT
        while self.saved() in (before, None) and job.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        self.assertIsNone(job.poll())

    def test_the_script_and_a_link_that_is_cut(self):
        run = ("train", "--norm", "bn", "--epochs", "100", "--checkpoint-every", "5steps", "--output", "run.h5")
        job = self.by_script((0, 1, 2), *run)
        self.until_it_has_saved(job, None)
        ip("-n", node(2), "link", "set", "v2", "down")
        try:
            self.end_of(job, 205, r"hosts.sh: a host or the link to it was lost \(exit code 205\).* goes on")
        finally:
            ip("-n", node(2), "link", "set", "v2", "up")
        before = self.saved()
        job = self.by_script((0, 1), *run)
        self.until_it_has_saved(job, before)
        job.terminate()
        self.end_of(job, 75, "hosts.sh: stopped, with everything saved: the same command goes on")
        out = self.end_of(self.by_script((0, 1), *run), 0, "going on after epoch")
        one, _ = self.run_program(*run[:-1], "one.h5")
        self.assertEqual(harness.digests(out), harness.digests(one))


def main():
    why = None
    if os.geteuid() != 0:
        why = "not root"
    elif not shutil.which("ip"):
        why = "no ip (Debian package iproute2)"
    if not why:
        try:
            make_network()
        except subprocess.CalledProcessError as error:
            remove_network()
            why = f"no network namespaces here: {error.stderr.strip()}"
    if why:
        print(f"SKIPPED, NOTHING WAS TESTED: {why}")
        sys.exit(SKIP)
    try:
        unittest.main(verbosity=2)
    finally:
        remove_network()


if __name__ == "__main__":
    main()
