#!/bin/sh
# syncnorm over a list of hosts, by Open MPI's mpirun with the settings that matter there. See --help.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
newline='
'
grace=15 # seconds for mpirun to end when syncnorm has given the job up

usage() {
    cat <<EOF
usage: hosts.sh [--per-host N] [--ranks N] [--interface NAME|NETWORK] [--] HOSTFILE COMMAND [OPTION...]

Runs "syncnorm COMMAND OPTION..." on the hosts of HOSTFILE ("node1 slots=16", a line each), which must be reachable by ssh, see the
same program and, for a study, share the directory of its --output.

  --per-host N          ranks on each host (default: its slots)
  --ranks N             ranks in all (default: as many as the hosts take)
  --interface NAME      network for MPI, e.g. eth1 or 10.1.0.0/16 (default: what Open MPI finds)

Each rank is bound to a core and has one BLAS thread. A host or link that is lost ends the job within seconds. TERM, INT, HUP, QUIT and
USR2 let it save and end with 75; USR1 lets it save. The same command goes on from the last save, also on other hosts.

SYNCNORM in the environment: the program. MNIST_DIR, XDG_DATA_HOME, SYNCNORM_SHARED_MEMORY and SYNCNORM_ISA hold on all hosts. Exit codes: syncnorm's, or mpirun's with a sentence.
EOF
}

say() { echo "hosts.sh: $*" >&2; }
wrong_usage() {
    say "$* (--help explains)"
    exit 2
}

per_host='' ranks='' interface=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    --per-host | --ranks | --interface)
        [ -n "${2-}" ] || wrong_usage "$1 needs a value"
        if [ "$1" = --interface ]; then
            interface=$2
        else
            case $2 in *[!0-9]* | 0*) wrong_usage "$1 needs a positive number, not $2" ;; esac
            case $1 in --ranks) ranks=$2 ;; *) per_host=$2 ;; esac
        fi
        shift 2 ;;
    --) shift; break ;;
    -*) wrong_usage "unknown option $1" ;;
    *) break ;;
    esac
done
[ $# -ge 2 ] || wrong_usage 'a hostfile and a command are needed'
hostfile=$1
shift
{ [ -r "$hostfile" ] && [ ! -d "$hostfile" ]; } || wrong_usage "$hostfile: cannot be read"
grep -q '^[[:space:]]*[^#[:space:]]' "$hostfile" || wrong_usage "$hostfile: names no host"

# shellcheck source=launch/program.sh
. "$here/program.sh"
command -v mpirun >/dev/null || wrong_usage 'there is no mpirun in PATH'
case $(mpirun --version 2>&1) in
*'Open MPI'* | *OpenRTE*) ;;
*) wrong_usage "the mpirun in PATH is not Open MPI's, whose options these are: start syncnorm by your MPI's own launcher" ;;
esac

if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# Without keepalive a lost link is silence.
set -- "$program" "$@"
for name in MNIST_DIR XDG_DATA_HOME SYNCNORM_SHARED_MEMORY SYNCNORM_ISA; do # mpirun passes on what it is told to
    if printenv "$name" >/dev/null; then set -- -x "$name" "$@"; fi
done
[ -z "$interface" ] || set -- --mca btl_tcp_if_include "$interface" --mca oob_tcp_if_include "$interface" "$@"
[ -z "$ranks" ] || set -- -np "$ranks" "$@"
[ -z "$per_host" ] || set -- --map-by "ppr:$per_host:node" "$@"
set -- mpirun --hostfile "$hostfile" --bind-to core -x OPENBLAS_NUM_THREADS=1 \
    --mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3 "$@"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkfifo "$work/errors" || exit 1

# In a session of its own: Ctrl-C would let mpirun kill the ranks before they have saved.
job=
trap '[ ! "$job" ] || kill -USR2 $job 2>/dev/null' TERM INT HUP QUIT USR2
trap '[ ! "$job" ] || kill -USR1 $job 2>/dev/null' USR1
setsid "$@" 2>"$work/errors" &
job=$!

# What mpirun says between two lines of dashes, in a sentence where it is an essay.
tell_mpirun() {
    value() { printf '%s' "$frame" | sed -n "s/^ *$1 *//p" | head -n 1; }
    case $frame in
    '' | *'non-zero exit code'* | *'non-zero status'* | *'MPI_ABORT was invoked'*) frame=; return ;; # a rank has explained it
    *'internal error has occurred in ORTE'*) frame=; return ;; # follows from what was said before
    *'not enough slots'*) say "$hostfile has fewer slots than are asked for by --per-host or --ranks" ;;
    *'more'*'processes than cpus on a resource'*)
        say "$(value Node:) has fewer cores than slots in $hostfile: each rank is bound to a core of its own" ;;
    *'parse error in the hostfile'*)
        say "$hostfile: line $(printf '%s' "$frame" | sed -n 's/.*line number \([0-9]*\).*/\1/p') is not \"HOST slots=N\"" ;;
    *'unable to reliably start'*) say "a host of $hostfile cannot be reached by ssh, or has no Open MPI in PATH" ;;
    *'could not access'*'execute an executable'*) say "$(value Node:) has no program $(value Executable:) that can be run" ;;
    *'TCP networks specified'* | *'No network interfaces were found'* | *'invalid value was given for'*'tcp_if_include'*)
        say "a host has no network $interface (--interface)" ;;
    *) printf '%s' "$frame" | sed 's/^/mpirun: /' >&2 ;;
    esac
    frame=
    : >"$work/said"
}

# Passes on what is said. When a rank has given the job up, mpirun may still wait for a host that is gone.
{
    trap '' HUP INT QUIT TERM USR1 USR2 # they may be sent to the whole group
    frame='' framed=''
    while IFS= read -r line || [ "$line" ]; do
        case $line in
        ------------------------------------------------------------*)
            if [ "$framed" ]; then framed=; else framed=yes; fi
            tell_mpirun
            continue ;;
        *'more process'*'sent help message'* | *'"orte_base_help_aggregate" to 0'* | *ORTE_ERROR_LOG* | \
            *'total processes failed to start' | mpirun:*'Forwarding signal'*) continue ;;
        syncnorm:*'ending the job'*) (sleep $grace; [ ! -e "$work" ] || kill -KILL $job 2>/dev/null) </dev/null >/dev/null 2>&1 & ;;
        esac
        if [ "$framed" ]; then
            [ -z "$line" ] || frame=$frame$line$newline
        else
            printf '%s\n' "$line" >&2
            case $line in 'syncnorm: warning:'*) ;; syncnorm*:*) : >"$work/said" ;; esac
        fi
    done
    tell_mpirun
} <"$work/errors" &
reader=$!

wait $job
code=$?
while kill -0 $job 2>/dev/null; do # a signal interrupted the wait
    wait $job
    code=$?
done
trap '' TERM INT HUP QUIT USR1 USR2
wait $reader

again='the same command goes on from the last save'
case $code in
0) ;;
1 | 2) [ -e "$work/said" ] || say "ended with exit code $code, and neither mpirun nor syncnorm said why" ;;
75) say "stopped, with everything saved: $again" ;;
9 | 134 | 135 | 137 | 139 | 143) say "a rank or mpirun was killed (exit code $code): out of memory, or by somebody; $again" ;;
205 | 213) say "a host or the link to it was lost (exit code $code): take it out of $hostfile, and $again" ;;
*) [ -e "$work/said" ] || say "mpirun could not start or hold the job (exit code $code)" ;;
esac
exit $code
