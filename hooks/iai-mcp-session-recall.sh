#!/bin/sh
# SessionStart hook of iai-mcp, the same file for every host: prints the payload that the
# memory server keeps ready for this project, and runs `iai-mcp session-start` when there is none, it
# is old, or something was said that is not in it. Reads the host's JSON on stdin. Always exits 0;
# logs what it did to <store>/logs/recall-<UTC date>.log.
#
#   iai-mcp-session-recall.sh --key DIR...    prints the key of each folder's project, and stops
#
# Needs the files of lib/ beside it. A session waits for this script, so the hit path starts two
# processes, stat and cat; what looks like work for sed, date or git is done by the shell.
#
# Environment: IAI_MCP_STORE, IAI_MCP_SESSION_CACHE_MAX_AGE_SEC, IAI_MCP_RECALL_HOOK_TIMEOUT,
# IAI_MCP_CLI, IAI_MCP_DISABLE, IAI_MCP_ANSWER.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # the files of lib/ set much of what is used here
# shellcheck disable=SC3067  # `test -O` is not POSIX, but dash, bash, busybox, zsh and ksh have it

trap 'exit 0' EXIT # whatever goes wrong: a hook that fails is held against the user's session
# The same in each hook: what finds lib/ cannot be in it.
lib=${0%/*}/lib
if [ -L "$0" ] || ! [ -d "$lib" ]; then # called through a link, or by its bare name
    self=$0
    [ -e "$self" ] || self=$(command -v "$self")
    lib=$(readlink -f "$self" 2>/dev/null)
    lib=${lib%/*}/lib
fi
for part in common.sh json.sh json_escapes.sh answer.sh answer.awk root.sh project.sh rendezvous.sh cli.sh; do
    [ -f "$lib/$part" ] && [ -r "$lib/$part" ] && continue
    printf 'iai-mcp: %s cannot be read: run "iai-mcp connect claude-code" (or codex), or copy lib/ too\n' "$lib/$part" >&2
    exit 0
done
log_name=recall
# shellcheck source=lib/common.sh
. "$lib/common.sh"
# shellcheck source=lib/json.sh
. "$lib/json.sh"
# shellcheck source=lib/answer.sh
. "$lib/answer.sh"
# shellcheck source=lib/root.sh
. "$lib/root.sh"
# shellcheck source=lib/project.sh
. "$lib/project.sh"
# shellcheck source=lib/rendezvous.sh
. "$lib/rendezvous.sh"

# Says by its status whether the payload may be served as it is; sets `stale` when it may be served
# under a line about its age.
serve_cache() {
    cache=$store/.session-start-payload.cached.md
    [ -z "$key" ] || cache=$store/session-start/$key.cached.md
    if [ -n "$key" ] && ! [ -e "$cache" ] && ! [ -L "$cache" ]; then
        if folder_has_a_page; then
            log 'cache-miss renamed -> live-cli'
            return 1
        fi
        # Never the page of all projects: what was said for one client is no business of another's.
        cache=$store/session-start/$new.cached.md
    fi
    if ! [ -e "$cache" ] && ! [ -L "$cache" ]; then
        log 'cache-miss absent'
        return 1
    fi
    if [ -L "$cache" ] || [ -L "$store/session-start" ] || ! [ -O "$store" ] || ! [ -O "$cache" ]; then
        log 'cache-error not-ours'
        return 1
    fi
    set --
    set +f
    for link in "$store"/spool/.watched/*; do [ ! -e "$link" ] || set -- "$@" "$link"; done
    left_off=
    for link in "${cache%.cached.md}".files/*; do
        if [ -e "$link" ]; then set -- "$@" "$link"; elif [ -L "$link" ]; then left_off=gone; fi
    done
    set -f
    look "$cache" "$@"
    if [ -z "$mtime" ] || ! [ -f "$cache" ] || ! [ -r "$cache" ]; then
        log 'cache-error stat-failed'
        return 1
    fi
    case $mode in *[2367]? | *[2367])
        log 'cache-error writable-by-others'
        return 1
        ;;
    esac
    if [ "$size" = 0 ]; then
        log 'cache-miss empty'
        return 1
    fi
    age=$((now - mtime))
    [ "$age" -ge 0 ] || age=0
    max_age
    stale=1 cache_mtime=$mtime cache_size=$size
    if [ "$limit" != none ] && [ "$age" -gt "$limit" ]; then
        log "cache-stale age=${age}s max=${limit}s -> live-cli"
        return 1
    fi
    if table_is_gone; then
        log "table-gone age=${age}s -> live-cli"
        return 1
    fi
    if rings_wait; then
        log "spool-waiting age=${age}s -> live-cli"
        return 1
    fi
    if [ -e "$store/.page-behind" ]; then # something changed, and no refresh has shown it yet
        log "page-behind age=${age}s -> live-cli"
        return 1
    fi
    if [ -n "$left_off" ] || grew "$@"; then
        case ${left_off:-$link} in
        gone | *-*) log "file-changed age=${age}s -> live-cli" ;; # that the last session changed
        *) log "transcript-grew age=${age}s -> live-cli" ;;      # a host wrote on after its last ring
        esac
        return 1
    fi
    page_mark
    page_before=$page
    print_payload || [ -e "$cache" ] || {
        stale= # forgotten between the look and here: the live command knows what is left
        log 'cache-miss absent'
        return 1
    }
    log_given "cache-hit age=${age}s bytes=$size"
    return 0 # with or without a log, one page is enough
}

# Sets `page` to the mark of the page `cache` of `size` bytes; empty when the file of its ids is not there,
# as while a page is replaced, or is of a page of another size.
page_mark() {
    page=
    ids=${cache%.md}.ids
    [ -f "$ids" ] && ! [ -L "$ids" ] && IFS= read -r page <"$ids"
    case $page in ????????????????" $size") page=${page%% *} ;; *) page= ;; esac
    case $page in *[!0-9a-f]*) page= ;; esac
}

# Logs $1, and which page was given to which session, if the page had the mark `page_before` before it was
# printed and has it now. Who reads the log: tools/iai_memory/injection/page_hits.py.
log_given() {
    host_session
    page_mark
    [ "$page" = "$page_before" ] || page=
    log "$1${session:+ session=$session}${page:+ page=$page}"
}

# Sets `session` to the host's name for it, if it is one of letters, digits, dots and dashes.
host_session() {
    session=
    [ ${#json} -le 4096 ] || return # taking a longer one apart takes the shell long
    for member in session_id sessionId; do
        case $json in
            *"\"$member\":\""*) session=${json#*"\"$member\":\""} ;;
            *"\"$member\": \""*) session=${json#*"\"$member\": \""} ;;
            *) continue ;;
        esac
        session=${session%%\"*}
        break
    done
    case $session in *[!A-Za-z0-9._-]*) session= ;; esac
    [ ${#session} -le 128 ] || session=
}

# True when the store had a table and has no version of it any more: the live command says so.
table_is_gone() {
    [ -e "$store/store.json" ] || return
    set +f
    for version in "$store"/lancedb/memories.lance/_versions/*.manifest; do break; done
    set -f
    ! [ -e "$version" ]
}

# True when the folder has a page under its path, from before it had a remote: the live command knows
# whether that is this project's.
folder_has_a_page() {
    [ -n "$top" ] && [ "$top" != "$project" ] || return
    of_remote=$key
    project_key "$top"
    of_folder=$store/session-start/$key.cached.md
    key=$of_remote
    [ -e "$of_folder" ]
}

# True when one of the links $@ leads to a file of another size than the one that it is named after,
# in front of it with a dash the time of writing. `more` says both. Leaves the name in `link`.
grew() {
    for link; do
        written=${more%% *}
        of_link=${more#* }
        more=${of_link#* * }
        link=${link##*/}
        of_link=${of_link%% *}
        case $link in *-*) of_link=$written-$of_link ;; esac
        [ "${link%%.*}" = "$of_link" ] || return 0
    done
    return 1
}

