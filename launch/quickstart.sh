#!/bin/sh
# From a bare Debian to the comparison of the norms. See --help.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

usage() {
    cat <<EOF
usage: quickstart.sh [--epochs N] [--seeds N] [--np N] [--data DIR] [--output DIR]

Installs what is missing, builds, obtains MNIST and trains the experiments (group norm, layer norm, batch norm, batch norm with a
penalty) side by side over the cores of this machine; prints a table that compares them and draws a report.

  --epochs N     how long to train (15: the published accuracies, minutes)
  --seeds N      seeds 1 to N of each experiment (3); one alone decides nothing
  --np N         MPI ranks (one per core)
  --data DIR     the four files of MNIST; default: \$MNIST_DIR, else data/mnist or ../shared/mnist, downloaded when not there
  --output DIR   where the run files go ($root/runs)
EOF
}

say() { echo "quickstart.sh: $*" >&2; }
fail() {
    say "$*"
    exit 1
}
wrong_usage() {
    say "$* (--help explains)"
    exit 2
}

epochs='' seeds=3 np='' data=${MNIST_DIR-} output=$root/runs
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    -h | --help) usage; exit 0 ;;
    --*=*)
        set -- "${option#*=}" "$@"
        option=${option%%=*} ;;
    esac
    case $option in
    --epochs | --seeds | --np | --data | --output)
        [ $# -gt 0 ] && [ -n "$1" ] || wrong_usage "$option needs a value" ;;
    *) wrong_usage "unknown option $option" ;;
    esac
    case $option in
    --epochs | --seeds | --np)
        case $1 in *[!0-9]* | 0*) wrong_usage "$option needs a positive number, not $1" ;; esac ;;
    esac
    case $option in
    --epochs) epochs=$1 ;;
    --seeds) seeds=$1 ;;
    --np) np=$1 ;;
    --data) data=$1 ;;
    --output) output=$1 ;;
    esac
    shift
done

# Cores, not hardware threads, of those that this process may use. lscpu knows nothing where /sys is not mounted.
count_cores() {
    usable=$(nproc)
    cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$cores" -ge 1 ] && [ "$cores" -lt "$usable" ]; then echo "$cores"; else echo "$usable"; fi
}

build() {
    log=$root/build/quickstart.log
    mkdir -p "$root/build" || return
    (cd "$root" && cmake --preset release && cmake --build --preset release -j "$cores") >"$log" 2>&1 && return
    grep -E 'error|Error' "$log" | head -n 5 >&2
    fail "the build failed; all of its output is in $log"
}

is_dataset() {
    for name in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
        [ -e "$1/$name" ] || [ -e "$1/$name.gz" ] || return
    done
}

# Sets `data`: given, fetched before (for this checkout, or for several), downloaded, or else Debian's Fashion-MNIST.
obtain_data() {
    [ -z "$data" ] || return 0
    for data in "$root/data/mnist" "$root/../shared/mnist"; do
        if is_dataset "$data"; then return; fi
    done
    mkdir -p "$root/build"
    if "$root/data/get-mnist.sh" >"$root/build/get-mnist.log" 2>&1; then return; fi
    data=/usr/share/datasets/fashion-mnist
    is_dataset "$data" || "$root/launch/install-deps.sh" --fashion-mnist ||
        fail "no data: MNIST could not be downloaded ($(tail -n 1 "$root/build/get-mnist.log"))"
    say 'MNIST could not be downloaded (try data/get-mnist.sh): this is Fashion-MNIST, clothes, not digits, and' \
        'accuracies will be near 90 %'
}

"$root/launch/install-deps.sh" || exit 1
cores=$(count_cores)
np=${np:-$cores}
say 'building'
build
obtain_data

# Open MPI on any machine: every rank where the scheduler puts it; more ranks than it counts as cores; root; a /dev/shm too
# small for the data set (containers); no /sys to read the machine from (a chroot), which it would mention once per process; no
# search for X displays, which takes 5 to 17 s where "localhost" is looked up in the network (a chroot without /etc/hosts).
export OMPI_MCA_rmaps_base_oversubscribe=1
[ "$np" -le "$cores" ] || export OMPI_MCA_mpi_yield_when_idle=1
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
shared_kilobytes=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
[ "${shared_kilobytes:-0}" -ge 262144 ] || export SYNCNORM_SHARED_MEMORY="${TMPDIR:-/tmp}"
[ -d /sys/devices/system/cpu ] || export HWLOC_HIDE_ERRORS=2
export HWLOC_COMPONENTS=-gl

program=$root/build/release/syncnorm
mpirun -q --bind-to none -np "$np" "$program" study --data "$data" --output "$output" --seed "1-$seeds" ${epochs:+--epochs "$epochs"} || exit
set --
for name in $("$program" study --seed "1-$seeds" --list | cut -f 1); do # not what else is in the directory
    set -- "$@" "$output/$name.h5"
done
"$program" report --output "$output/report" "$@"
