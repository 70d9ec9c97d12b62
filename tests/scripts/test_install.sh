#!/bin/bash
# cmake --install into a prefix: what is there works by itself, and says what --help says. bash, for its completion.
set -u
root=$1 build=$2
. "$root/tests/scripts/lib.sh"
prefix=$work/prefix program=$work/prefix/bin/syncnorm

run cmake --install "$build" --prefix "$prefix"
expect 'it installs' code_is 0
for file in bin/syncnorm bin/syncnorm-get-mnist share/man/man1/syncnorm.1 share/syncnorm/hosts.sh share/syncnorm/scaling.sh share/syncnorm/slurm/work.sh share/syncnorm/slurm/study.sbatch share/modulefiles/syncnorm share/doc/syncnorm/README.md \
    share/bash-completion/completions/syncnorm; do
    expect "$file is there" [ -s "$prefix/$file" ]
done
expect 'the module file names the prefix' grep -q "PATH \"$prefix/bin\"" "$prefix/share/modulefiles/syncnorm"
run env -i PATH=/usr/bin:/bin "$program" summary
expect 'it runs' code_is 0

# every command has a manual page, which has every option of --help and is free of complaints
commands=$("$program" --help-words)
expect 'seven commands' [ "$(wc -w <<<"$commands")" = 7 ]
for command in $commands; do
    page=$prefix/share/man/man1/syncnorm-$command.1
    "$program" "$command" --help | grep -oE '^ +(-.,)? *--[a-z0-9-]+' | grep -oE -e '--[a-z0-9-]+' | sort >"$work/help"
    sed -nE 's/^(\\fB\\-.\\fR, )?\\fB\\-\\-([^ ]*)\\fR.*/--\2/p' "$page" | sed 's/\\//g' | sort >"$work/page"
    expect "$command: the page has the options of --help" diff "$work/help" "$work/page"
    run groff -man -Tutf8 -ww -z "$page"
    expect "$command: groff finds no fault" lines_are err 0
done

# completion: complete WORD... as if the last were being typed
PATH=$prefix/bin:$PATH
. "$prefix/share/bash-completion/completions/syncnorm"
compopt() { :; } # outside of a real completion it refuses
complete_words() {
    COMP_WORDS=(syncnorm "$@") COMP_CWORD=$#
    _syncnorm
    echo "${COMPREPLY[*]}"
}
is() { [ "$1" = "$2" ] || { echo "    '$1' is not '$2'"; false; }; }
expect 'commands' is "$(complete_words s)" 'study summary'
expect 'options' is "$(complete_words train --sh)" '--shards'
expect 'of the command alone' is "$(complete_words bench --sh)" ''
expect 'values' is "$(complete_words train --norm '')" 'gn ln rms bn in none'
expect 'values behind =' is "$(complete_words train --conv = g)" 'gemm'
expect 'words alone, not what they stand for' is "$(complete_words study --bn-scope '')" 'sync worker'
mkdir "$work/here" "$work/here/runs"
touch "$work/here/a.h5" "$work/here/b.txt"
cd "$work/here" || exit 1
expect 'run files and directories' is "$(complete_words report '')" 'runs a.h5'
expect 'directories' is "$(complete_words train --data '')" 'runs'

run groff -man -Tutf8 -ww -z "$prefix/share/man/man1/syncnorm-get-mnist.1"
expect "get-mnist: the page, too" lines_are err 0
run env MNIST_MIRRORS="file://$work/nowhere" XDG_DATA_HOME="$work/xdg" syncnorm-get-mnist
expect 'get-mnist takes the place where syncnorm looks' [ -d "$work/xdg/syncnorm/mnist" ]
expect 'and says its name' says 'syncnorm-get-mnist: '

# what was installed is removed by its list
find "$prefix" -type f | sort >"$work/installed"
expect 'the list of what was installed is all of it' diff "$work/installed" <(sort "$build/install_manifest.txt")

# A package, into a system of its own
run env DEBEMAIL=someone@debian.org cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/package"
expect 'cpack makes a package' code_is 0
package=$(echo "$work"/package/syncnorm_*.deb)
run lintian --allow-root --fail-on error "$package"
expect 'lintian finds no error' code_is 0
mkdir -p "$work/system/var/lib/dpkg/info" "$work/system/var/lib/dpkg/updates"
: >"$work/system/var/lib/dpkg/status"
as_root() { # or as if: a user may well unpack into a directory of his own
    dpkg --root="$work/system" --log="$work/dpkg.log" --force-not-root,depends "$@"
}
run as_root --install "$package"
expect 'it is installed' code_is 0
run env -i PATH=/usr/bin:/bin "$work/system/usr/bin/syncnorm" summary
expect 'and runs' code_is 0
run as_root --purge syncnorm
expect 'it is removed' code_is 0
expect 'and leaves nothing' [ -z "$(find "$work/system" -path '*/var/lib/dpkg*' -o -type f -print)" ]

[ $failures = 0 ]
