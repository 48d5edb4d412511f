# Scopes and grants, which glass reads from the ledger; all other words come from the above.
functions[_glass_words]=$functions[_glass]
_glass() {
    local line
    local -a names shown
    if [[ $PREFIX != -* ]]; then
        # The glass on PATH, not the word that was typed: TAB runs nothing of this directory.
        command glass __complete -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null |
            while IFS= read -r line; do
                names+=("${line%%$'\t'*}")
                shown+=("${line/$'\t'/ -- }")
            done
    fi
    if (( $#names )); then
        compadd -l -d shown -a names
    else
        _glass_words "$@"
    fi
}

if [ "$funcstack[1]" = "_glass" ]; then
    _glass "$@"
else
    compdef _glass glass
fi
