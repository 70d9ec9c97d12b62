"""How tests start ranks: $MPIEXEC, a command with its options (tests/CMakeLists.txt), else Open MPI's."""
import os

MPIEXEC = os.environ.get("MPIEXEC", "mpirun -q --oversubscribe --bind-to none").split()
