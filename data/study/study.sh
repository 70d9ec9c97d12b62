#!/bin/sh
# The study whose results are kept here. See --help.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)

usage() {
    cat <<EOF
usage: study.sh [--np N] [--data DIR] [--keep DIR] [--report] [DIR]

Trains what the study of README's Results is of into DIR ($root/runs/study), side by side on N ranks (one per core); started again it goes
on where it was cut, and trains nothing that is complete. Then writes the reports, and what is kept of them: the answers, tables and figures.

  --np N       MPI ranks
  --data DIR   MNIST (default: where syncnorm looks for it)
  --keep DIR   where what is kept goes (default: DIR/kept)
  --report     train nothing: of the runs that are there
EOF
}

wrong_usage() {
    echo "study.sh: $* (--help explains)" >&2
    exit 2
}

np=$(nproc) keep='' runs='' train=yes
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    --report) train='' ;;
    --np | --data | --keep)
        [ $# -gt 1 ] && [ -n "$2" ] || wrong_usage "$1 needs a value"
        case $1 in --np) np=$2 ;; --data) export MNIST_DIR="$2" ;; --keep) keep=$2 ;; esac
        shift ;;
    -*) wrong_usage "unknown option $1" ;;
    *) [ -z "$runs" ] || wrong_usage "one directory, not '$runs' and '$1'"
       runs=$1 ;;
    esac
    shift
done
case $np in '' | *[!0-9]* | 0*) wrong_usage "--np needs a positive number, not $np" ;; esac
runs=${runs:-$root/runs/study}
keep=${keep:-$runs/kept}

program=${SYNCNORM:-$root/build/release/syncnorm}
[ -x "$program" ] || wrong_usage "there is no $program: build it, or name it in SYNCNORM"
export OMPI_MCA_rmaps_base_oversubscribe=1
[ "$np" -le "$(nproc)" ] || export OMPI_MCA_mpi_yield_when_idle=1
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mkdir -p "$runs" "$keep" || exit 1
runs=$(CDPATH='' cd -- "$runs" && pwd) keep=$(CDPATH='' cd -- "$keep" && pwd)

# study NAME OPTION...: into $runs/NAME.
study() {
    name=$1
    shift
    [ -n "$train" ] || return 0
    mpirun -q --bind-to none -np "$np" "$program" study --output "$runs/$name" "$@" || exit
}

# report NAME OPTION...: beside the runs, so that tables name files as they do.
report() (
    name=$1
    shift
    cd "$runs" && "$program" report "$name"/*.h5 --output "report-$name" "$@"
)

# 1. Five rates for each norm, by 5,000 images held out.
study tuning --plan tuning
# 2. A batch of 64 on 1, 8 and 32 workers, batch norm's statistics over the batch or over each worker's samples. The rate is the one that the
#    tuning had best for every norm.
study scaling --norm gn,ln,bn --workers 1,8,32 --bn-scope sync,worker --running-stats all --lr 0.03 --schedule cosine --epochs 5 \
    --seed 101-106
# 3. Each norm at its best, on fresh seeds and all training images; longer than what it was tuned with.
report tuning --select lr --emit-final 201-206 >"$runs/final-commands" || exit
sed -n 's/^syncnorm study \(.*\) --epochs 5 /\1 --epochs 10 /p' "$runs/final-commands" >"$runs/final-options"
while read -r options; do
    eval "study mnist $options" </dev/null
done <"$runs/final-options"

report scaling || exit
report mnist || exit

# Figures have no ground of their own; where they are kept they may be shown on a dark one.
sheet='s/^\(<rect x="0" y="0" width="[0-9]*" height="[0-9]*"\) fill="none"/\1 fill="white"/'

# What is kept: the answer and the choice as the program wrote them, the tables, the data of all figures, and some of the figures.
for name in tuning scaling mnist; do
    report=$runs/report-$name kept=$keep/$name
    rm -rf "$kept"
    mkdir -p "$kept/figures" || exit 1
    awk '/^## / { on = $0 == "## The answer" || $0 == "## Selection" } on' "$report/report.md" >"$kept/answer.md"
    for table in "$report"/*.csv; do
        case ${table##*/} in epochs.csv | starts.csv | confusion-*) ;; *) cp "$table" "$kept" ;; esac
    done
    cp "$report"/figures/*.tsv "$kept/figures"
    for figure in answer sensitivity-lr expected-best error-by-workers error-by-scope test-accuracy; do
        [ "$name-$figure" != tuning-test-accuracy ] || continue
        drawing=$report/figures/$figure.svg
        [ ! -e "$drawing" ] || sed "$sheet" "$drawing" >"$kept/figures/$figure.svg" || exit 1
    done
done
cp "$runs/final-commands" "$keep/tuning"
du -sk "$keep" | awk '{ print "kept: " $1 " kB" }'
