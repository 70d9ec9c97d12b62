#!/bin/sh
# data/study/study.sh with a stand-in for the program: what it trains, and what it keeps of the reports.
set -u
root=$1
. "$root/tests/scripts/lib.sh"
study=$root/data/study/study.sh

for wrong in '--np 0' '--np x' '--np' '--nonsense' 'one two'; do
    run "$study" $wrong
    expect "study: $wrong is wrong usage" code_is 2
    expect "study: $wrong is so in one line" lines_are err 1
done
run env SYNCNORM=/nowhere/syncnorm "$study" "$work/none"
expect 'study: no program is wrong usage' code_is 2

# The program notes its arguments, one per line, behind the first; mpirun starts what follows its own options.
mkdir "$work/bin"
cat >"$work/bin/mpirun" <<'EOF'
#!/bin/sh
while [ "$1" != "$SYNCNORM" ]; do shift; done
exec "$@"
EOF
cat >"$work/program" <<'EOF'
#!/bin/sh
{ echo "== $*"; for argument in "$@"; do echo "<$argument>"; done; } >>"$CALLS"
[ "$1" = report ] || exit "${ENDS:-0}"
while [ $# -gt 1 ]; do
    case $1 in --output) report=$2 ;; --emit-final) seeds=$2 ;; esac
    shift
done
mkdir -p "$report/figures"
printf '# Norms\n\n## The answer\n\nwe know\n\n## Curves\n\nand more\n' >"$report/report.md"
for file in answer.csv epochs.csv confusion-gn.csv figures/answer.svg figures/answer.tsv figures/gap.svg figures/gap.tsv; do
    echo '<rect x="0" y="0" width="440" height="232" fill="none"/>' >"$report/$file"
done
printf 'epoch\tgn\n1\t98\n' >"$report/figures/test-accuracy.tsv"
[ "$report" != report-tuning ] || echo "syncnorm study --experiment gn --lr 0.1 --seed $seeds --epochs 5 --chosen-from '5 settings of lr, by 99 %'"
EOF
chmod +x "$work/bin/mpirun" "$work/program"
export SYNCNORM="$work/program" PATH="$work/bin:$PATH" CALLS="$work/calls"
trained() { grep -qF -- "$1" "$work/calls"; }

run "$study" --fashion /nowhere "$work/runs"
expect 'study: no Fashion-MNIST is wrong usage' code_is 2
mkdir "$work/clothes"
run "$study" --np 2 --fashion "$work/clothes" "$work/runs"
expect 'study: is done' code_is 0
expect 'study: tunes' trained "== study --output $work/runs/tuning --plan tuning"
expect 'study: trains the chosen, longer' trained "== study --output $work/runs/mnist --experiment gn --lr 0.1 --seed 201-215 --epochs 10"
expect 'study: and on clothes' trained "== study --output $work/runs/fashion-mnist --experiment gn --lr 0.1 --seed 301-315 --epochs 10"
expect 'study: which are where --fashion says' trained "<$work/clothes>"
expect 'study: what they were chosen from is one argument' trained '<5 settings of lr, by 99 %>'
expect 'study: and says so where it was on other data' trained '<5 settings of lr on MNIST, by 99 %>'
expect 'study: spreads over workers' trained "== study --output $work/runs/scaling --plan scaling --lr 0.03 --seed 101-110"
expect 'study: keeps the answer' grep -qx 'we know' "$work/runs/kept/mnist/answer.md"
if grep -q 'more' "$work/runs/kept/mnist/answer.md"; then kept=more; else kept=answer; fi
expect 'study: and no more of the page' test $kept = answer
expect 'study: keeps the figures of the answer' test -e "$work/runs/kept/scaling/figures/answer.svg"
expect 'study: on white' grep -q 'fill="white"' "$work/runs/kept/scaling/figures/answer.svg"
expect 'study: of others the data' test -e "$work/runs/kept/scaling/figures/gap.tsv" -a ! -e "$work/runs/kept/scaling/figures/gap.svg"
expect 'study: leaves out what is long' test ! -e "$work/runs/kept/scaling/epochs.csv" -a ! -e "$work/runs/kept/scaling/figures/test-accuracy.tsv"

rm "$work/calls"
run "$study" --report --keep "$work/kept" "$work/runs"
expect 'study: --report trains nothing' sh -c '! grep -q "^== study" "$1"' sh "$work/calls"
expect 'study: --keep says where' test -e "$work/kept/tuning/final-commands"

rm -r "$work/kept"
run env ENDS=1 "$study" --fashion "$work/clothes" --keep "$work/kept" "$work/runs"
expect 'study: a run that failed is its end' code_is 1
expect 'study: which is said' says 'some runs failed'
expect 'study: and leaves the others' test -e "$work/kept/fashion-mnist/answer.md"

run env ENDS=75 "$study" --fashion "$work/clothes" "$work/runs"
expect 'study: what was stopped stops it' code_is 75

# README says what the program said, to the letter, of the runs that are kept.
for name in scaling mnist fashion-mnist; do
    awk '/^\*\*Figure 1\./ { exit } NR > 2 && NF { print "> " $0 }' "$root/data/study/$name/answer.md" | sort -u >"$work/said"
    grep -Fx -f "$work/said" "$root/README.md" | sort -u >"$work/quoted"
    expect "study: README has the answer of $name" cmp "$work/said" "$work/quoted"
    expect "study: which says something" test -s "$work/said"
done

[ $failures = 0 ]
