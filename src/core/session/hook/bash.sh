# The prompt hook of a recorded session. Defined before the user's own file, so that none of
# its aliases gets into the functions.
__glass_hook=@HOOK@
# Arrays, which `set -a` does not export.
__glass_none=('') __glass_begun=(0) __glass_number=('') __glass_parts=(0) __glass_last=('')

# Tells that this text begins.
__glass_typed() {
    { local -; set +xveu; } 2>/dev/null
    local LC_ALL=C kind=t cwd=$PWD text=$1 field
    for field in cwd text; do
        local value=${!field}
        value=${value//'%'/%25} value=${value//$'\001'/%01} value=${value//$'\002'/%02}
        builtin printf -v "$field" %s "${value//$'\n'/%0A}"
    done
    ((${#cwd} <= 1000)) || { kind=T cwd=${cwd:0:1000}; }
    ((${#text} <= 3000)) || { kind=T text=${text:0:3000}; }
    [[ -p $__glass_hook ]] || return 0
    { builtin printf '\001%s\002%s\002%s\002%s\000' "$kind" "$$" "$cwd" "$text"; } 2>/dev/null 1<>"$__glass_hook"
    return 0
}

# In a subshell of PS0: the line is in the history, or the trap has to tell it.
__glass_line() {
    { local -; set +xveu; } 2>/dev/null
    ((__glass_begun == 2)) || return 0
    local HISTTIMEFORMAT='' text
    text=$(builtin history 1)
    __glass_typed "${text#*[0-9][* ] }"
}

# In a trap on DEBUG, for a line that the history does not have: its first commands.
__glass_part() {
    { local -; set +xveu; } 2>/dev/null
    __glass_last=$2
    if ((__glass_begun == 2)); then
        __glass_parts=0
    elif ((__glass_begun == 1)) && [[ $1 != __glass_* ]]; then
        (__glass_typed "$1")
        ((__glass_parts -= 1))
    fi
    return 0
}

# At each prompt, before and after the user's own commands there.
__glass_prompt() {
    local status=$? flags=$-
    { local -; set +xveu; } 2>/dev/null
    if ((__glass_begun)); then
        __glass_begun=0
        [[ ! -p $__glass_hook ]] ||
            { builtin printf '\001d\002%s\002%s\000' "$$" "$status"; } 2>/dev/null 1<>"$__glass_hook"
    fi
    __glass_number=$HISTCMD __glass_parts=20
    local ps0='${__glass_none:__glass_begun=1+(HISTCMD!=__glass_number):0}$({ __glass_line; } 2>/dev/null)'
    if ! builtin shopt -q promptvars; then
        PS0=${PS0//"$ps0"/}
    elif [[ ${PS0-} != *"$ps0" ]]; then
        PS0=${PS0-}$ps0
        builtin export -n PS0
    fi
    # Under errexit the shell would end with it.
    [[ $flags == *e* ]] || return "$status"
    return 0
}

__glass_install() {
    local first='{ __glass_prompt; } 2>/dev/null'
    local part='{ __glass_part "$BASH_COMMAND" "$_"; ((__glass_parts > 0)) || builtin trap - DEBUG; : "$__glass_last"; } 2>/dev/null'
    local last=$first$'\n''{ [[ $(builtin trap -p DEBUG) ]] || builtin trap '"'$part'"' DEBUG; } 2>/dev/null'
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
        PROMPT_COMMAND=("$first" "${PROMPT_COMMAND[@]}" "$last")
    else
        PROMPT_COMMAND=$first${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND}$'\n'$last
    fi
    builtin export -n PROMPT_COMMAND
}

[[ ! -r ~/.bashrc ]] || . ~/.bashrc
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)) || __glass_install
