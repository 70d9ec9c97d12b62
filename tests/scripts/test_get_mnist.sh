#!/bin/sh
# data/get-mnist.sh against made-up mirrors: file:// directories, so nothing here needs a network.
set -u
root=$1
. "$root/tests/scripts/lib.sh"
get=$root/data/get-mnist.sh
export MNIST_MIRRORS

run "$get" --help
expect 'help exits with 0' code_is 0
expect 'help explains' says 'usage: get-mnist.sh'
run "$get" --nonsense
expect 'an unknown option is wrong usage' code_is 2
run "$get" a b
expect 'two directories are wrong usage' code_is 2

mkdir "$work/wrong" "$work/cut"
for name in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    echo 'not the real thing' | gzip >"$work/wrong/$name.gz"
done

MNIST_MIRRORS="file://$work/nowhere"
run "$get" "$work/new"
expect 'no mirror answers: exit 1' code_is 1
expect 'one line says so' lines_are err 1
expect 'it names the mirror' says "file://$work/nowhere (no answer)"
expect 'nothing is left behind' [ -z "$(ls -A "$work/new")" ]

MNIST_MIRRORS="file://$work/wrong"
run "$get" "$work/new"
expect 'wrong contents: exit 1' code_is 1
expect 'one line says so' says '(wrong contents)'
expect 'nothing wrong is kept' [ -z "$(ls -A "$work/new")" ]

run "$get" /proc/nowhere
expect 'a directory that cannot be: exit 1' code_is 1
expect 'in one line' lines_are err 1

# The rest needs the real files.
if ! [ -e "${MNIST_DIR-}/train-images-idx3-ubyte.gz" ] ||
    ! gzip -dc "$MNIST_DIR/t10k-labels-idx1-ubyte.gz" | sha256sum | grep -q ^ff7bcfd416de; then
    echo 'SKIPPED in part: no MNIST in $MNIST_DIR'
    [ $failures = 0 ] && exit 77
    exit 1
fi

MNIST_MIRRORS="file://$work/nowhere file://$work/wrong file://$MNIST_DIR"
run "$get" "$work/new"
expect 'the third mirror has it: exit 0' code_is 0
expect 'four files, nothing else' [ "$(ls -A "$work/new" | wc -l)" = 4 ]
expect 'the same as there' cmp "$work/new/t10k-images-idx3-ubyte.gz" "$MNIST_DIR/t10k-images-idx3-ubyte.gz"

MNIST_MIRRORS="file://$work/nowhere"
run "$get" "$work/new"
expect 'what is right is kept, without any mirror' code_is 0

echo garbage >>"$work/new/t10k-labels-idx1-ubyte.gz"
run "$get" "$work/new"
expect 'a damaged file is not taken for right' code_is 1
MNIST_MIRRORS="file://$MNIST_DIR"
run "$get" "$work/new"
expect 'and is replaced' cmp "$work/new/t10k-labels-idx1-ubyte.gz" "$MNIST_DIR/t10k-labels-idx1-ubyte.gz"

gunzip "$work/new/t10k-images-idx3-ubyte.gz"
MNIST_MIRRORS="file://$work/nowhere"
run "$get" "$work/new"
expect 'plain files will do' code_is 0
echo >>"$work/new/t10k-images-idx3-ubyte"
run "$get" "$work/new"
expect 'a wrong plain file, which would be read first, is an error' code_is 1
expect 'that names it' says 't10k-images-idx3-ubyte is not MNIST'

[ $failures = 0 ]
