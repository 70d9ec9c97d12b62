#!/bin/sh
# What syncnorm is built on: found in a prefix of the user's without pkg-config; what is missing is said all at once.
set -u
root=$1
. "$root/tests/scripts/lib.sh"

# configure OPTION...: in a new directory, without pkg-config
configure() {
    rm -rf "$work/build"
    run cmake -S "$root" -B "$work/build" -DSYNCNORM_TESTS=OFF -DPKG_CONFIG_EXECUTABLE=/nowhere "$@"
}
cached() { grep -q "^$1:[A-Z]*=$2\$" "$work/build/CMakeCache.txt"; }

configure -DSYNCNORM_TESTS=ON
expect 'pkg-config is not needed, not for the tests either' code_is 0
expect 'which are there' [ -e "$work/build/tests/unit/CTestTestfile.cmake" ]

header=$(echo '#include <xxhash.h>' | cc -M -xc - | grep -o '[^ ]*/xxhash\.h')
library=$(cc -print-file-name=libxxhash.so)
mkdir -p "$work/my own/include" "$work/my own/lib"
ln -s "$header" "$work/my own/include/"
ln -s "$(realpath "$library")" "$work/my own/lib/libxxhash.so"
configure "-DCMAKE_PREFIX_PATH=$work/my own"
expect 'a prefix of the user: exit 0' code_is 0
expect 'its library comes before the system' cached XXHASH_LIBRARY "$work/my own/lib/libxxhash.so"
expect 'and its header' cached XXHASH_INCLUDE_DIR "$work/my own/include"
configure "-DXXHASH_ROOT=$work/my own"
expect 'NAME_ROOT is such a prefix' cached XXHASH_LIBRARY "$work/my own/lib/libxxhash.so"

configure "-DCMAKE_IGNORE_PATH=/usr/include;/usr/include/$(cc -print-multiarch);$(dirname "$(realpath "$library")");/usr/lib/$(cc -print-multiarch);/usr/lib"
expect 'without libraries: exit 1' code_is 1
for what in zlib OPENBLAS XXHASH JANSSON PNG RANDOM123; do
    expect "$what is a line: Debian, Spack, variable" grep -qE "^    $what.*: Debian .*; Spack .*; or -D" "$work/err"
done

[ $failures = 0 ]
