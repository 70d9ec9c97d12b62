#!/bin/sh
# Strong and weak scaling of the norms over a list of rank counts. See --help.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)

usage() {
    cat <<EOF
usage: scaling.sh [--ranks "1 2 4"] [--norms "gn ln bn"] [--batch N] [--epochs N] [--hosts HOSTFILE] [--output DIR]

Trains each norm on each number of ranks: strong, a batch divided among the ranks; weak, a worker with a batch of its own on each rank.
Then "syncnorm report" shows speed and efficiency by ranks (section Cost, scaling.csv). Started again, it goes on where it was.

  --ranks LIST          numbers of ranks (default: powers of 2 up to the cores, or to the job's tasks under Slurm)
  --norms LIST          gn, ln, rms, bn (default: gn ln bn)
  --batch N             samples: of the batch, and of each worker's (default 64)
  --epochs N            of each run (default 2)
  --hosts HOSTFILE      over these hosts, by hosts.sh; --ranks must be given; in a job of Slurm: by srun
  --output DIR          default scaling: run files in it, the report in DIR/report

Nothing else should be at work on the machine. SYNCNORM in the environment: the program.
EOF
}

say() { echo "scaling.sh: $*" >&2; }
wrong_usage() {
    say "$* (--help explains)"
    exit 2
}

ranks='' norms='gn ln bn' batch=64 epochs=2 hosts='' output=scaling
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    --ranks | --norms | --batch | --epochs | --hosts | --output) [ -n "${2-}" ] || wrong_usage "$1 needs a value" ;;
    *) wrong_usage "unknown argument $1" ;;
    esac
    case $1 in
    --ranks) ranks=$2 ;;
    --norms) norms=$2 ;;
    --batch) batch=$2 ;;
    --epochs) epochs=$2 ;;
    --hosts) hosts=$2 ;;
    --output) output=$2 ;;
    esac
    shift 2
done

for number in "$batch" "$epochs"; do
    case $number in *[!0-9]* | 0*) wrong_usage "--batch and --epochs need a positive number, not $number" ;; esac
done
for norm in $norms; do
    case $norm in gn | ln | rms | bn) ;; *) wrong_usage "--norms: $norm is not gn, ln, rms or bn" ;; esac
done

program=${SYNCNORM-}
for candidate in "$here/../build/release/syncnorm" "$here/../../bin/syncnorm"; do # of the checkout, installed
    [ -n "$program" ] || [ ! -x "$candidate" ] || program=$(CDPATH='' cd -- "$(dirname -- "$candidate")" && pwd)/syncnorm
done
[ -n "$program" ] || program=$(command -v syncnorm) || wrong_usage 'there is no syncnorm: build it, or name it in SYNCNORM'
export SYNCNORM="$program"

if [ -z "$ranks" ]; then
    [ -z "$hosts" ] || wrong_usage 'with --hosts, --ranks must be given'
    most=${SLURM_NTASKS:-$(nproc)} n=1
    while [ "$n" -le "$most" ]; do
        ranks="$ranks $n"
        n=$((2 * n))
    done
fi
[ -n "${ranks## }" ] || wrong_usage '--ranks is empty'
for n in $ranks; do
    case $n in *[!0-9]* | 0*) wrong_usage "--ranks: $n is no number of ranks" ;; esac
done
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# run RANKS OPTION...
run() {
    np=$1
    shift
    if [ -n "$hosts" ]; then
        "$here/hosts.sh" --ranks "$np" "$hosts" train "$@"
    elif [ -n "${SLURM_JOB_ID-}" ]; then
        srun -K --mpi=pmix --cpu-bind=cores -n "$np" "$program" train "$@"
    else
        binding=core
        [ "$np" -le "$(nproc)" ] || binding=none # more ranks than cores
        OPENBLAS_NUM_THREADS=1 OMPI_MCA_rmaps_base_oversubscribe=1 mpirun -q --bind-to $binding -np "$np" "$program" train "$@"
    fi
}

mkdir -p "$output" || exit 1
failed='' stopped=''
trap 'stopped=yes' INT TERM # between runs; Ctrl-C reaches mpirun itself
for norm in $norms; do
    for n in $ranks; do
        for scaling in strong weak; do
            set -- --norm "$norm" --epochs "$epochs" --quiet --output "$output/$scaling-$norm-$n.h5"
            case $scaling in
            strong) set -- "$@" --batch "$batch" ;;
            weak)
                [ "$n" -gt 1 ] || continue # a worker on a rank is the strong one
                set -- "$@" --batch-per-worker "$batch" --workers "$n" ;;
            esac
            say "$scaling, $norm on $n"
            run "$n" "$@"
            code=$?
            [ -z "$stopped" ] || code=75
            case $code in
            0) ;;
            75 | 130 | 137 | 143) say 'stopped; the same command goes on'; exit $code ;;
            *) failed="$failed $scaling-$norm-$n" ;;
            esac
        done
    done
done
set -- "$output"/*.h5
[ -e "$1" ] || { say "no run was finished:$failed"; exit 1; }
"$program" report "$output"/*.h5 --output "$output/report" || exit
[ -z "$failed" ] || { say "failed:$failed"; exit 1; }
