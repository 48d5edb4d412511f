# The prompt hook of a recorded session. ZDOTDIR pointed here for this file alone: all others are
# read from where they always are.
typeset -g __glass_hook=@HOOK@
typeset -gi __glass_begun=0

__glass_typed() {
    { emulate -L zsh; setopt localtraps; trap - DEBUG; unsetopt xtrace verbose multibyte } 2>/dev/null
    __glass_begun=1
    local kind=t cwd=$PWD text=${1:-$3} field
    for field in cwd text; do
        local value=${(P)field}
        value=${value//\%/%25} value=${value//$'\001'/%01} value=${value//$'\002'/%02}
        value=${value//$'\000'/%00}
        : ${(P)field::=${value//$'\n'/%0A}}
    done
    (( $#cwd <= 1000 )) || { kind=T; cwd=$cwd[1,1000] }
    (( $#text <= 3000 )) || { kind=T; text=$text[1,3000] }
    [[ -p $__glass_hook ]] || return 0
    { builtin printf '\001%s\002%s\002%s\002%s\000' $kind $$ "$cwd" "$text" 1<>$__glass_hook } 2>/dev/null
    return 0
}

__glass_prompt() {
    { local code=$?; emulate -L zsh; setopt localtraps; trap - DEBUG; unsetopt xtrace verbose } 2>/dev/null
    (( __glass_begun )) || return 0
    __glass_begun=0
    [[ -p $__glass_hook ]] || return 0
    { builtin printf '\001d\002%s\002%s\000' $$ $code 1<>$__glass_hook } 2>/dev/null
    return 0
}

preexec_functions+=(__glass_typed)
precmd_functions+=(__glass_prompt)

builtin unset ZDOTDIR
[[ ! -r ~/.zshenv ]] || . ~/.zshenv
