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
while [ $# -gt 1 ]; do [ "$1" != --output ] || report=$2; shift; done
mkdir -p "$report/figures"
printf '# Norms\n\n## The answer\n\nwe know\n\n## Curves\n\nand more\n' >"$report/report.md"
for file in answer.csv epochs.csv confusion-gn.csv figures/answer.svg figures/answer.tsv figures/gap.svg figures/gap.tsv; do
    echo '<rect x="0" y="0" width="440" height="232" fill="none"/>' >"$report/$file"
done
[ "$report" != report-tuning ] || echo "syncnorm study --experiment gn --lr 0.1 --seed 201-206 --epochs 5 --chosen-from '5 settings of lr'"
EOF
chmod +x "$work/bin/mpirun" "$work/program"
export SYNCNORM="$work/program" PATH="$work/bin:$PATH" CALLS="$work/calls"
trained() { grep -qF -- "$1" "$work/calls"; }

run "$study" --np 2 "$work/runs"
expect 'study: is done' code_is 0
expect 'study: tunes' trained "== study --output $work/runs/tuning --plan tuning"
expect 'study: trains the chosen, longer' trained "== study --output $work/runs/mnist --experiment gn --lr 0.1 --seed 201-206 --epochs 10"
expect 'study: what they were chosen from is one argument' trained '<5 settings of lr>'
expect 'study: keeps the answer' grep -qx 'we know' "$work/runs/kept/mnist/answer.md"
if grep -q 'more' "$work/runs/kept/mnist/answer.md"; then kept=more; else kept=answer; fi
expect 'study: and no more of the page' test $kept = answer
expect 'study: keeps the figures of the answer' test -e "$work/runs/kept/scaling/figures/answer.svg"
expect 'study: on white' grep -q 'fill="white"' "$work/runs/kept/scaling/figures/answer.svg"
expect 'study: of others the data' test -e "$work/runs/kept/scaling/figures/gap.tsv" -a ! -e "$work/runs/kept/scaling/figures/gap.svg"
expect 'study: leaves out what is long' test ! -e "$work/runs/kept/scaling/epochs.csv"

rm "$work/calls"
run "$study" --report --keep "$work/kept" "$work/runs"
expect 'study: --report trains nothing' sh -c '! grep -q "^== study" "$1"' sh "$work/calls"
expect 'study: --keep says where' test -e "$work/kept/tuning/final-commands"

run env ENDS=75 "$study" "$work/runs"
expect 'study: what was stopped stops it' code_is 75

[ $failures = 0 ]
