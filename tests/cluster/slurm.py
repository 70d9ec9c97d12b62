"""A Slurm of three nodes on this machine: its daemons are children of this process, and everything they write is in one directory."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time

NODES = 3
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")

CONFIGURATION = """
ClusterName=syncnorm
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CredType=cred/munge
StateSaveLocation={directory}/state
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/%n.pid
SlurmdSpoolDir={directory}/%n
TmpFS={directory}/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=pmix
KillWait=5
SlurmdTimeout=10
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n[0-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]}-{ports[2]}] CPUs=2 State=UNKNOWN
PartitionName=all Nodes=n[0-2] Default=YES MaxTime=60 State=UP
"""


def missing():
    """Why there can be no Slurm here, or None."""
    if os.geteuid() != 0:
        return "not root"
    lacking = [program for program in NEEDED if not shutil.which(program)]
    return f"no {', '.join(lacking)} (launch/install-deps.sh --slurm)" if lacking else None


def free_ports(count):
    """The first of so many in a row that nobody listens on."""
    for first in range(16800, 32000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port))
            return first
        except OSError:
            pass
    raise RuntimeError("no free ports")


def end_with_parent():
    """Also where this process is killed, no daemon stays."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def parent_of(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return 1


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.daemons = {}
        self.log = open(os.path.join(directory, "daemons.log"), "wb")
        try:
            self.begin(directory)
        except BaseException:
            self.end_daemons()
            raise

    def begin(self, directory):
        os.chmod(directory, 0o755)
        self.environment = {**{k: v for k, v in os.environ.items() if k != "MNIST_DIR"}, "SLURM_CONF": os.path.join(directory, "slurm.conf")}
        for name in ("state", *(f"tmp-n{n}" for n in range(NODES))):
            os.mkdir(os.path.join(directory, name))
        first = free_ports(NODES + 1)
        with open(self.environment["SLURM_CONF"], "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(host=socket.gethostname().split(".")[0], directory=directory,
                                            ports=(first, first + 1, first + NODES)))
        key = os.path.join(directory, "munge.key")
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o400), "wb") as file:
            file.write(os.urandom(128))
        self.start("munged", "--foreground", "--force", *(f"--{kind}={directory}/munge.{suffix}" for kind, suffix in (
            ("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))))
        self.until(lambda: os.path.exists(os.path.join(directory, "munge.socket")))
        self.start("slurmctld", "-D", "-c")
        for n in range(NODES):
            self.start_node(n)
        self.until(lambda: self.command("sinfo", "--noheader", "--states=idle", "--format=%D", check=False).strip() == str(NODES))

    def start(self, *command, name=None):
        self.daemons[name or command[0]] = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log,
                                                            stderr=self.log, start_new_session=True, preexec_fn=end_with_parent)

    def start_node(self, n):
        self.start("slurmd", "-D", "-N", f"n{n}", name=f"n{n}")

    def until(self, holds, seconds=120):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                with open(os.path.join(self.directory, "daemons.log"), encoding="utf-8", errors="replace") as file:
                    raise AssertionError("waited in vain; the daemons' last words:\n" + file.read()[-4000:])
            time.sleep(0.05)

    def command(self, *command, check=True, environment=None, cwd=None):
        done = subprocess.run(command, cwd=cwd, env=environment or self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def state(self, job):
        """Of a job: PENDING, RUNNING, COMPLETED, FAILED ... as the controller remembers it."""
        shown = self.command("scontrol", "--oneliner", "show", "job", str(job))
        return shown.split("JobState=")[1].split()[0]

    def ended(self, job):
        return self.state(job) not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "STOPPED", "SUSPENDED")

    def processes(self, variable):
        """Of this Slurm's jobs, those that have the variable in their environment: {process id: program}."""
        wanted = {variable.encode(), b"SLURM_CONF=" + self.environment["SLURM_CONF"].encode()}
        found = {}
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/environ", "rb") as file:
                    if wanted <= set(file.read().split(b"\0")):
                        found[int(process)] = os.path.basename(os.readlink(f"/proc/{process}/exe"))
            except OSError:  # it has ended, or is a kernel thread
                pass
        return found

    def ranks(self, job):
        return [process for process, program in self.processes(f"SLURM_JOB_ID={job}").items() if program == "syncnorm"]

    def lose_node(self, n):
        """Its daemon and all that it started, at once; start_node() brings it back."""
        there = self.processes(f"SLURMD_NODENAME=n{n}")
        victims = set(there) | {parent_of(process) for process in there}
        self.daemons[f"n{n}"].kill()
        for process in victims - {os.getpid(), 1}:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.daemons[f"n{n}"].wait()

    def close(self):
        self.command("scancel", "--user=root", check=False)
        try:
            self.until(lambda: not self.command("squeue", "--noheader", check=False).strip(), seconds=30)
        finally:
            self.end_daemons()

    def end_daemons(self):
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.log.close()
