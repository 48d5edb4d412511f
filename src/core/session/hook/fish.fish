# The prompt hook of a recorded session.
set -g __glass_hook @HOOK@
set -g __glass_begun 0

# fish itself can't open a FIFO without waiting for its reader.
function __glass_tell
    command sh -c '@TELLS@' $__glass_hook 2>/dev/null
end

function __glass_encode
    string replace -a -- % %25 $argv[1] | string collect -N | string replace -a -- \x01 %01 \
        | string replace -a -- \x02 %02 | string join %0A
end

function __glass_typed --on-event fish_preexec
    set -g __glass_begun 1
    set -l kind t
    set -l cwd (__glass_encode "$PWD")
    set -l text (__glass_encode "$argv[1]")
    # Characters are counted here, not bytes.
    set -l most 3000
    string match -qr '^[\x01-\x7f]*$' -- $cwd$text; or set most 700
    if test (string length -- "$cwd") -gt (math $most / 3)
        set kind T
        set cwd (string sub -l (math -s0 $most / 3) -- $cwd)
    end
    if test (string length -- "$text") -gt $most
        set kind T
        set text (string sub -l $most -- $text)
    end
    test -p $__glass_hook; or return 0
    printf '\001%s\002%s\002%s\002%s\000' $kind $fish_pid "$cwd" "$text" | __glass_tell
    return 0
end

function __glass_prompt --on-event fish_postexec
    set -l code $status
    test $__glass_begun = 1; or return 0
    set -g __glass_begun 0
    test -p $__glass_hook; or return 0
    printf '\001d\002%s\002%s\000' $fish_pid $code | __glass_tell
    return 0
end
