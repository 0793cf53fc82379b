#!/bin/sh
# UserPromptSubmit, Stop, PreCompact and SessionEnd hook of iai-mcp: appends a ring to
# <store>/spool/doorbell.jsonl, one line of JSON that names the session, its transcript and its
# folder, and holds no text of the conversation: the turns are read from the host's transcript. After
# Stop and SessionEnd it leaves a process behind that drains the spool if no server does. Prints
# nothing, always exits 0, and logs only failures, to <store>/logs/capture-<UTC date>.log.
#
# A prompt waits for this script. A ring goes out in one write(2) to a file opened for appending, so
# that rings of hooks that run at once never mix: printf's buffer is 4 KiB in the smallest shell, and
# `dd` collects what is longer. A ring that is glued to half of one, from a full disk, is found by who
# reads it.
#
# Needs the files of lib/ beside it: they read the host's JSON, say which folders memory stays out
# of, and drain.
#
# Environment: IAI_MCP_STORE, IAI_MCP_DISABLE, IAI_MCP_DRAIN, IAI_MCP_CLI.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # the files of lib/ set much of what is used here
# shellcheck disable=SC3013,SC3067  # `test -ef` and `-O` are not POSIX, but every shell we meet has them

trap 'exit 0' EXIT # whatever goes wrong: a hook that fails is held against the user's session
# The same in each hook: what finds lib/ cannot be in it.
lib=${0%/*}/lib
if [ -L "$0" ] || ! [ -d "$lib" ]; then # called through a link, or by its bare name
    self=$0
    [ -e "$self" ] || self=$(command -v "$self")
    lib=$(readlink -f "$self" 2>/dev/null)
    lib=${lib%/*}/lib
fi
for part in common.sh ring.awk json_escapes.sh root.sh waiter.sh cli.sh iai-mcp-drain.sh; do
    [ -f "$lib/$part" ] && [ -r "$lib/$part" ] && continue
    printf 'iai-mcp: %s cannot be read: run "iai-mcp connect claude-code" (or codex), or copy lib/ too\n' "$lib/$part" >&2
    exit 0
done
log_name=capture
# shellcheck source=lib/common.sh
. "$lib/common.sh"
# shellcheck source=lib/root.sh
. "$lib/root.sh"

# Sets `ring`, `event` and `cwd` from the host's JSON. Fails when there is no ring, and says so unless
# another host than ours runs this hook.
read_ring() {
    ring='' event='' cwd='' object='' raw='' foreign=''
    [ -t 0 ] || raw=$(exec awk -f "$lib/ring.awk")
    IFS=$nl
    for line in $raw; do
        case $line in
            J) object=1 ;;
            f) foreign=1 ;;
            e*) event=${line#e} ;;
            c*) cwd=${line#c} ;;
            r*) ring=${line#r} ;;
            +) cat >/dev/null ;; # a host that cannot write all of it takes that for a failure
        esac
    done
    IFS=" $tab$nl"
    case $cwd in *\\*)
        # shellcheck source=lib/json_escapes.sh
        . "$lib/json_escapes.sh" # few folders need it, and every prompt would wait for it
        json_unescape "$cwd"
        ;;
    esac
    [ -z "$ring" ] || return 0
    [ -z "$foreign" ] || return 1
    if [ -n "$object" ]; then
        log 'failed: stdin names no session and no transcript'
    elif command -v awk >/dev/null; then
        log 'failed: stdin is not a JSON object'
    else
        log 'failed: there is no awk on the PATH'
    fi
    return 1
}

# Closes the ring, with the second since 1970 in a shell that knows it; else the file's time counts.
date_ring() {
    at=
    # shellcheck disable=SC3045  # bash has -v
    [ -z "${BASH_VERSION-}" ] || printf -v at '%(%s)T' -1
    case $at in '' | *[!0-9]*) ring="$ring}" ;; *) ring="$ring,\"at\":$at}" ;; esac
}

# Creates the spool, if need be with its store. Fails when it is not a folder of ours.
find_spool() {
    [ -d "$spool" ] || mkdir -p "$spool"
    [ -d "$spool" ] && ! [ -L "$spool" ] && [ -O "$spool" ] && [ -O "$store" ]
}

# Appends the ring, once more when a drain took the file away between its opening and the write.
append() {
    for _ in 1 2 3 4 5; do
        lost=''
        is_plain "$doorbell" || return
        write_ring 8>>"$doorbell" || return
        [ -n "$lost" ] || return 0
    done
}

write_ring() {
    if [ ${#ring} -lt 4000 ]; then
        printf '%s\n' "$ring"
    else
        printf '%s\n' "$ring" | dd ibs=65536 obs=131072
    fi >&8 || return
    will_be_read || lost=1
}

# True when the file open at 8 is one that a drain will read: a drain renames the spool's file, and
# removes it once its rings are answered. Where no folder of open files tells, that some is there has
# to do.
will_be_read() {
    set +f
    for file in "$doorbell" "$spool"/doorbell.claimed-*; do
        if [ /dev/fd/8 -ef "$file" ] || { [ ! -e /proc/self/fd/8 ] && [ -s "$file" ]; }; then
            set -f
            return
        fi
    done
    set -f
    return 1
}

# Leaves an empty file that is named after the transcript: a full disk has room for a name.
note_lost() {
    rest=${ring#*'"transcript_path":"'}
    path=${rest%%\"*} name=lost-
    [ "$rest" != "$ring" ] || return
    case $path in *\\*) return ;; esac
    while :; do
        piece=${path%%[%/]*}
        path=${path#"$piece"} name=$name$piece
        case $path in
            /*) name=${name}%2F ;;
            %*) name=${name}%25 ;;
            *) break ;;
        esac
        path=${path#?}
    done
    [ ${#name} -le 255 ] && is_plain "$spool/$name" && true >"$spool/$name"
}

# Leaves a process behind that drains the spool later, out of the reach of a host that kills the
# process group of its hooks, and with no file of the host open.
start_drain() {
    case ${IAI_MCP_DRAIN:-1} in 0 | [Ff]alse | FALSE | [Nn]o | NO | [Oo]ff | OFF) return ;; esac
    # shellcheck source=lib/waiter.sh
    . "$lib/waiter.sh"
    # Of a store one waits or drains at a time; it has to see that there is more.
    [ -r "$waiter" ] && is_plain "$again" && true >"$again" && is_waiting && return
    set -- sh "$lib/iai-mcp-drain.sh" --detach "$lib" "$store" "$start" "$user_locale"
    if command -v setsid >/dev/null; then
        set -- setsid "$@"
    elif command -v perl >/dev/null; then # macOS has no setsid
        set -- perl -MPOSIX -e 'exit if getpgrp == $$ && fork; POSIX::setsid(); exec @ARGV' "$@"
    fi
    if [ -n "${BASH_VERSION-}${ZSH_VERSION-}" ]; then
        # These need no terminal to give a job a process group of its own, at once.
        set -m
        exec "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    else
        # Ends as soon as it has left the process group, and a child behind.
        "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    fi
}

[ -n "$store" ] && [ -z "$disabled" ] || exit 0
spool=$store/spool doorbell=$store/spool/doorbell.jsonl
read_ring || exit 0
find_root "${cwd:-$start}"
[ -z "$ignored" ] || exit 0
date_ring
if ! find_spool; then
    log 'failed: the spool is not a folder of ours'
elif ! append; then
    note_lost
    log 'failed: the spool cannot be written'
else
    case $event in Stop | SessionEnd) start_drain ;; esac
fi
exit 0