# Prints the file `cache` of `size` bytes.
print_payload() {
    # A process costs bash more than the rest of this script; the others read a byte at a time.
    if [ -n "${BASH_VERSION-}" ]; then
        # shellcheck disable=SC3045  # bash has -d
        IFS= read -r -d '' payload <"$cache"
        [ ${#payload} != "$size" ] || {
            printf %s "$payload"
            return 0
        }
    fi
    cat "$cache"
}

# Says that nothing new is kept or found, where no other command of ours takes the place of the one
# that connect wrote.
say_what_is_gone() {
    # shellcheck source=lib/cli.sh
    . "$lib/cli.sh"
    if find_cli || ! [ -d "$store" ]; then return; fi
    gone=1
    # Escapes in a path are no business of a model's.
    case $IAI_MCP_CLI in *[!A-Za-z0-9/._\ -]*) where='its program' ;; *) where=$IAI_MCP_CLI ;; esac
    printf 'iai-mcp: memory is not available: %s is gone, and nothing new is kept. Install it again, then run "iai-mcp connect --repair".\n' "$where"
    log 'program-gone'
}

# Sets `limit` to the greatest age in whole seconds, or to none.
max_age() {
    limit=${IAI_MCP_SESSION_CACHE_MAX_AGE_SEC:-}
    case $limit in
        '' | *[!0-9.]* | *.*.* | .) limit=43200 ;;
        *[1-9]*) limit=${limit%%.*} ;;
        *) limit=none ;;
    esac
    while :; do case $limit in 0?*) limit=${limit#0} ;; *) break ;; esac done
    case $limit in '') limit=0 ;; ????????????????*) limit=none ;; esac
}

if [ "${1-}" = --key ]; then
    shift
    for folder_argument; do
        find_project "$folder_argument"
        printf '%s\n' "$key"
    done
    exit 0
fi

if [ -n "$store" ] && [ -n "$disabled" ]; then
    log disabled
    exit 0
fi
read_cwd
find_shape
if [ "$shape" != text ]; then
    answer_in_json "${self:-$0}"
    exit 0
