#!/bin/sh
# UserPromptSubmit, Stop, PreCompact and SessionEnd hook of iai-mcp: appends the host's JSON, one
# line of it, to <store>/spool/doorbell.jsonl. The memory server reads the transcript that the line
# names. Prints nothing, always exits 0, and logs only failures, to
# <store>/logs/capture-<UTC date>.log.
#
# A prompt waits for this script. A line goes out in one write(2) to a file opened for appending, so
# that lines of hooks that run at once never mix: printf's buffer is 4 KiB in the smallest shell, and
# `dd` collects what is longer. JSON above 64 KiB goes to a file of its own, doorbell-*.json.
#
# Needs the files of lib/ beside it: they say which folders memory stays out of.
#
# Environment: IAI_MCP_STORE, IAI_MCP_DISABLE.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # the files of lib/ set much of what is used here
# shellcheck disable=SC3067  # `test -O` is not POSIX, but every shell that we meet has it

trap 'exit 0' EXIT # whatever goes wrong: a hook that fails is held against the user's session
# The same in each hook: what finds lib/ cannot be in it.
lib=${0%/*}/lib
if [ -L "$0" ] || ! [ -d "$lib" ]; then # called through a link, or by its bare name
    self=$0
    [ -e "$self" ] || self=$(command -v "$self")
    lib=$(readlink -f "$self" 2>/dev/null)
    lib=${lib%/*}/lib
fi
for part in common json json_escapes root; do
    [ -f "$lib/$part.sh" ] && [ -r "$lib/$part.sh" ] && continue
    printf 'iai-mcp: %s cannot be read: run "iai-mcp connect claude-code" (or codex), or copy lib/ too\n' "$lib/$part.sh" >&2
    exit 0
done
log_name=capture
# shellcheck source=lib/common.sh
. "$lib/common.sh"
# shellcheck source=lib/json.sh
. "$lib/json.sh"
# shellcheck source=lib/root.sh
. "$lib/root.sh"

# Reads the host's JSON to `json`, on one line. Fails when it is not a JSON object.
read_json() {
    [ -t 0 ] && return 1
    json=$(exec cat)
    case $json in
        *"$nl"*)
            IFS="$nl$(printf '\r')"
            # shellcheck disable=SC2086  # splitting is the point
            set -- $json
            IFS=' '
            json="$*"
            IFS=" $tab$nl"
            ;;
    esac
    is_object && return
    json=${json#"${json%%[![:space:]]*}"}
    json=${json%"${json##*[![:space:]]}"}
    is_object
}

is_object() {
    case $json in '{'*'}') ;; *) return 1 ;; esac
}

# Creates the spool, if need be with its store. Fails when it is not a folder of ours.
find_spool() {
    [ -d "$spool" ] || mkdir -p "$spool"
    [ -d "$spool" ] && ! [ -L "$spool" ] && [ -O "$spool" ] && [ -O "$store" ]
}

# False when the last line has no end: a hook was killed in the middle of its write. Looks again,
# because the write of a hook that is alive can be seen half done; if it still was, an empty line
# is the harm.
is_whole() {
    for _ in 1 2 3 4; do
        [ -s "$doorbell" ] && [ -n "$(exec tail -c 1 "$doorbell")" ] || return 0
    done
    return 1
}

append() {
    [ ! -L "$doorbell" ] || return
    if [ ${#json} -lt 4000 ]; then
        printf '%s%s\n' "$gap" "$json" >>"$doorbell"
    else
        printf '%s%s\n' "$gap" "$json" | dd ibs=65536 obs=131072 >>"$doorbell"
    fi
}

put_aside() {
    name=doorbell-$(date -u +%Y%m%dT%H%M%SZ)-$$
    if write_json "$spool/.$name.tmp"; then
        mv "$spool/.$name.tmp" "$spool/$name.json" && return
    fi
    rm -f "$spool/.$name.tmp"
    return 1
}

# Writes `json` to the file $1. mksh has no printf of its own, and no program takes an argument above
# 128 KiB.
write_json() {
    printf '%s\n' "$json" >"$1" || cat >"$1" <<END
$json
END
}

[ -n "$store" ] && [ -z "$disabled" ] || exit 0
spool=$store/spool doorbell=$store/spool/doorbell.jsonl gap=''
is_whole >/dev/null & # beside the reading of stdin, which takes as long
whole=$!
if ! read_json; then
    log 'failed: stdin is not a JSON object'
    exit 0
fi
# Hosts name the event behind the folder and before the long texts.
if json_cwd "${json%%'"hook_event_name"'*}" || json_cwd "$json"; then
    find_root "$cwd"
else
    find_root "$start"
fi
[ -z "$ignored" ] || exit 0
wait "$whole" || gap=$nl
if ! find_spool; then
    log 'failed: the spool is not a folder of ours'
elif [ ${#json} -gt 65536 ]; then
    put_aside || log 'failed: the spool cannot be written'
else
    append || log 'failed: the spool cannot be written'
fi
exit 0
