#!/bin/sh
# Downloads MNIST from public mirrors and verifies it. See --help.
set -u

me=$(basename -- "$0")
case $me in
syncnorm-*) default=${XDG_DATA_HOME:-${HOME:-}/.local/share}/syncnorm/mnist ;; # installed: where syncnorm looks for it
*) default=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/mnist ;;
esac

usage() {
    cat <<EOF
usage: $me [DIRECTORY]

Downloads the four files of MNIST (11 MB) into DIRECTORY (default: $default), each from the first
mirror that has it, and verifies the SHA-256 of what is in them. Files that are there and right are kept. Needs curl or wget.
Exit code 0 when all four are there and right, else 1.

MNIST_MIRRORS in the environment: other mirrors, separated by spaces.
EOF
}

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) echo "$me: unknown option $1 (--help explains)" >&2; exit 2 ;;
esac
if [ $# -gt 1 ]; then
    echo "$me: one directory at most (--help explains)" >&2
    exit 2
fi
directory=${1:-$default}

# The first three are fast; the last is where it all came from.
mirrors=${MNIST_MIRRORS:-https://ossci-datasets.s3.amazonaws.com/mnist
    https://storage.googleapis.com/cvdf-datasets/mnist
    https://raw.githubusercontent.com/fgnt/mnist/master
    http://yann.lecun.com/exdb/mnist}

# SHA-256 of the contents after gunzip
files='
train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'

fail() {
    echo "$me: $*" >&2
    exit 1
}

# plain_is SUM FILE: FILE has that sum
plain_is() { sha256sum <"$2" | grep -q "^$1"; }

# gzip_is SUM FILE: FILE is a sound gzip file, nothing behind it, and its contents have that sum
gzip_is() { gzip -t <"$2" 2>/dev/null && gzip -dc <"$2" | sha256sum | grep -q "^$1"; }

# fetch URL FILE: quietly; at most 5 s to connect and 2 minutes in all
if command -v curl >/dev/null; then
    fetch() { curl -fsL --connect-timeout 5 --max-time 120 --speed-limit 1024 --speed-time 15 -o "$2" "$1" 2>/dev/null; }
elif command -v wget >/dev/null; then
    fetch() { timeout 120 wget -q --tries=1 --dns-timeout=5 --connect-timeout=5 --read-timeout=15 -O "$2" "$1" 2>/dev/null; }
else
    fail "neither curl nor wget is installed"
fi

mkdir -p "$directory" 2>/dev/null || fail "cannot create $directory"
[ -w "$directory" ] || fail "cannot write to $directory"
part=$directory/.download.$$
trap 'rm -f "$part"' EXIT
trap 'exit 1' INT TERM HUP

# get NAME SUM: NAME.gz from the first mirror that has it. A mirror that fails once is not asked again.
get() {
    tried=
    for mirror in $mirrors; do
        url=$mirror/$1.gz
        if ! fetch "$url" "$part"; then
            tried="$tried, $mirror (no answer)"
        elif ! gzip_is "$2" "$part"; then
            tried="$tried, $mirror (wrong contents)"
        elif mv -f "$part" "$directory/$1.gz"; then
            echo "$me: $1.gz from $mirror"
            return
        else
            fail "cannot write $directory/$1.gz"
        fi
        mirrors=$(for other in $mirrors; do [ "$other" = "$mirror" ] || echo "$other"; done)
    done
    fail "$1.gz could not be downloaded: ${tried#, }"
}

echo "$files" | {
    while read -r name sum; do
        [ -n "$name" ] || continue
        if [ -e "$directory/$name" ]; then
            plain_is "$sum" "$directory/$name" ||
                fail "$directory/$name is not MNIST's and would be read before $name.gz: remove it"
        elif ! { [ -e "$directory/$name.gz" ] && gzip_is "$sum" "$directory/$name.gz"; }; then
            get "$name" "$sum"
        fi
    done
} || exit 1
echo "$me: MNIST is complete in $directory"
