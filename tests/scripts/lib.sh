# A few words for tests of scripts; sourced.

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

# expect WHAT CONDITION...: a claim
expect() {
    what=$1
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "FAILED: $what"
        sed 's/^/    /' "$work/out" "$work/err" 2>/dev/null
        failures=$((failures + 1))
    fi
}

# run COMMAND...: sets code; output in $work/out and $work/err
run() {
    "$@" >"$work/out" 2>"$work/err"
    code=$?
}

code_is() { [ "$code" = "$1" ]; }
says() { grep -qF -- "$1" "$work/out" "$work/err"; }
lines_are() { [ "$(wc -l <"$work/$1")" = "$2" ]; }
