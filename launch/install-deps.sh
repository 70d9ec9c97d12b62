#!/bin/sh
# Installs the Debian packages that syncnorm needs. See --help.
set -u

# compiler and build; libraries; MPI at run time; for data/get-mnist.sh
build='gcc libc6-dev make cmake ninja-build pkg-config
    libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-dev zlib1g-dev libxxhash-dev librandom123-dev libjansson-dev libpng-dev gnuplot-nox
    ca-certificates curl'
# what tests/run.sh adds: other compilers and checkers, tools that look at run files, a data set
tests='libcmocka-dev clang clang-format clang-tidy python3 python3-h5py python3-numpy hdf5-tools groff-base shellcheck lintian dpkg-dev file
    libhdf5-openmpi-dev xxhash git iproute2 dataset-fashion-mnist'
# what tests/run.sh --all adds: the other program that its numbers are compared with
torch='python3-torch'
simgrid='libsimgrid-dev'
slurm='slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge'

usage() {
    cat <<EOF
usage: install-deps.sh [--tests] [--torch] [--slurm] [--simgrid] [--fashion-mnist]

Installs, as root or with sudo, the Debian packages that building and running syncnorm needs; with --tests also those of
tests/run.sh, with --torch PyTorch, with --slurm Slurm and with --simgrid SimGrid for tests/run.sh --all; with --fashion-mnist also Debian's copy of Fashion-MNIST. Does nothing
when all are there.
EOF
}

fail() {
    echo "install-deps.sh: $*" >&2
    exit 1
}

packages=$build
for option; do
    case $option in
    --tests) packages="$packages $tests" ;;
    --torch) packages="$packages $torch" ;;
    --slurm) packages="$packages $slurm" ;;
    --simgrid) packages="$packages $simgrid" ;;
    --fashion-mnist) packages="$packages dataset-fashion-mnist" ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install-deps.sh: unknown option $option (--help explains)" >&2; exit 2 ;;
    esac
done
# shellcheck disable=SC2086,SC2116 # on one line
packages=$(echo $packages)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "this is not a Debian-like system; install what corresponds to: $packages"
fi

missing=
for package in $packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root='env'
elif command -v sudo >/dev/null; then
    root='sudo env'
else
    fail "needs root or sudo to install:$missing"
fi

log=$(mktemp) || fail 'cannot create a temporary file'
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
echo "install-deps.sh: installing$missing" >&2
apt() {
    $root DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
        >>"$log" 2>&1 </dev/null
}
# Old package lists may do; new ones are fetched when they do not.
apt install -y -qq --no-install-recommends $missing ||
    { apt update -qq && apt install -y -qq --no-install-recommends $missing; } ||
    fail "apt-get failed: $(grep '^E:' "$log" | tail -n 1 | grep . || tail -n 1 "$log")"
