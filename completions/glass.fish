# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_glass_global_optspecs
    string join \n home= color= v/verbose q/quiet format= h/help V/version
end

function __fish_glass_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_glass_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_glass_using_subcommand
    set -l cmd (__fish_glass_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c glass -n "__fish_glass_needs_command" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_needs_command" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_needs_command" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_needs_command" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_needs_command" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_needs_command" -f -a "init" -d 'Make a home: ledger, key, first person, sample playbook'
complete -c glass -n "__fish_glass_needs_command" -f -a "register" -d 'Show what changed in settings and playbooks, and sign it'
complete -c glass -n "__fish_glass_needs_command" -f -a "playbook" -d 'Look at playbooks'
complete -c glass -n "__fish_glass_needs_command" -f -a "activate" -d 'Open a scope, for a limited time, under your signature'
complete -c glass -n "__fish_glass_needs_command" -f -a "approve" -d 'Sign what another person asked for or began'
complete -c glass -n "__fish_glass_needs_command" -f -a "deny" -d 'Say no to what another person asked for'
complete -c glass -n "__fish_glass_needs_command" -f -a "withdraw" -d 'Take your own request back'
complete -c glass -n "__fish_glass_needs_command" -f -a "request" -d 'Look at what waits for signatures, or take it to another machine'
complete -c glass -n "__fish_glass_needs_command" -f -a "record" -d 'Tell of an emergency that was done outside glass; another person signs it too'
complete -c glass -n "__fish_glass_needs_command" -f -a "status" -d 'What is open, and what is owed'
complete -c glass -n "__fish_glass_needs_command" -f -a "review" -d 'Judge what was opened: the queue, or one grant'
complete -c glass -n "__fish_glass_needs_command" -f -a "exec" -d 'Run a command with a grant\'s outputs in its environment; recorded'
complete -c glass -n "__fish_glass_needs_command" -f -a "shell" -d 'Work in a shell with a grant\'s outputs in its environment; recorded'
complete -c glass -n "__fish_glass_needs_command" -f -a "extend" -d 'Let a grant of yours end later, within its scope\'s maximum'
complete -c glass -n "__fish_glass_needs_command" -f -a "revoke" -d 'End a grant now'
complete -c glass -n "__fish_glass_needs_command" -f -a "attest" -d 'Sign, as one of two people, that a grant was closed by hand'
complete -c glass -n "__fish_glass_needs_command" -f -a "expire" -d 'Close what is due and retry what is not proved closed: cron\'s verb'
complete -c glass -n "__fish_glass_needs_command" -f -a "sessions" -d 'How grants were used through glass'
complete -c glass -n "__fish_glass_needs_command" -f -a "ledger" -d 'The record'
complete -c glass -n "__fish_glass_needs_command" -f -a "doctor" -d 'What a host needs around glass'
complete -c glass -n "__fish_glass_needs_command" -f -a "completions" -d 'Print what makes a shell complete glass\'s words'
complete -c glass -n "__fish_glass_needs_command" -f -a "man" -d 'Print the man page of glass, or write those of all verbs'
complete -c glass -n "__fish_glass_needs_command" -f -a "demo" -d 'See the whole life of a grant, in a throw-away home'
complete -c glass -n "__fish_glass_using_subcommand init" -l person -d 'The first person, who is admin and on call' -r
complete -c glass -n "__fish_glass_using_subcommand init" -l key -d 'That person\'s public key' -r -F
complete -c glass -n "__fish_glass_using_subcommand init" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand init" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand init" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand init" -l recover -d 'Every admin key is lost: name a new admin in the ledger that there is; never forgotten'
complete -c glass -n "__fish_glass_using_subcommand init" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand init" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand init" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand register" -l key -d 'The key that signs' -r -F
complete -c glass -n "__fish_glass_using_subcommand register" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand register" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand register" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand register" -l hotfix -d 'Mend one scope of one playbook for one activation: two people of the scope sign, no admin'
complete -c glass -n "__fish_glass_using_subcommand register" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand register" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand register" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -f -a "list" -d 'The registered scopes'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -f -a "show" -d 'What a scope says'
complete -c glass -n "__fish_glass_using_subcommand playbook; and not __fish_seen_subcommand_from list show lint" -f -a "lint" -d 'Check playbook files; the home\'s drafts otherwise'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -l card -d 'The card to print beforehand: how to open and close by hand'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand playbook; and __fish_seen_subcommand_from lint" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand activate" -l incident -d 'The incident; `pending` if there is none yet' -r
complete -c glass -n "__fish_glass_using_subcommand activate" -l reason -d 'Why' -r
complete -c glass -n "__fish_glass_using_subcommand activate" -l for -d 'How long, like `30m`; the scope\'s default otherwise' -r
complete -c glass -n "__fish_glass_using_subcommand activate" -l resume -d 'Go on with a request of yours that waits' -r
complete -c glass -n "__fish_glass_using_subcommand activate" -l key -d 'The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand activate" -l receipt -d 'Write a receipt: your own proof of this request' -r -F
complete -c glass -n "__fish_glass_using_subcommand activate" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand activate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand activate" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand activate" -l drill -d 'A rehearsal: it opens and closes as ever, and every record says that it is one'
complete -c glass -n "__fish_glass_using_subcommand activate" -l override -d 'In spite of an overdue review: a second person signs for it, or you wait and go alone'
complete -c glass -n "__fish_glass_using_subcommand activate" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand activate" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand activate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand activate" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand approve" -l key -d 'The key that signs: a private key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand approve" -l signature -d 'A signature that was made elsewhere: it is the consent, and nothing is asked' -r -F
complete -c glass -n "__fish_glass_using_subcommand approve" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand approve" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand approve" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand approve" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand approve" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand approve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand approve" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand deny" -l key -d 'The key that signs: a private key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand deny" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand deny" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand deny" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand deny" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand deny" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand deny" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand deny" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand withdraw" -l key -d 'The key that signs: a private key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand withdraw" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand withdraw" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand withdraw" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand withdraw" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand withdraw" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand withdraw" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand withdraw" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -f -a "show" -d 'What is asked, by whom and why, and how it is signed'
complete -c glass -n "__fish_glass_using_subcommand request; and not __fish_seen_subcommand_from show export" -f -a "export" -d 'Exactly the bytes to sign with `ssh-keygen -Y sign`'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand request; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand record" -l from -d 'When it began, like 2026-01-05T03:10:00Z' -r
complete -c glass -n "__fish_glass_using_subcommand record" -l to -d 'When it had ended' -r
complete -c glass -n "__fish_glass_using_subcommand record" -l reason -d 'Why' -r
complete -c glass -n "__fish_glass_using_subcommand record" -l key -d 'The key that signs: a private key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand record" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand record" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand record" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand record" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand record" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand record" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand status" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand status" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand status" -l all -d 'History too'
complete -c glass -n "__fish_glass_using_subcommand status" -l watch -d 'Show it anew each second, until Ctrl-C'
complete -c glass -n "__fish_glass_using_subcommand status" -l check -d 'Exit with 7 if something is open or owed that should not be'
complete -c glass -n "__fish_glass_using_subcommand status" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand status" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand status" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand review" -l verdict -d 'What you find: justified, unjustified, misuse or drill' -r
complete -c glass -n "__fish_glass_using_subcommand review" -l note -d 'What the verdict rests on' -r
complete -c glass -n "__fish_glass_using_subcommand review" -l incident -d 'The incident, where the request said `pending`' -r
complete -c glass -n "__fish_glass_using_subcommand review" -l key -d 'The key that signs: a private key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand review" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand review" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand review" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand review" -l list -d 'Only list what owes its review'
complete -c glass -n "__fish_glass_using_subcommand review" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand review" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand review" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand review" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand exec" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand exec" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand exec" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand exec" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand exec" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand exec" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand shell" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand shell" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand shell" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand shell" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand shell" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand shell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand shell" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand extend" -l for -d 'By how long, like `30m`' -r
complete -c glass -n "__fish_glass_using_subcommand extend" -l key -d 'The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand extend" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand extend" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand extend" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand extend" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand extend" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand extend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand extend" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand revoke" -l key -d 'The key that signs, where it is not yours: a key file, or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand revoke" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand revoke" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand revoke" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand revoke" -l all -d 'Everything that is open'
complete -c glass -n "__fish_glass_using_subcommand revoke" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand revoke" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand revoke" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand attest" -l key -d 'The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds' -r -F
complete -c glass -n "__fish_glass_using_subcommand attest" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand attest" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand attest" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand attest" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand attest" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand attest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand attest" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand expire" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand expire" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand expire" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand expire" -l dry-run -d 'Only say what is due'
complete -c glass -n "__fish_glass_using_subcommand expire" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand expire" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand expire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand expire" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -f -a "list" -d 'The sessions, oldest first; of one of them its commands too'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -f -a "play" -d 'Play a session back on your terminal'
complete -c glass -n "__fish_glass_using_subcommand sessions; and not __fish_seen_subcommand_from list play export" -f -a "export" -d 'Write a session\'s recording, asciicast v2, for other players'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l speed -d 'How many times as fast as it was' -r
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l idle-limit -d 'The longest pause' -r
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l command -d 'Begin at the Nth command that was typed' -r
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l search -d 'Begin where this text was first seen' -r
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from play" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -l output -d 'The file to make, instead of standard output' -r -F
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand sessions; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -f -a "log" -d 'The entries, oldest first'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -f -a "verify" -d 'Check everything that can be checked'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -f -a "checkpoint" -d 'Print the signed checkpoint, to be kept elsewhere'
complete -c glass -n "__fish_glass_using_subcommand ledger; and not __fish_seen_subcommand_from log verify checkpoint backup" -f -a "backup" -d 'Write a consistent copy, while others go on'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -l grant -d 'Only the entries of this grant' -r
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from log" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l anchors -d 'Checkpoints or receipts kept elsewhere' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l since -d 'Check signatures only after this checkpoint, which was verified before' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -l recordings -d 'Read every recording too, and hold it against what the ledger binds'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from checkpoint" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand ledger; and __fish_seen_subcommand_from backup" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand doctor" -l print -d 'Print it for this host, to be put where it says' -r -f -a "cron\t'A file for /etc/cron.d'
systemd\t'A service and a timer for /etc/systemd/system'
sudoers\t'A file for /etc/sudoers.d'"
complete -c glass -n "__fish_glass_using_subcommand doctor" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand doctor" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand doctor" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand doctor" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand completions" -l all -d 'Write those of every shell into this directory instead' -r -F
complete -c glass -n "__fish_glass_using_subcommand completions" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand completions" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand completions" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand completions" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand completions" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand man" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand man" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand man" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand man" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand man" -s V -l version -d 'Print version'
complete -c glass -n "__fish_glass_using_subcommand demo" -l keep -d 'Keep home and repository in this new directory, to play with' -r -F
complete -c glass -n "__fish_glass_using_subcommand demo" -l home -d 'The home to work in, instead of the host\'s or your own' -r -F
complete -c glass -n "__fish_glass_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c glass -n "__fish_glass_using_subcommand demo" -l format -d 'How data is written' -r -f -a "table\t'For people'
json\t'For programs'
html\t'A page'
md\t'Markdown'
csv\t'Comma-separated values'"
complete -c glass -n "__fish_glass_using_subcommand demo" -s v -l verbose -d 'Say more'
complete -c glass -n "__fish_glass_using_subcommand demo" -s q -l quiet -d 'Say nothing but errors'
complete -c glass -n "__fish_glass_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c glass -n "__fish_glass_using_subcommand demo" -s V -l version -d 'Print version'

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
complete -c glass -n __glass_finds_names -l grant -x -a '$__glass_names'
complete -c glass -n __glass_finds_names -l resume -x -a '$__glass_names'
