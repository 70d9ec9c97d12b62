#!/bin/sh
# The study whose results are kept here. See --help.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
fashion=/usr/share/datasets/fashion-mnist

usage() {
    cat <<EOF
usage: study.sh [--np N] [--data DIR] [--fashion DIR] [--keep DIR] [--report] [DIR]

Trains what the study of README's Results is of into DIR ($root/runs/study), side by side on N ranks (one per core); started again it goes
on where it was cut, and trains nothing that is complete. Then writes the reports, and what is kept of them: the answers, tables and figures.

  --np N         MPI ranks
  --data DIR     MNIST (default: where syncnorm looks for it)
  --fashion DIR  Fashion-MNIST (default: $fashion, which is Debian's dataset-fashion-mnist)
  --keep DIR     where what is kept goes (default: DIR/kept)
  --report       train nothing: of the runs that are there
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
    --np | --data | --fashion | --keep)
        [ $# -gt 1 ] && [ -n "$2" ] || wrong_usage "$1 needs a value"
        case $1 in --np) np=$2 ;; --data) export MNIST_DIR="$2" ;; --fashion) fashion=$2 ;; --keep) keep=$2 ;; esac
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
[ -z "$train" ] || [ -d "$fashion" ] || wrong_usage "there is no $fashion: install dataset-fashion-mnist, or name Fashion-MNIST with --fashion"
export OMPI_MCA_rmaps_base_oversubscribe=1
[ "$np" -le "$(nproc)" ] || export OMPI_MCA_mpi_yield_when_idle=1
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mkdir -p "$runs" "$keep" || exit 1
runs=$(CDPATH='' cd -- "$runs" && pwd) keep=$(CDPATH='' cd -- "$keep" && pwd)

# study NAME OPTION...: into $runs/NAME. Runs that failed, as those that diverge, leave the others.
failed=0
study() {
    name=$1
    shift
    [ -n "$train" ] || return 0
    mpirun -q --bind-to none -np "$np" "$program" study --output "$runs/$name" "$@"
    code=$?
    case $code in
    0) ;;
    1) failed=1 ;;
    *) exit $code ;;
    esac
}

# report NAME OPTION...: beside the runs, so that tables name files as they do.
report() (
    name=$1
    shift
    cd "$runs" && "$program" report "$name"/*.h5 --output "report-$name" "$@"
)

# 1. Five rates for each norm, by 5,000 images held out.
study tuning --plan tuning
# 2. More and more workers, that share a batch of 64 or have 64 each; batch norm's statistics over the batch or over each worker's samples, and
#    group norm of one group as layer norm's control. The rate is the one that the tuning had best for every norm.
study scaling --plan scaling --lr 0.03 --seed 101-110
# 3. Each norm at its best, on fresh seeds and all training images; longer than what it was tuned with.
best() {
    name=$1 seeds=$2 chosen=$3
    shift 3
    report tuning --select lr --emit-final "$seeds" >"$runs/$name-commands" || exit
    sed -n "s/^syncnorm study \(.*\) --epochs 5 /\1 --epochs 10 /p" "$runs/$name-commands" | sed "s/ settings of lr/&$chosen/" >"$runs/$name-options"
    while read -r options; do
        eval "study $name $options \"\$@\"" </dev/null
    done <"$runs/$name-options"
}
best mnist 201-215 ''
best fashion-mnist 301-315 ' on MNIST' --data "$fashion"

report scaling || exit
report mnist || exit
report fashion-mnist || exit

# Figures have no ground of their own; where they are kept they may be shown on a dark one.
sheet='s/^\(<rect x="0" y="0" width="[0-9]*" height="[0-9]*"\) fill="none"/\1 fill="white"/'

# What is kept: the answer and the choice as the program wrote them, tables and the data of figures but those of every epoch, and some of the figures.
for name in tuning scaling mnist fashion-mnist; do
    report=$runs/report-$name kept=$keep/$name
    rm -rf "$kept"
    mkdir -p "$kept/figures" || exit 1
    awk '/^## / { on = $0 == "## The answer" || $0 == "## Selection" } on' "$report/report.md" >"$kept/answer.md"
    for table in "$report"/*.csv; do
        case ${table##*/} in epochs.csv | starts.csv | confusion-*) ;; *) cp "$table" "$kept" ;; esac
    done
    for data in "$report"/figures/*.tsv; do
        head -n 1 "$data" | grep -q '^epoch' || cp "$data" "$kept/figures" || exit 1
    done
    for figure in answer sensitivity-lr expected-best error-by-workers error-by-workers-growing error-by-scope error-by-scope-growing; do
        drawing=$report/figures/$figure.svg
        [ ! -e "$drawing" ] || sed "$sheet" "$drawing" >"$kept/figures/$figure.svg" || exit 1
    done
done
cp "$runs/mnist-commands" "$keep/tuning/final-commands"
du -sk "$keep" | awk '{ print "kept: " $1 " kB" }'
[ $failed = 0 ] || echo 'study.sh: some runs failed, as said above; what is kept is of the others' >&2
exit $failed
