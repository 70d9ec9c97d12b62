#!/bin/sh
# Strong and weak scaling of the norms over a list of rank counts. See --help.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)

usage() {
    cat <<EOF
usage: scaling.sh [--ranks "1 2 4"] [--norms "gn ln bn"] [--batch N] [--epochs N] [--hosts HOSTFILE] [--output DIR]

Trains each norm on each number of ranks: strong, a batch divided among the ranks; weak, a worker with a batch of its own on each rank.
Then "syncnorm report" shows speed and efficiency by ranks (section Cost, scaling.csv). Ctrl-C and TERM let it save and end with 75; started again,
it goes on where it was.

  --ranks LIST          numbers of ranks (default: powers of 2 up to the cores, or to the job's tasks under Slurm)
  --norms LIST          gn, ln, rms, bn (default: gn ln bn)
  --batch N             samples: of the batch, and of each worker's (default 64)
  --epochs N            of each run (default 2)
  --hosts HOSTFILE      over these hosts, each rank on a core; --ranks must be given (in a job of Slurm: by srun)
  --output DIR          default scaling: run files in it, the report in DIR/report

Nothing else should be at work on the machine. SYNCNORM in the environment: the program. Exit codes: 0, 1 a run failed, 2 wrong usage, 75.
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
    case $number in *[!0-9]* | 0* | ???????????*) wrong_usage "--batch and --epochs need a positive number, not $number" ;; esac
done
case $norms in *[!\ ]*) ;; *) wrong_usage '--norms is empty' ;; esac
for norm in $norms; do
    case $norm in gn | ln | rms | bn) ;; *) wrong_usage "--norms: $norm is not gn, ln, rms or bn" ;; esac
done

# shellcheck source=launch/program.sh
. "$here/program.sh"
[ -x "$program" ] || wrong_usage "$program is no program that can be run"
export SYNCNORM="$program" # of hosts.sh

in_job=''
[ -n "$hosts" ] || in_job=${SLURM_JOB_ID-}
if [ -z "$ranks" ]; then
    [ -z "$hosts" ] || wrong_usage 'with --hosts, --ranks must be given'
    most=${SLURM_NTASKS:-$(nproc)} n=1
    while [ "$n" -le "$most" ]; do
        ranks="$ranks $n"
        n=$((2 * n))
    done
fi
case $ranks in *[!\ ]*) ;; *) wrong_usage '--ranks is empty' ;; esac
for n in $ranks; do
    case $n in *[!0-9]* | 0* | ???????*) wrong_usage "--ranks: $n is no number of ranks" ;; esac
    [ -n "$hosts$in_job" ] || [ "$n" -le "$(nproc)" ] ||
        wrong_usage "--ranks: $n are more than the $(nproc) cores here, whose speed says nothing"
done
mkdir -p -- "$output" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# run RANKS OPTION...: in the background, since a signal waits for what is in front; hosts.sh lets ranks save when it gets TERM, srun passes it on
job='' stopped=''
trap 'stopped=yes; [ -z "$job" ] || kill -TERM "$job" 2>/dev/null' INT TERM HUP
run() {
    np=$1
    shift
    if [ -n "$in_job" ]; then
        OPENBLAS_NUM_THREADS=1 srun -K --mpi=pmix --cpu-bind=cores -n "$np" "$program" train "$@" &
    else
        [ -n "$hosts" ] || echo "localhost slots=$np" >"$work/hosts"
        "$here/hosts.sh" --ranks "$np" "${hosts:-$work/hosts}" train "$@" &
    fi
    job=$!
    wait "$job"
    code=$?
    while kill -0 "$job" 2>/dev/null; do # a signal interrupted the wait
        wait "$job"
        code=$?
    done
    job=''
}

settings=batch$batch-epochs$epochs failed=''
for norm in $norms; do
    for n in $ranks; do
        for scaling in strong weak; do
            name=$scaling-$norm-$settings-on$n
            set -- --norm "$norm" --epochs "$epochs" --quiet --output "$output/$name.h5"
            case $scaling in
            strong) set -- "$@" --batch "$batch" ;;
            weak)
                [ "$n" -gt 1 ] || continue # a worker on a rank is the strong one
                set -- "$@" --batch-per-worker "$batch" --workers "$n" ;;
            esac
            say "$scaling, $norm on $n"
            run "$n" "$@"
            if [ -n "$stopped" ] || [ "$code" = 75 ]; then
                say 'stopped; the same command goes on'
                exit 75
            fi
            [ "$code" != 2 ] || exit 2
            [ "$code" = 0 ] || failed="$failed $name"
        done
    done
done
[ -z "$failed" ] || say "failed:$failed"
set -- "$output"/*-"$settings"-on*.h5 # not what other settings left there
[ -e "$1" ] || exit 1
"$program" report "$@" --output "$output/report" || exit
[ -z "$failed" ]
