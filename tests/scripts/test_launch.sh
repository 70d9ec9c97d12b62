#!/bin/sh
# launch/: options and errors, without installing, building or training anything.
set -u
root=$1
. "$root/tests/scripts/lib.sh"

for script in install-deps quickstart hosts; do
    run "$root/launch/$script.sh" --help
    expect "$script: help exits with 0" code_is 0
    expect "$script: help explains" says "usage: $script.sh"
    run "$root/launch/$script.sh" --nonsense
    expect "$script: an unknown option is wrong usage" code_is 2
    expect "$script: in one line" lines_are err 1
done

run "$root/launch/hosts.sh" /nowhere/hosts train
expect 'hosts: no hostfile is wrong usage' code_is 2
expect 'hosts: which is named' says '/nowhere/hosts: cannot be read'
run "$root/launch/hosts.sh" --per-host x "$0" train
expect 'hosts: a number of ranks must be one' code_is 2

run "$root/launch/install-deps.sh" --tests
expect 'install-deps: nothing to do when all is there' code_is 0
expect 'install-deps: and nothing said' lines_are err 0

# A system without apt: only what the script itself needs
mkdir "$work/bin"
for tool in sh env dirname cat id; do ln -s "$(command -v $tool)" "$work/bin/"; done
run env PATH="$work/bin" "$root/launch/install-deps.sh"
expect 'install-deps: not Debian: exit 1' code_is 1
expect 'install-deps: one line that names what to install' says 'not a Debian-like system'
expect 'install-deps: and only one' lines_are err 1

# Debian without root and sudo, and a package missing
for tool in mktemp rm grep tail; do ln -s "$(command -v $tool)" "$work/bin/"; done
printf '#!/bin/sh\nexit 1\n' | tee "$work/bin/dpkg-query" >"$work/bin/apt-get"
printf '#!/bin/sh\necho 1000\n' >"$work/id"
chmod +x "$work/bin/dpkg-query" "$work/bin/apt-get" "$work/id"
ln -sf "$work/id" "$work/bin/id"
run env PATH="$work/bin" "$root/launch/install-deps.sh"
expect 'install-deps: neither root nor sudo: exit 1' code_is 1
expect 'install-deps: says so' says 'needs root or sudo to install: gcc'

# apt-get that fails, as root
printf '#!/bin/sh\necho 0\n' >"$work/id"
printf '#!/bin/sh\necho "E: no such archive"\nexit 100\n' >"$work/bin/apt-get"
run env PATH="$work/bin" "$root/launch/install-deps.sh"
expect 'install-deps: apt-get fails: exit 1' code_is 1
expect 'install-deps: with its own words' says 'apt-get failed: E: no such archive'

for wrong in '--epochs 0' '--epochs x' '--epochs' '--np -1' '--np=' '--np 1.5' '--data' 'stray'; do
    run "$root/launch/quickstart.sh" $wrong
    expect "quickstart: $wrong is wrong usage" code_is 2
done

[ $failures = 0 ]
