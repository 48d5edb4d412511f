# Scopes and grants, which glass reads from the ledger; all other words come from the above.
function __glass_finds_names
    set -l word (commandline -ct)
    set -g __glass_names
    string match -q -- '-*' "$word"; and return 1
    set -l before (commandline -opc)
    # The glass on PATH, not the word that was typed: TAB runs nothing of this directory.
    set __glass_names (command glass __complete -- $before[2..] "$word" 2>/dev/null </dev/null)
    test (count $__glass_names) -gt 0
end
complete -c glass -n __glass_finds_names -f -a '$__glass_names'
