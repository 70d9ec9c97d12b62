"""What the black-box tests share: the program ($SYNCNORM), mpirun ($MPIEXEC), a small data set, a terminal."""

import fcntl
import functools
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
from launcher import MPIEXEC  # noqa: E402

MAKE_DATASET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "make_dataset.py")
PROGRAM = os.environ["SYNCNORM"]
TIMEOUT = 600  # for hangs


SCRATCH = tempfile.TemporaryDirectory()  # removed when the program ends


@functools.lru_cache(maxsize=None)
def dataset(train, test):
    """Directory of a made-up data set of that size, made once."""
    directory = os.path.join(SCRATCH.name, f"{train}-{test}")
    subprocess.run([sys.executable, MAKE_DATASET, directory, "--train", str(train), "--test", str(test)], check=True)
    return directory


def command(arguments, np=None):
    launcher = MPIEXEC + ["-np", str(np)] if np else []
    return launcher + [PROGRAM] + [str(a) for a in arguments]


class Test(unittest.TestCase):
    """Each test runs in an empty directory of its own, with the small data set in data/mnist where the program looks."""

    train, test = 200, 100  # images: with the default batch of 64, the fourth and last batch of an epoch has 8

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        shutil.copytree(dataset(self.train, self.test), self.path("data/mnist"))
        self.environment = {k: v for k, v in os.environ.items() if k != "MNIST_DIR"}

    def path(self, name):
        return os.path.join(self.directory, name)

    def run_program(self, *arguments, np=None, stdout=subprocess.PIPE, expect=0):
        """Exit code checked; returns standard output and standard error."""
        done = subprocess.run(command(arguments, np), cwd=self.directory, env=self.environment, stdout=stdout,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=TIMEOUT)
        out, err = (done.stdout or b"").decode(), done.stderr.decode()
        self.assertEqual(done.returncode, expect, f"{arguments} np={np}\nstdout: {out}\nstderr: {err}")
        return out, err

    def refuse(self, *arguments, np=None, code=2, says=""):
        """The program ends with `code`, nothing on standard output and one line on standard error, which it returns."""
        with unittest.mock.patch.dict(self.environment, OMPI_MCA_odls_base_sigkill_timeout="0"):  # mpirun would wait for a second
            out, err = self.run_program(*arguments, np=np, expect=code)
        self.assertEqual(out, "")
        self.assertRegex(err, r"\Asyncnorm[^\n]+\n\Z")
        self.assertIn(says, err)
        return err

    def run_on_terminal(self, *arguments, columns, np=None):
        """What a terminal of so many columns receives; columns == 0 is what mpirun gives its ranks."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(command(arguments, np), cwd=self.directory, env=self.environment, stdout=slave,
                                   stderr=slave, stdin=subprocess.DEVNULL)
        os.close(slave)
        received = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            received += piece
        os.close(master)
        self.assertEqual(process.wait(TIMEOUT), 0, received.decode())
        return received.decode().replace("\r\n", "\n")


def digests(text):
    """All digests in the text, in order."""
    return re.findall(r"\b[0-9a-f]{32}\b", text)


def main():
    unittest.main(verbosity=2)
