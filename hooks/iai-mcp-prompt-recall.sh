#!/bin/sh
# UserPromptSubmit hook of iai-mcp, the same file for every host: asks a living server of the store
# whether a memory belongs to the prompt, and prints what it says, which is mostly nothing. Starts no
# Python. Always exits 0.
#
#   run/ask           a FIFO that every server of the store waits on; whichever reads first answers
#   run/server-<pid>  says that a server waits; without one that lives nobody is asked
#   run/<pid>.json    the host's JSON, for as long as the answer takes
#   run/<pid>.answer  a FIFO of this hook's own. Of an answer each line of text begins with a bar, and
#                     `end <pid>` is its last
#
# A prompt waits for this script. An answer that is not whole after a quarter of a second is none:
# the timer that ends the wait is a line in the same FIFO, so a server that was stopped or killed in
# mid-answer delays nothing and has nothing printed. The server removes both files when it answers;
# what a killed hook left goes with the next hook, or with the next look of a server.
#
# Only what nobody answered is logged here, to <store>/logs/prompt-<UTC date>.log; servers log there
# what they answered.
#
# Needs the files of lib/ beside it. Environment: IAI_MCP_STORE, IAI_MCP_DISABLE,
# IAI_MCP_PROMPT_RECALL.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # the files of lib/ set much of what is used here

trap 'exit 0' EXIT # whatever goes wrong: a hook that fails is held against the user's session
# The same in each hook: what finds lib/ cannot be in it.
lib=${0%/*}/lib
if [ -L "$0" ] || ! [ -d "$lib" ]; then # called through a link, or by its bare name
    self=$0
    [ -e "$self" ] || self=$(command -v "$self")
    lib=$(readlink -f "$self" 2>/dev/null)
    lib=${lib%/*}/lib
fi
for part in common root rendezvous; do
    [ -f "$lib/$part.sh" ] && [ -r "$lib/$part.sh" ] && continue
    printf 'iai-mcp: %s cannot be read: run "iai-mcp connect claude-code" (or codex), or copy lib/ too\n' "$lib/$part.sh" >&2
    exit 0
done
log_name=prompt
# shellcheck source=lib/common.sh
. "$lib/common.sh"
# shellcheck source=lib/root.sh
. "$lib/root.sh"
# shellcheck source=lib/rendezvous.sh
. "$lib/rendezvous.sh"

# Ends the hook, after it has read what the host still writes: a host takes it for a failure when it
# cannot write all of it.
leave() {
    [ -t 0 ] || cat >/dev/null
    exit 0
}

# Removes what hooks that were killed left behind.
sweep() {
    set +f
    set -- "$run"/[0-9]*.json "$run"/[0-9]*.answer
    set -f
    for left; do
        shift
        pid=${left##*/}
        [ -e "$left" ] && ! kill -0 "${pid%.*}" && set -- "$@" "$left"
    done
    [ $# = 0 ] || rm -f "$@"
}

# Writes the request and makes the FIFO for its answer.
prepare() {
    [ ! -e "$request" ] && [ ! -L "$request" ] && [ ! -e "$answer" ] && [ ! -L "$answer" ] ||
        rm -f "$request" "$answer"
    cat >"$request" && mkfifo "$answer"
}

# Sets `said` to the text of the answer, and `whole` when all of it came in time.
ask_server() {
    said='' whole=''
    exec 3<>"$ask" 4<>"$answer"
    {
        sleep 0.25 || sleep 1 # not every system knows fractions
        printf '\nlate\n' >&4
    } </dev/null >/dev/null &
    timer=$!
    printf '%s\n' $$ >&3
    while IFS= read -r line <&4; do
        case $line in
            '|'*) said=$said${line#?}$nl ;;
            "end $$") whole=1 && break ;;
            late) break ;;
        esac
    done
    kill "$timer"
    exec 3>&- 4>&-
}

case ${IAI_MCP_PROMPT_RECALL:-1} in 0 | [Ff]alse | FALSE | [Nn]o | NO | [Oo]ff | OFF | [FfNn]) leave ;; esac
if [ -z "$store" ] || [ -n "$disabled" ] || [ -t 0 ]; then leave; fi
request=$run/$$.json answer=$run/$$.answer
find_root "$start"
[ -z "$ignored" ] || leave
sweep
if ! is_awaited; then
    log 'unanswered nobody'
    leave
fi
trap 'rm -f "$request" "$answer"; exit 0' EXIT HUP INT TERM
if prepare; then
    ask_server
    if [ -n "$whole" ]; then
        printf %s "$said"
    else
        log 'unanswered late'
    fi
else
    log 'failed: the request cannot be written'
    cat >/dev/null
fi
trap 'exit 0' EXIT
[ ! -e "$request" ] && [ ! -e "$answer" ] || rm -f "$request" "$answer"
exit 0
