# Scopes and grants, which glass reads from the ledger; all other words come from `_glass`.
_glass_names() {
    local name
    local -a words=("${COMP_WORDS[@]:1:COMP_CWORD-1}" "$2") kept=()
    COMPREPLY=()
    if [[ $2 != -* ]]; then
        # The glass on PATH, not the word that was typed: TAB runs nothing of this directory.
        while IFS=$'\t' read -r name _; do
            COMPREPLY+=("$name")
        done < <(command glass __complete -- "${words[@]}" 2>/dev/null </dev/null)
    fi
    ((${#COMPREPLY[@]})) && return
    _glass "$@"
    # `<SCOPE>` and `[GRANT]` are no words to type.
    for name in "${COMPREPLY[@]}"; do
        [[ $name == [\<\[]* ]] || kept+=("$name")
    done
    COMPREPLY=("${kept[@]}")
}

complete -F _glass_names -o nosort -o bashdefault -o default glass
