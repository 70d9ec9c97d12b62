#!/bin/sh
# Compiler flags: those that change bits of results are refused, all others are recorded.
# test_flags.sh ROOT COMPILER...: a single file is compiled, and one build is configured.
set -u
root=$1
shift
. "$root/tests/scripts/lib.sh"

for flag in -ffast-math -Ofast -funsafe-math-optimizations -fassociative-math -freciprocal-math -ffinite-math-only -fno-signed-zeros \
    -fno-honor-nans -fapprox-func -fsingle-precision-constant -ffp-contract=fast -ffp-model=fast -mfpmath=387 -mfpmath=sse,387 \
    -fdenormal-fp-math=preserve-sign; do
    run cmake "-DFLAGS=-g $flag -O2" -P "$root/src/base/arithmetic_flags.cmake"
    expect "configuring refuses $flag" code_is 1
    expect "and names it" says "compiled with $flag"
done
for flags in -O3 -march=native '-g -frounding-math' '-fno-math-errno -Wall' -ffp-contract=off -fno-fast-math; do
    run cmake "-DFLAGS=$flags" -P "$root/src/base/arithmetic_flags.cmake"
    expect "configuring takes $flags" code_is 0
done

# The header that every file is compiled with, in case flags come another way (a wrapper of the compiler, a file's own options)
for compiler in "$@"; do
    known='-ffast-math -Ofast -ffinite-math-only'
    "$compiler" -dM -E -x c /dev/null | grep -q __clang__ ||
        known="$known -funsafe-math-optimizations -freciprocal-math -fno-signed-zeros -mfpmath=387"
    for flag in $known; do
        run "$compiler" -std=gnu17 -O2 -D_GNU_SOURCE "$flag" "-I$root/include" -include "$root/include/syncnorm/base/arithmetic.h" \
            -c "$root/src/base/elementary.c" -o "$work/out.o"
        expect "$compiler: $flag does not compile" code_is 1
        expect 'and the reason is a sentence' says 'syncnorm must not be compiled'
    done
done

# A build: CFLAGS=-ffast-math is refused before anything is looked for, harmless ones are what provenance records
run env "CFLAGS=-O2 -ffast-math" cmake -S "$root" -B "$work/refused" -DSYNCNORM_TESTS=OFF
expect 'CFLAGS=-ffast-math cannot be configured' code_is 1
expect 'which a sentence says' says 'syncnorm must not be compiled with -ffast-math'
run env 'CFLAGS=-fno-plt -DMARK=\"x\"' cmake -S "$root" -B "$work/build" -DSYNCNORM_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
expect 'other CFLAGS can' code_is 0
run cmake --build "$work/build" --target sn_build_info
expect 'what was built from is written' code_is 0
cat "$work/build/src/base/build.c" >"$work/out"
expect 'with all flags, CFLAGS first' says '.flags = "-fno-plt -DMARK=\\\"x\\\" -O2 -DNDEBUG -std=gnu17 -ffp-contract=off -fno-math-errno"'
[ $failures = 0 ]
