# shellcheck shell=sh disable=SC2154
# For the scripts beside this file, which have `here` and wrong_usage: sets `program`, from SYNCNORM, of the checkout, installed, or in PATH.
program=${SYNCNORM-}
for candidate in "$here/../build/release/syncnorm" "$here/../../bin/syncnorm"; do
    [ -n "$program" ] || [ ! -x "$candidate" ] || program=$(CDPATH='' cd -- "$(dirname -- "$candidate")" && pwd)/syncnorm
done
[ -n "$program" ] || program=$(command -v syncnorm) || wrong_usage 'there is no syncnorm: build it, or name it in SYNCNORM'