fi
[ -z "$refused" ] ||
    printf 'iai-mcp: this session starts without its memory, because IAI_MCP_STORE cannot be used: run "iai-mcp status".\n'
[ -n "$store" ] || exit 0 # neither IAI_MCP_STORE nor HOME: no memory to serve
stale='' gone=''
find_project "${cwd:-$start}"
# No name of a project has this key: its page shows what belongs to none.
new=@new
if [ -z "$cwd" ]; then key=; else key=${key:-$new}; fi
if [ -n "$ignored" ]; then
    log disabled
    exit 0
fi
# A server that waits makes itself ready for the first prompt, where hosts ask at prompts.
is_awaited && printf 'session\n' 1<>"$ask"
# The page outlives the program, and would look as if all were well.
case ${IAI_MCP_CLI-} in /*) [ -x "$IAI_MCP_CLI" ] || say_what_is_gone ;; esac
serve_cache && exit 0

# --- the live command: shells read a script as they go, so a hit does not pay for what follows ------

# shellcheck source=lib/cli.sh
. "$lib/cli.sh"

# Runs the live command with its output in the temporary file `out`; sets `code` and `size`.
run_live() {
    seconds=${IAI_MCP_RECALL_HOOK_TIMEOUT:-10}
    case $seconds in *[!0-9.]* | *.*.* | .) seconds=10 ;; *[1-9]*) ;; *) seconds=10 ;; esac
    out=$(mktemp "${TMPDIR:-/tmp}/iai-mcp-recall.XXXXXX") || out=
    [ -n "$out" ] || {
        code=no-temporary-file size=0
        return
    }
    trap 'rm -f "$out"; exit 0' EXIT
    trap 'kill "$child" $watchdog; exit 0' HUP INT TERM
    watchdog=
    case $key in
        '') set -- "$cli" session-start ;;
        "$new") set -- "$cli" session-start --project "$new" ;; # a relative folder is of no project
        *) set -- "$cli" session-start --cwd "$cwd" ;;
    esac
    # Older busybox wants other options: then, as on macOS, a second process keeps the time.
    host_session
    IAI_MCP_GIVEN_TO=$session # an option would be none that an earlier version knows
    export IAI_MCP_GIVEN_TO
    if timeout -k 1 5 true; then
        set -- timeout -k 1 "$seconds" "$@"
        user_environment "$@" </dev/null >"$out" &
        child=$!
    else
        user_environment "$@" </dev/null >"$out" &
        child=$!
        watch "$child" "$seconds" >/dev/null &
        watchdog=$!
    fi
    wait "$child"
    code=$?
    [ -z "$watchdog" ] || kill "$watchdog"
    # `timeout` says 124, unless it had to be harsh; ksh93 adds 256 to a signal, yash 384.
    case $code in 137 | 143 | 265 | 271 | 393 | 399) code=124 ;; esac
    trap - HUP INT TERM
    look "$out"
    size=${size:-0}
}

# Ends the process $1, a child of this script, after $2 seconds.
watch() {
    trap 'kill "$sleeper"; exit' TERM
    sleep "$2" &
    sleeper=$!
    wait "$sleeper"
    kill "$1"
    sleep 1 &
    sleeper=$!
    wait "$sleeper"
    kill -9 "$1"
}

# Prints the page of the live command, else the old cache under a line about its age, else a line
# that says why there is nothing.
serve_live() {
    cd "$start" || : # may be gone; what follows does not need it
    if find_cli; then
        run_live
        log "rc=$code bytes=$size"
        if [ "$size" -gt 0 ] && { [ "$code" = 0 ] || is_page; }; then
            cat "$out"
            return
        fi
    else
        code=none
        log 'skipped: iai-mcp CLI not found'
    fi
    if [ -n "$stale" ]; then
        serve_stale
    elif [ -d "$store" ]; then
        say_nothing
    fi
}

# True when the output is whole: a command that lingers after its page is killed for it.
is_page() {
    case $(exec cat "$out") in *'</iai-mcp-session-start>') ;; *) return 1 ;; esac
}

serve_stale() {
    size=$cache_size
    page_mark
    page_before=$page
    calendar "$cache_mtime"
    {
        printf 'iai-mcp: this memory was last refreshed on %s (%sh ago) and the refresh failed; ' \
            "$day" $((age / 3600))
        printf 'run "iai-mcp doctor".\n'
        cat
    } <"$cache"
    log_given "stale-served age=${age}s"
}

say_nothing() {
    [ -z "$gone" ] || return # that is said
    case $code in
        none) why='no iai-mcp command was found: set IAI_MCP_CLI to its path' ;;
        124) why="\"iai-mcp session-start\" took more than $seconds s: run \"iai-mcp doctor\"" ;;
        0) why='"iai-mcp session-start" printed nothing: run "iai-mcp doctor"' ;;
        *) why="\"iai-mcp session-start\" failed with status $code: run \"iai-mcp doctor\"" ;;
    esac
    printf 'iai-mcp: this session starts without its memory, because %s.\n' "$why"
}

serve_live
