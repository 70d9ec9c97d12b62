# bash completion of syncnorm. Commands, options and their values come from the program itself, so they are those of the one that is called.

# _syncnorm_values ARGUMENT WORD: what --help calls the argument, as words: "gn|ln|bn", DIR, FILE.h5, RUN.h5..., N
_syncnorm_values() {
    case $1 in
    DIR*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
    *.h5*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$2"; compgen -f -X '!*.h5' -- "$2") ;;
    FILE*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    *'|'*) # words alone: N, dirichlet:A and the like are for the user to think of
        local words word
        for word in ${1//|/ }; do
            [[ $word == *[A-Z]* ]] || words+=" $word"
        done
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2") ;;
    esac
}

_syncnorm() {
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    program=${program/#~\//$HOME/}
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --help-words 2>/dev/null) --help --version" -- "$current")
        return
    fi
    local options
    options=$("$program" "$command" --help-words 2>/dev/null) || return
    if [ "$current" = = ]; then # --norm=, of which bash makes words
        current=
    elif [ "$before" = = ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local name argument operands=
    while IFS=$'\t' read -r name argument; do
        [ "$name" != - ] || operands=$argument
        if [ "$name" = "$before" ] && [ -n "$argument" ]; then
            _syncnorm_values "$argument" "$current"
            return
        fi
    done <<<"$options"
    case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$options" | grep -v '^-$')" -- "$current") ;;
    *) [ -z "$operands" ] || _syncnorm_values "$operands" "$current" ;;
    esac
}
complete -F _syncnorm syncnorm
