"""What the fault tests share: jobs that can be watched, struck and waited for, and run files compared to the bit.

Nothing here waits for a length of time: conditions are polled for, with limits so generous that reaching one is a failure.
"""

import atexit
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "tools"))
from launcher import MPIEXEC as MPIRUN  # noqa: E402
import runs  # noqa: E402

PROGRAM = os.environ["SYNCNORM"]
FAULTS = bool(os.environ.get("SYNCNORM_FAULTS"))  # the program has injection points
LIMIT = float(os.environ.get("FAULTS_LIMIT", "600"))  # seconds
SILENCE = 6  # seconds for --timeout where a rank is stopped: the others must not stand still as long for want of a processor
LAUNCHER_LIMIT = 20  # seconds for mpirun to end when its ranks have
SCRATCH = tempfile.mkdtemp(prefix="syncnorm-faults-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

THOROUGH = bool(os.environ.get("SYNCNORM_THOROUGH"))  # tests/run.sh --all


def choices(*all_of_them):
    """Numbers of ranks, say, to try one after the other: all of them, or, where time is short, the first and the last."""
    return all_of_them if THOROUGH else (all_of_them[0], all_of_them[-1])


# 13 steps an epoch, the last of them short; an evaluation of several pieces on any number of ranks
TRAIN, TEST, BATCH, STEPS_PER_EPOCH = 200, 300, 16, 13


@functools.lru_cache(maxsize=None)
def dataset(train=TRAIN, test=TEST):
    directory = os.path.join(SCRATCH, f"data-{train}-{test}")
    subprocess.run([sys.executable, str(TESTS / "tools/make_dataset.py"), directory, "--train", str(train), "--test",
                    str(test)], check=True)
    return directory


@functools.lru_cache(maxsize=None)
def repeated(part, times, train, test):
    """A small data set whose "train" or "t10k" part is there over and over."""
    source, directory = pathlib.Path(dataset(train, test)), pathlib.Path(SCRATCH, f"data-{part}-{times}-{train}-{test}")
    shutil.copytree(source, directory)
    for name, header in ((f"{part}-images-idx3-ubyte", 16), (f"{part}-labels-idx1-ubyte", 8)):
        data = (source / name).read_bytes()
        count = int.from_bytes(data[4:8], "big")
        head = data[:4] + (times * count).to_bytes(4, "big") + data[8:header]
        (directory / name).write_bytes(head + times * data[header:])
    return str(directory)


def long_evaluation():
    """Two steps an epoch, then 60,000 test images."""
    return repeated("t10k", 200, 32, TEST)


def poll(condition, what):
    """The condition's value once it is true."""
    end = time.monotonic() + LIMIT
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {LIMIT} s in vain: {what}")
        time.sleep(0.005)


def state(pid):
    """One letter, "" when there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def processor_seconds(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def parent(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def strike(pid, number):
    """A signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Job:
    """syncnorm, on its own (np None) or under mpirun. Output goes to files, so that nobody has to read it meanwhile."""

    def __init__(self, directory, *arguments, np=None, prefix=(), mpirun=(), preexec=None, **environment):
        self.np = np
        self.command = list(prefix) + (MPIRUN + list(mpirun) + ["-np", str(np)] if np else [])
        self.command += [PROGRAM] + [str(a) for a in arguments]
        base = tempfile.mktemp(dir=SCRATCH)
        self.files = (base + ".out", base + ".err")
        with open(self.files[0], "wb") as out, open(self.files[1], "wb") as err:
            self.process = subprocess.Popen(
                self.command, cwd=directory, env=runs.mpi_environment(**environment), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, preexec_fn=preexec)
        self.known = set()

    def ranks(self):
        """Process numbers of the ranks, once all have been started."""
        if not self.np:
            return [self.process.pid]

        def started():
            found = []
            for entry in pathlib.Path("/proc").iterdir():
                if entry.name.isdigit() and parent(int(entry.name)) == self.process.pid:
                    try:
                        environment = (entry / "environ").read_bytes().split(b"\0")
                    except OSError:
                        continue
                    rank = [v for v in environment if v.startswith(b"OMPI_COMM_WORLD_RANK=")]
                    if rank:
                        found.append((int(rank[0].split(b"=")[1]), int(entry.name)))
            return found if len(found) == self.np or self.over() else None

        found = [pid for _, pid in sorted(poll(started, "ranks to start"))]
        self.known.update(found)
        return found

    def over(self):
        return self.process.poll() is not None

    def until(self, condition, what):
        """Polls, ending early (False) when the job does."""
        try:
            return poll(lambda: condition() or (self.over() and "over"), what) != "over"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.command}\n{self.out()}{self.err()}{self.whereabouts()}") from None

    def whereabouts(self):
        """What the kernel says of a job that hangs."""
        lines = []
        for pid in [self.process.pid, *sorted(self.known)]:
            lines.append(f"{pid}: {state(pid)}")
            for name in ("wchan", "syscall", "stack"):
                try:
                    lines.append(f"{name}: " + pathlib.Path(f"/proc/{pid}/{name}").read_text().strip())
                except OSError:
                    pass
        return "\n".join(lines)

    def signal(self, number):
        if not self.over():
            self.process.send_signal(number)

    def ranks_are_gone(self):
        return all(state(pid) in ("", "Z") for pid in self.known)

    def wait(self):
        """Exit code, once the job and every rank known of it are gone."""
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"no end in {LIMIT} s: {self.command}\n{self.out()}{self.err()}") from None
        poll(self.ranks_are_gone, "ranks to end")
        return code

    def wait_killed(self):
        """wait(), where a rank was killed: once in a hundred kills of a rank that was just starting, the mpirun of Open MPI 4.1.4
        waits for itself (PMIx_server_finalize, a mutex that it holds) when all ranks are gone. It is then killed, too."""
        if self.np and not self.over():
            poll(lambda: self.over() or self.ranks_are_gone(), "ranks to end")
            try:
                self.process.wait(LAUNCHER_LIMIT)
            except subprocess.TimeoutExpired:
                print(f"mpirun hangs without ranks, and is killed: {self.command}", flush=True)
                self.process.kill()
        return self.wait()

    def end(self):
        """Whatever is left of it."""
        for pid in self.known:
            if parent(pid) in (self.process.pid, 1):
                strike(pid, signal.SIGKILL)
        if not self.over():
            self.process.kill()
            self.process.wait()

    def out(self):
        return pathlib.Path(self.files[0]).read_text()

    def err(self):
        return pathlib.Path(self.files[1]).read_text()

    def said(self):
        """Lines of syncnorm's own on standard error."""
        return [line for line in self.err().splitlines() if line.startswith("syncnorm")]


