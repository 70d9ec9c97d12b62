#!/bin/sh
# The one test command. See --help.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1

usage() {
    cat <<EOF
usage: tests/run.sh [--all] [-L LABEL]...

Installs what the tests need, builds, tests, and ends with one line: N passed, N failed, N skipped. Exit code 0 when none failed.
The default leaves out the label "long", what the sanitizers would see twice, clang-tidy of the tests' own sources and its path-sensitive
analyzer; faults strike fewer numbers of ranks, and the sanitizers see one team of each kind. --all leaves out nothing and tests all of a debug
build and of clang's too.
-L LABEL, --label LABEL runs a part: style, unit, oracle, mpi, invariance, scripts, cli, report, faults, fuzz, nodes,
cluster, price, sanitize, long (tests/README.md).

MNIST is looked for in \$MNIST_DIR, ../shared/mnist, data/mnist; without it Fashion-MNIST serves, and tests of MNIST are skipped.
EOF
}

all= labels=
while [ $# -gt 0 ]; do
    case $1 in
    --all) all=yes ;;
    -L | --label)
        if [ $# -lt 2 ]; then
            echo "run.sh: $1 needs a label (--help explains)" >&2
            exit 2
        fi
        labels="$labels $2"
        shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "run.sh: unknown option $1 (--help explains)" >&2; exit 2 ;;
    esac
    shift
done

passed=0 failed=0 skipped=0 failures=
say() { echo "run.sh: $*"; }
finish() {
    [ -z "$failures" ] || say "failed:$failures"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}
fail() {
    failed=$((failed + 1))
    failures="$failures $1"
}

# wanted LABEL: asked for, or nothing in particular was asked for
wanted() {
    case " $labels " in
    '  ' | *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# asked LABEL: asked for by name
asked() {
    case " $labels " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# check NAME COMMAND...: one test of this script's own; its output is shown when it fails
check() {
    name=$1
    shift
    if "$@" >"$logs/$name.log" 2>&1; then
        passed=$((passed + 1))
        say "$name: passed"
    else
        say "$name: FAILED"
        tail -n 60 "$logs/$name.log"
        fail "$name"
    fi
}

# build PRESET [TARGET]: all of it, or what is needed of it
build() {
    preset=$1
    shift
    say "building $preset"
    if cmake --preset "$preset" >"$logs/build.$preset.log" 2>&1 &&
        cmake --build --preset "$preset" -j "$cores" ${1:+--target "$1"} >>"$logs/build.$preset.log" 2>&1; then
        return
    fi
    grep -E 'error|Error|FAILED' "$logs/build.$preset.log" | head -n 20
    say "the $preset build failed: $logs/build.$preset.log"
    fail "build.$preset"
    return 1
}

# become_ctest PRESET JOBS OPTIONS...: in a subshell, the tests of one build, for tell to count; by the command in $priority, if any
become_ctest() {
    preset=$1 jobs=$2
    shift 2
    report=$logs/ctest.$preset.xml
    rm -f "$report"
    say "testing $preset"
    exec ${priority-} ctest --test-dir "build/$preset" --no-tests=error --output-on-failure -j "$jobs" \
        --output-junit "$report" "$@" >"$logs/ctest.$preset.log" 2>&1
}

# tell PRESET CODE: lists and counts the tests of a ctest that ended with that exit code
tell() {
    preset=$1 code=$2
    report=$logs/ctest.$preset.xml
    # the list of tests, and the output of those that failed, without what programs say about what succeeded
    grep -vE '^ +Start +[0-9]|^\[ RUN|^\[       OK|^Internal ctest|^Test project|^$' "$logs/ctest.$preset.log"
    count() { sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$report" 2>/dev/null | head -n 1 | grep . || echo 0; }
    run=$(count tests) bad=$(count failures) left_out=$(($(count skipped) + $(count disabled)))
    [ $code = 0 ] || [ "$bad" != 0 ] || bad=1 run=$((run + 1)) # e.g. no tests at all
    passed=$((passed + run - bad - left_out))
    failed=$((failed + bad))
    skipped=$((skipped + left_out))
    failures="$failures $(sed -n "/The following tests FAILED/,\$s/^[[:space:]]*[0-9]* - \([^ ]*\).*/$preset:\1/p" \
        "$logs/ctest.$preset.log" | tr '\n' ' ')"
    failures=$(echo "$failures" | sed 's/ *$//')
}

run_ctest() {
    (become_ctest "$@")
    tell "$1" $?
}

find_mnist() {
    for directory in "${MNIST_DIR-}" "$root/../shared/mnist" "$root/data/mnist"; do
        [ -n "$directory" ] || continue
        for ending in .gz ''; do
            [ -e "$directory/train-images-idx3-ubyte$ending" ] || continue
            MNIST_DIR=$(CDPATH='' cd -- "$directory" && pwd)
            say "data: $MNIST_DIR"
            return
        done
    done
    MNIST_DIR=/usr/share/datasets/fashion-mnist
    say 'NO MNIST: using Fashion-MNIST; TESTS THAT NEED MNIST ARE SKIPPED (data/get-mnist.sh downloads it)'
}

sources() { find src include tests -name '*.[ch]'; }
formatted() { sources | xargs clang-format --dry-run -Werror; }
# What the release build compiles; other files need other definitions. By default our sources, each once (kernels are compiled for three
# instruction sets), without the path-sensitive analyzer, which is six sevenths of the time, and the slowest of the others.
tidy() {
    database=build/release checks=
    if [ -z "$all" ]; then
        database=$logs/once checks="--checks=-clang-analyzer-*,-bugprone-reserved-identifier"
        mkdir -p "$database" && /usr/bin/python3 tests/tools/compile_once.py build/release "$root/src/" "$database" || return
    fi
    sed -n 's/^ *"file": "\(.*\.c\)".*/\1/p' "$database/compile_commands.json" | sort -u |
        xargs -n 4 -P "$cores" clang-tidy -p "$database" --quiet $checks >"$logs/tidy" 2>/dev/null && return
    grep -A 2 'error:' "$logs/tidy" || cat "$logs/tidy"
    return 1
}
scripts_parse() {
    for script in .ci/run data/*.sh data/study/*.sh launch/*.sh tests/*.sh; do
        sh -n "$script" || return
    done
    shellcheck -x -S warning data/study/*.sh launch/*.sh launch/slurm/*.sbatch && shellcheck -s bash launch/slurm/work.sh launch/syncnorm.bash
}

if ! launch/install-deps.sh --tests ${all:+--torch --slurm --simgrid}; then
    fail install-deps
    finish
fi
cores=$(nproc)
logs=$root/build/test-logs
mkdir -p "$logs" || exit 1
find_mnist
export MNIST_DIR
# Tests that start mpirun themselves: as root, with more ranks than cores, in a chroot without /sys, which hwloc would mention
export OMPI_MCA_rmaps_base_oversubscribe=1
[ -d /sys/devices/system/cpu ] || export HWLOC_HIDE_ERRORS=2
export HWLOC_COMPONENTS=-gl # launch/quickstart.sh says why
export OPENBLAS_NUM_THREADS=1 # its threads spin for a while after each start, which is half of what a start without mpirun costs
[ -z "$all" ] || export SYNCNORM_THOROUGH=1 # tests/faults/jobs.py
export OMPI_MCA_pml=ob1 OMPI_MCA_osc=^ucx PMIX_MCA_gds=hash # no search for fast networks, nor memory for thousands of ranks: a third of each start
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

build release || finish
# Tests of faults run in their own build, which has the points where they inject them, and beside all else, since they mostly wait. They are ctests of
# their own, as the sanitizers' are; they end with this script.
mostly_waiting=$((2 * cores)) # for launchers, time-outs, locks
faulty= sanitized=
trap 'kill $faulty $sanitized 2>/dev/null' EXIT
trap 'exit 130' INT TERM
if wanted faults || wanted invariance || asked long; then # clang's bits, too
    build faults syncnorm && faults=built
fi
if [ -n "${faults-}" ] && { wanted faults || asked long; }; then
    part='-LE ^long$'
    [ -z "$all" ] || part=
    if asked long; then
        part='-L ^long$'
        ! asked faults || part=
    fi
    become_ctest faults $mostly_waiting -L '^faults$' $part &
    faulty=$!
fi
if wanted sanitize || wanted invariance; then
    build sanitize && sanitize=built
fi
if [ -n "$all" ] && wanted invariance; then
    build debug
    build clang
fi

if wanted style; then
    check style.format formatted
    check style.scripts scripts_parse
    check style.tidy tidy
fi

without='-LE ^(long|faults)$'
[ -z "$all" ] || without='-LE ^faults$'
pattern=
for label in $labels; do
    case $label in
    style | sanitize | faults) ;;
    cluster | price) without='-LE ^faults$' pattern="$pattern|^$label\$" ;;
    long) without='-LE ^faults$' pattern="$pattern|^long\$" ;;
    *) pattern="$pattern|^$label\$" ;;
    esac
done
# What matters under the sanitizers: everything that runs our code directly, not the programs that compare builds. By default without what goes
# the way of other tests: gradients, PyTorch's steps, exchanges of files with Python, all but one of the reports, the known data sets, and what replaces a
# file under all kinds of faults. They take what the others leave of the processors.
direct='-L ^(unit|oracle|mpi|report)$ -LE ^(invariance|cli|long)$'
if wanted sanitize && [ -n "${sanitize-}" ]; then
    twice='-E ^(oracle\.(test_step|exchange\..*)|report\.test_(page|report|fairness|figures|verdict|answer)|unit\.test_run_replace|mpi\.(known_set\..*|test_gradients\..*|test_batch_norm\.np[135]|test_(team|sum|pulse|dataset)\.np(1|2|5|20)))$'
    [ -z "$all" ] || twice=
    (priority='nice -n 10' && become_ctest sanitize "$cores" $direct $twice) &
    sanitized=$!
fi
if [ -z "$labels" ] || [ -n "$pattern" ]; then
    run_ctest release $mostly_waiting $without ${pattern:+-L "${pattern#|}"}
fi
if [ -n "$sanitized" ]; then
    wait "$sanitized"
    tell sanitize $?
fi
if [ -n "$faulty" ]; then
    wait "$faulty"
    tell faults $?
fi
trap - EXIT INT TERM
if [ -n "$all" ] && [ -z "$labels" ]; then
    run_ctest debug "$cores" $direct
    run_ctest clang "$cores" $direct
fi
finish
