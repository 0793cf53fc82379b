#!/bin/sh
# Runs `iai-mcp drain` when rings have waited for two seconds, that is, when no server answers them.
# The capture hook starts it, detached; of a store one waits or drains at a time. Logs only failures,
# to <store>/logs/capture-<UTC date>.log.
#
#   iai-mcp-drain.sh [--detach] LIB STORE START LOCALE
#
# LIB and the rest are the hook's `lib`, `store`, `start` and `user_locale`; with --detach it goes on in a
# child.
#
# Needs the files of lib/: common.sh, cli.sh, waiter.sh.
# Environment: IAI_MCP_CLI, and what `iai-mcp drain` reads.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # the files of lib/ set much of what is used here

if [ "$1" = --detach ]; then
    shift
    sh "$0" "$@" &
    exit
fi
lib=$1 log_name=capture
IAI_MCP_STORE=$2
export IAI_MCP_STORE
# shellcheck source=common.sh
. "$lib/common.sh"
# shellcheck source=cli.sh
. "$lib/cli.sh"
# shellcheck source=waiter.sh
. "$lib/waiter.sh"
user_locale=$4
trap '' HUP

# Closes what the hook could not: a number above nine before a redirection is a word in some shells.
close_files() {
    set +f
    open=
    for file in /dev/fd/*; do
        case $file in */[0-9]) continue ;; esac
        # The shell has this script open, too.
        [ -e "$file" ] && ! [ "$file" -ef "$0" ] && open="$open ${file##*/}"
    done
    set -f
    [ -n "$open" ] || return
    if (eval 'exec 99>&-'); then
        for file in $open; do eval "exec $file>&-"; done
    elif command -v bash >/dev/null; then
        exec bash -c 'for fd in $0; do eval "exec $fd>&-"; done; exec sh "$@"' \
            "$open" "$0" "$@" closed
    fi
}

# Makes this process the one that waits. Fails when another does; that one sees `again`.
take_turn() {
    for try in 1 2 3 4; do
        (set -C && printf '%s\n' "$$" >"$waiter") && return
        if is_waiting; then return 1; fi
        if [ -z "$pid" ] && [ "$try" -lt 3 ]; then
            sleep 1 # its number is about to be written, if anybody lives who does
        else
            rm -f "$waiter"
        fi
    done
    return 1
}

drain() {
    if ! find_cli; then
        log 'drain skipped: iai-mcp CLI not found'
        return
    fi
    set -- "$cli" drain
    command -v nice >/dev/null && set -- nice -n 19 "$@"
    said=$(user_environment "$@" 2>&1 </dev/null)
    code=$?
    [ "$code" = 0 ] || log "drain rc=$code: ${said##*"$nl"}"
}

[ "${5-}" = closed ] || close_files "$@"
# A folder that a process stands in cannot be removed everywhere.
cd /
case ${IAI_MCP_MODEL:-/} in /* | '~'*) ;; *) cd "$3" || exit ;; esac
for mark in "$again" "$waiter"; do
    is_plain "$mark" && continue
    log "drain skipped: $mark is no file: remove it"
    exit
done
true >"$again"
while [ -f "$again" ] && take_turn; do
    rounds=0
    # What a host writes after its last ring is read with it.
    while [ -f "$again" ] && [ "$rounds" -lt 5 ]; do
        rm -f "$again"
        sleep 2
        rounds=$((rounds + 1))
    done
    if rings_wait; then drain; fi
    now='' # of the log
    rm -f "$waiter"
done