def progress(path):
    """Steps that the run file has; -1 when there is none. It is replaced atomically, so it is always a whole one."""
    try:
        with h5py.File(path, "r") as file:
            return int(file["progress"].attrs["step"])
    except FileNotFoundError:
        return -1


def complete(path):
    with h5py.File(path, "r") as file:
        return bool(file.attrs["complete"])


class Test(unittest.TestCase):
    """Each test in an empty directory of its own."""

    longMessage = True

    def setUp(self):
        self.directory = tempfile.mkdtemp(dir=SCRATCH)
        self.jobs = []
        self.addCleanup(lambda: [job.end() for job in self.jobs])

    def path(self, name="run.h5"):
        return os.path.join(self.directory, name)

    def remove(self, name="run.h5"):
        for generation in (name, name + ".prev"):
            if os.path.exists(self.path(generation)):
                os.remove(self.path(generation))

    def start(self, *arguments, command="train", data=None, **options):
        job = Job(self.directory, command, "--data", data or dataset(), "--batch", BATCH, *arguments, **options)
        self.jobs.append(job)
        return job

    def train(self, *arguments, expect=0, **options):
        """A job from beginning to end."""
        job = self.start(*arguments, **options)
        self.finish(job, expect)
        return job

    def finish(self, job, expect=0):
        self.assertEqual(job.wait(), expect, f"{job.command}\n{job.out()}{job.err()}")

    def one_line(self, job, pattern):
        """All that the user sees on standard error."""
        self.assertRegex(job.err(), rf"\Asyncnorm[^\n]*{pattern}[^\n]*\n\Z")

    def verify(self, *names):
        """inspect --verify finds the files sound."""
        done = subprocess.run([PROGRAM, "inspect", "--verify", *map(self.path, names or ["run.h5"])], text=True,
                              capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def assert_same(self, path, reference):
        """To the bit, wall-clock columns apart."""
        self.assertEqual(runs.differences(runs.content(path), reference), [])

    def assert_no_leftovers(self, what="", directory=None):
        """Nothing hidden beside the run files but their locks, which stay: no temporary file."""
        hidden = [name for name in os.listdir(directory or self.directory)
                  if name.startswith(".") and not name.endswith(".lock")]
        self.assertEqual(hidden, [], what)


with_injection = unittest.skipUnless(FAULTS, "needs a build with SYNCNORM_FAULTS")


@functools.lru_cache(maxsize=None)
def reference(*arguments):
    """What the uninterrupted run gives, on one rank."""
    path = os.path.join(SCRATCH, "reference-" + re.sub(r"[^\w.]+", "-", " ".join(map(str, arguments))) + ".h5")
    job = Job(SCRATCH, "train", "-q", "--data", dataset(), "--batch", BATCH, *arguments, "--output", path)
    if job.wait() != 0:
        raise AssertionError(f"{job.command}: {job.err()}")
    return runs.content(path)


def main():
    unittest.main(verbosity=2)
