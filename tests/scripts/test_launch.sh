#!/bin/sh
# launch/: options and errors, without installing, building or training anything.
set -u
root=$1
. "$root/tests/scripts/lib.sh"

for script in install-deps quickstart hosts scaling; do
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

run "$root/launch/scaling.sh" --ranks '1 x'
expect 'scaling: ranks are numbers' says 'x is no number of ranks'
run "$root/launch/scaling.sh" --hosts /nowhere/hosts
expect 'scaling: over hosts the ranks are not known' says '--ranks must be given'
run "$root/launch/scaling.sh" --norms ' '
expect 'scaling: no norm is wrong usage' code_is 2
run "$root/launch/scaling.sh" --norms 'gn foo'
expect 'scaling: norms are known ones' says 'foo is not gn, ln, rms or bn'
run "$root/launch/scaling.sh" --ranks 100000
expect 'scaling: ranks have a core each' says '100000 are more than'

# A stand-in for the program, on this machine alone: what is wrong with the launch is a sentence
program=$work/program
printf '#!/bin/sh\n[ "$1" = wait ] || exit "$1"\ntrap "exit 75" USR2\n: >"%s/waits"\nwhile :; do sleep 0.1; done\n' "$work" >"$program"
chmod +x "$program"
export SYNCNORM="$program" OMPI_MCA_hwloc_base_binding_policy=none
unset OMPI_MCA_rmaps_base_oversubscribe
hosts=$root/launch/hosts.sh
refused() {
    expect "hosts: $1: fails" [ "$code" != 0 ]
    expect "hosts: $1: says so" says "$2"
    expect "hosts: $1: in one line" lines_are err 1
}
echo 'localhost slots=1' >"$work/hosts"
: >"$work/empty"
printf 'localhost slots=1\r\n' >"$work/crlf"
echo 'nowhere.invalid slots=1' >"$work/nowhere"
run "$hosts" "$work/empty" 0
refused 'an empty hostfile' 'names no host'
run "$hosts" "$work/crlf" 0
refused 'lines as of Windows' 'crlf: line 1 is not "HOST slots=N"'
run "$hosts" --per-host 2 "$work/hosts" 0
refused 'more ranks than slots' 'fewer slots than are asked for'
run "$hosts" --ranks 2 "$work/hosts" 0
refused 'more ranks in all than slots' 'fewer slots than are asked for'
run "$hosts" "$work" 0
refused 'a directory' 'cannot be read'
run env OMPI_MCA_plm_rsh_agent=false "$hosts" "$work/nowhere" 0
refused 'a host out of reach' 'cannot be reached by ssh'
run env SYNCNORM=/nowhere/syncnorm "$hosts" "$work/hosts" 0
refused 'no program' 'has no program /nowhere/syncnorm that can be run'
run "$hosts" "$work/hosts" 1
refused 'a failure without a word' 'neither mpirun nor syncnorm said why'
run "$hosts" "$work/hosts" 0
expect 'hosts: a success says nothing' lines_are err 0
ln -s "$root/launch/hosts.sh" "$work/link"
run "$work/link" "$work/hosts" 0
expect 'hosts: by a symbolic link' code_is 0
"$hosts" "$work/hosts" wait >"$work/out" 2>"$work/err" &
job=$!
while [ ! -e "$work/waits" ] && kill -0 $job 2>/dev/null; do sleep 0.1; done
kill -HUP $job
wait $job
code=$?
expect 'hosts: HUP lets it save and end' code_is 75
expect 'hosts: and says how it goes on' says 'stopped, with everything saved'

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
