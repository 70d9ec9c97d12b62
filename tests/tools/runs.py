"""Running syncnorm in tests and comparing run files to the bit. Needs h5py (Debian: python3-h5py)."""
import os
import subprocess

import h5py
import numpy

from launcher import MPIEXEC

# Columns that tell how long the machine took; everything else must be equal to the bit.
MACHINE = ("seconds", "images_per_second")


def is_machine(column):
    return column.endswith(MACHINE) or "_seconds_" in column


def mpi_environment(**more):
    environment = dict(os.environ, OMPI_MCA_mpi_yield_when_idle="1", OMPI_MCA_rmaps_base_oversubscribe="1")
    if os.getuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    environment.update(more)
    return environment


def run(command, ranks=None, preload=None, timeout=600, **environment):
    """Runs a command, under mpirun when `ranks` is given; returns the finished process (text)."""
    if ranks is not None:
        launcher = [*MPIEXEC, "-np", str(ranks)]
        if preload:
            launcher += ["-x", f"LD_PRELOAD={preload}"]
        command = launcher + command
    return subprocess.run(command, env=mpi_environment(**environment), stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=timeout)


def content(path):
    """Everything in a run file that the machine must not change, as {name: bytes}."""
    found = {}
    with h5py.File(path, "r") as file:
        found["digest"] = file["model"].attrs["digest"].encode()
        found["experiment"] = file["experiment"].attrs["digest"].encode()

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and not is_machine(name.split("/")[-1]):
                found[name] = numpy.asarray(item[()]).tobytes()

        file.visititems(visit)
        for name, value in file["evaluation"].attrs.items() if "evaluation" in file else ():
            found[f"evaluation: {name}"] = numpy.asarray(value).tobytes()
    return found


def differences(a, b):
    """Names whose bytes differ, or that only one of two contents has."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
