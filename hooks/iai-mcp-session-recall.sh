#!/bin/sh
# SessionStart hook of iai-mcp, the same file for Claude Code and Codex: prints the payload that the
# memory server keeps ready for this project, and asks `iai-mcp session-start` when there is none or
# it is old. Reads the host's JSON on stdin. Always exits 0; says what it did in
# <store>/logs/recall-<UTC date>.log.
#
#   iai-mcp-session-recall.sh --key DIR...    prints the key of each folder's project, and stops
#
# Environment: IAI_MCP_STORE, IAI_MCP_SESSION_CACHE_MAX_AGE_SEC, IAI_MCP_RECALL_HOOK_TIMEOUT,
# IAI_MCP_CLI, IAI_MCP_DISABLE.
#
# A session waits for this script, so the hit path starts two processes, stat and cat; what looks
# like work for sed, date or git is done by the shell. `true >file` and `printf >file`, never
# `: >file`: a failed redirection of a special builtin ends a POSIX shell.
#
# shellcheck disable=SC3067  # `test -O` is not POSIX, but dash, bash, busybox, zsh and ksh have it

exec 2>/dev/null # hosts show a hook's stderr to the user
umask 077
set -f
unset CDPATH
trap 'exit 0' EXIT # whatever goes wrong: a hook that fails is held against the user's session
trap '' XFSZ PIPE  # a full disk or a closed pipe is a failed write, not the end of the script
user_locale=${LC_ALL-}
LC_ALL=C # lengths and patterns count bytes
start=$PWD
log_name=recall
nl='
'
tab='	'

# --- shared with iai-mcp-capture.sh, which reads this file up to its `return` ----------------------
# Paths have no trailing slash, so the root of the file system is the empty string.

# Sets `real` to the folder $1 with every link resolved; fails when it cannot be entered.
physical() {
    cd -P "${1:-/}" || return
    real=${PWD%/}
    while :; do case $real in //*) real=${real#/} ;; *) break ;; esac done
}

# Sets `here`, the real folder of $1 or of its nearest ancestor that can be entered; `at`, the top of
# its repository or the root of the file system; and `ignored` when a folder from here to there says
# that memory stays out.
find_root() {
    spelled=$1 ignored=''
    case $spelled in /*) ;; *) spelled=$start/$spelled ;; esac
    while :; do case $spelled in */) spelled=${spelled%/} ;; *) break ;; esac done
    while :; do case $spelled in //*) spelled=${spelled#/} ;; *) break ;; esac done
    folder=$spelled
    until physical "$folder"; do folder=${folder%/*}; done
    here=$real at=$real
    while :; do
        [ -e "$at/.iai-mcp-ignore" ] && ignored=1
        if [ -z "$at" ] || [ -e "$at/.git" ] || is_bare; then break; fi
        at=${at%/*}
    done
}

is_bare() {
    [ -f "$at/HEAD" ] && [ -d "$at/objects" ] && [ -d "$at/refs" ]
}

# Moves the first byte of `rest` to `char`.
next_char() {
    char=$rest
    rest=${rest#?}
    char=${char%"$rest"}
}

# --- the host's JSON ------------------------------------------------------------------------------

# Sets `cwd` from stdin. Reads at most 64 KiB and waits at most 2 s for each line where the shell can
# bound `read`; dash cannot, there a timer's end interrupts it.
read_cwd() {
    cwd='' json='' timer='' lines=0
    [ -t 0 ] && return
    # shellcheck disable=SC3045  # dash refuses -t with status 2 before it reads anything
    IFS= read -r -t 2 -n 65536 line
    status=$?
    if [ "$status" = 2 ]; then
        if command -v sleep >/dev/null; then
            trap : CHLD
            sleep 2 >/dev/null &
            timer=$!
        fi
        IFS= read -r line
        status=$?
    fi
    while :; do
        json="$json$line "
        json_cwd "$json" && break
        [ "$status" = 0 ] && [ "$lines" -lt 100 ] && [ ${#json} -lt 65536 ] || break
        lines=$((lines + 1))
        if [ -n "$timer" ]; then
            IFS= read -r line
        else
            # shellcheck disable=SC3045  # only where the first such read worked
            IFS= read -r -t 2 -n 65536 line
        fi
        status=$?
    done
    [ -z "$timer" ] || {
        kill "$timer"
        trap - CHLD
    }
}

# Sets `cwd` to the string member "cwd" of the JSON object $1; fails when it has none yet. Splitting
# on quotes makes this linear: pieces are in turn outside and inside of strings, but for escaped
# quotes, which end a piece with an odd number of backslashes.
json_cwd() {
    case $1 in *'"cwd"'*) ;; *) return 1 ;; esac
    cwd='' inside='' string='' wanted='' found='' depth=0
    IFS='"'
    for piece in $1; do
        if [ -n "$inside" ]; then
            string=$string$piece
            case $piece in *\\)
                if odd_backslashes "$piece"; then
                    [ -n "$wanted" ] && string=$string\" || string=no-key
                    continue
                fi
                ;;
            esac
            inside=
            if [ -n "$wanted" ]; then wanted='' found=$string; fi
            continue
        fi
        if [ -n "$found" ]; then # only now is it certain that the string was closed
            break
        fi
        inside=1
        case $piece in
            *[!:[:space:]]*) ;;
            *:*) [ "$depth:$string" != 1:cwd ] || wanted=1 ;;
        esac
        string=
        case $piece in
            *[][{}]*) count_depth "$piece" || break ;;
        esac
    done
    [ -n "$inside" ] && found=
    IFS=" $tab$nl"
    case $found in
        '') return 1 ;;
        *\\*) json_unescape "$found" ;;
        *) cwd=$found ;;
    esac
    [ -n "$cwd" ]
}

odd_backslashes() {
    tail=${1##*[!\\]}
    [ $((${#tail} % 2)) = 1 ]
}

# Follows the brackets of $1; gives up on long runs, which no host sends before the cwd.
count_depth() {
    [ ${#1} -lt 200 ] || return
    rest=$1
    while [ -n "$rest" ]; do
        next_char
        case $char in
            '[' | '{') depth=$((depth + 1)) ;;
            ']' | '}') depth=$((depth - 1)) ;;
        esac
    done
}

# Sets `cwd` to the text of the JSON string $1, or to nothing when an escape is not JSON's.
json_unescape() {
    rest=$1 format='' cwd=''
    while :; do
        case $rest in *\\*) ;; *) break ;; esac
        format=$format${rest%%\\*}
        rest=${rest#*\\}
        next_char
        case $char in
            '"' | /) format=$format$char ;;
            \\) format=$format'\0134' ;;
            b) format=$format'\0010' ;;
            f) format=$format'\0014' ;;
            n) format=$format'\0012' ;;
            r) format=$format'\0015' ;;
            t) format=$format'\0011' ;;
            u)
                json_unit || return
                point=$unit
                if [ "$point" -ge 55296 ] && [ "$point" -le 57343 ]; then
                    case $rest in \\u*) rest=${rest#??} ;; *) return ;; esac
                    json_unit || return
                    [ "$point" -lt 56320 ] && [ "$unit" -ge 56320 ] && [ "$unit" -le 57343 ] || return
                    point=$(((point - 55296) * 1024 + unit - 56320 + 65536))
                fi
                utf8 "$point"
                ;;
            *) return ;;
        esac
    done
    cwd=$(printf '%b.' "$format$rest") && cwd=${cwd%.}
}

# Moves four hexadecimal digits of `rest` to `unit`, as a number above zero.
json_unit() {
    case $rest in
        [0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]*) ;;
        *) return 1 ;;
    esac
    after=${rest#????}
    unit=$((0x${rest%"$after"}))
    rest=$after
    [ "$unit" != 0 ]
}

# Appends the bytes of the code point $1 to `format`, as octal escapes.
utf8() {
    if [ "$1" -lt 128 ]; then
        octal "$1"
    elif [ "$1" -lt 2048 ]; then
        octal $((192 + $1 / 64)) && octal $((128 + $1 % 64))
    elif [ "$1" -lt 65536 ]; then
        octal $((224 + $1 / 4096)) && octal $((128 + $1 / 64 % 64)) && octal $((128 + $1 % 64))
    else
        octal $((240 + $1 / 262144)) && octal $((128 + $1 / 4096 % 64))
        octal $((128 + $1 / 64 % 64)) && octal $((128 + $1 % 64))
    fi
}

octal() {
    format=$format'\0'$(($1 / 64))$(($1 / 8 % 8))$(($1 % 8))
}

# --- time, sizes and the log ----------------------------------------------------------------------

# Sets `stats` to seconds of modification, size and octal mode of each file.
stat_files() {
    stats=$(exec stat -c '%Y %s %a' "$@")
    [ -n "$stats" ] || stats=$(exec stat -f '%m %z %Lp' "$@") # BSD, macOS
}

# Sets `now`, and for the file $1, if given, `mtime`, `size` and `mode`. A file that we have just
# written says what time it is: one process for both questions, and one clock.
look() {
    clock=$store/logs/.clock
    if may_log && ! [ -L "$clock" ] && printf . 1<>"$clock"; then
        stat_files "$clock" "$@"
    else
        stats=
        [ $# = 0 ] || stat_files "$1"
        stats="$(date -u +%s) 0 0 $stats"
    fi
    # shellcheck disable=SC2086  # splitting is the point
    set -- $stats
    now=${1-} mtime=${4-} size=${5-} mode=${6-}
    case $now in '' | *[!0-9]*) now='' mtime='' ;; esac
    case $mtime in *[!0-9]*) mtime= ;; esac
}

# Sets `day` and `iso` for the second $1 since 1970, UTC. The civil calendar by the day count since
# 0000-03-01, so that a leap day is the last day of its year.
calendar() {
    days=$(($1 / 86400 + 719468))
    era=$((days / 146097))
    doe=$((days % 146097))
    yoe=$(((doe - doe / 1460 + doe / 36524 - doe / 146096) / 365))
    doy=$((doe - (365 * yoe + yoe / 4 - yoe / 100)))
    mp=$(((5 * doy + 2) / 153))
    dd=$((doy - (153 * mp + 2) / 5 + 1))
    mm=$((mp + 3))
    yyyy=$((yoe + era * 400))
    [ "$mm" -le 12 ] || { mm=$((mm - 12)) && yyyy=$((yyyy + 1)); }
    hour=$(($1 % 86400 / 3600)) minute=$(($1 % 3600 / 60)) second=$(($1 % 60))
    two "$mm" && day=$yyyy-$two
    two "$dd" && day=$day-$two
    two "$hour" && iso=${day}T$two
    two "$minute" && iso=$iso:$two
    two "$second" && iso=$iso:${two}Z
}

two() {
    two=$1
    [ "$1" -gt 9 ] || two=0$1
}

# True when there is a store of ours with a folder for logs; never creates a store.
may_log() {
    [ -z "$loggable" ] || return 0
    [ -d "$store" ] && [ -O "$store" ] || return
    [ -d "$store/logs" ] || mkdir "$store/logs" || return
    [ -O "$store/logs" ] && ! [ -L "$store/logs" ] && loggable=1
}

log() {
    may_log || return
    [ -n "$now" ] || look
    [ -n "$now" ] || return
    calendar "$now"
    [ -L "$store/logs/$log_name-$day.log" ] ||
        printf '%s %s\n' "$iso" "$1" >>"$store/logs/$log_name-$day.log"
}

# --- where the store is, and whether memory is wanted ----------------------------------------------

store=${IAI_MCP_STORE:-${HOME:+$HOME/.iai-mcp}}
# shellcheck disable=SC2088  # a host's configuration hands a tilde over as it is
case $store in
    '' | /*) ;;
    '~') store=${HOME:-} ;;
    '~/'*) store=${HOME:-}/${store#'~/'} ;;
    *) store=$start/$store ;;
esac
loggable='' now=''

# Anything that is not clearly a no keeps memory off.
disabled=1
case ${IAI_MCP_DISABLE:-0} in 0 | [Ff]alse | FALSE | [Nn]o | NO | [Oo]ff | OFF | [FfNn]) disabled= ;; esac

[ "${iai_mcp_part-}" != shared ] || return 0

# --- the project: the same rules as tools/iai_memory/projects/identity.py, held together by a test ---------
# Sets `project` (name), `key` and `ignored` for the folder $1.
find_project() {
    find_root "$1"
    project='' config='' top=$here
    if [ -e "$at/.git" ]; then
        work_tree
    elif is_bare; then
        top=${at%/.git} config=$at/config
    elif [ "$folder" != "$spelled" ]; then
        top=$spelled
    fi
    if [ -n "$config" ] && remote_url; then remote_name "$url"; fi
    [ -n "$project" ] || project=${top:-/}
    project_key "$project"
}

# Sets `top`, the main working tree, and `config` of the repository whose `.git` is in $at.
work_tree() {
    top=$at
    if [ -d "$at/.git" ]; then
        config=$at/.git/config
        return
    fi
    [ -f "$at/.git" ] || return
    first_line "$at/.git"
    case $line in gitdir:*) ;; *) return ;; esac
    trim_left "${line#gitdir:}"
    joined "$at" "$trimmed"
    git_dir=$path config=$path/config
    [ -f "$git_dir/commondir" ] || return
    first_line "$git_dir/commondir"
    joined "$git_dir" "$line"
    config=
    physical "$path" || return
    top=${real%/.git} config=$real/config
}

# Sets `url` to the first url of the remote origin, else of the first remote that has one.
remote_url() {
    url='' remote=''
    while IFS= read -r line || [ -n "$line" ]; do
        trim "$line"
        line=$trimmed
        case $line in
            '['*) section ;;
        esac
        case $remote:$line in
            ?*:[Uu][Rr][Ll]*) ;;
            *) continue ;;
        esac
        trim_left "${line#???}"
        case $trimmed in =*) ;; *) continue ;; esac
        trim "${trimmed#=}"
        config_value "$trimmed"
        [ -n "$value" ] || continue
        if [ "$remote" = 'name origin' ]; then
            url=$value
            break
        fi
        [ -n "$url" ] || url=$value
    done <"$config"
    [ -n "$url" ]
}

# Splits a section header: `remote` becomes `name X` for the remote X, `line` what follows it.
section() {
    remote=
    case $line in
        '['[Rr][Ee][Mm][Oo][Tt][Ee][[:space:]]*) trim_left "${line#????????}" ;;
        *) return ;;
    esac
    case $trimmed in '"'*'"]'*) ;; *) return ;; esac
    trimmed=${trimmed#\"}
    remote="name ${trimmed%%\"*}"
    trim_left "${trimmed#*\"]}"
    line=$trimmed
}

# Sets `value` to $1 without the quoting of a git config; a comment ends it.
config_value() {
    value=$1
    case $value in *[\"\\\#\;]*) ;; *) return ;; esac
    rest=$1 value='' pending='' quoted=''
    while [ -n "$rest" ]; do
        next_char
        case $quoted$char in
            '"') quoted=q ;;
            'q"') quoted= ;;
            '#' | ';') return ;;
            [[:space:]]) pending=$pending$char ;;
            *)
                if [ "$char" = \\ ]; then
                    char=
                    [ -z "$rest" ] || next_char
                    case $char in n) char=$nl ;; t) char=$tab ;; esac
                fi
                value=$value$pending$char pending=
                ;;
        esac
    done
}

# Sets `project` to the name of the remote address $1.
remote_name() {
    case $1 in
        *://*)
            lower "${1%%://*}"
            scheme=$lowered rest=${1#*://}
            case $scheme:$rest in file:/* | file:localhost/*)
                local_name "/${rest#*/}"
                return
                ;;
            esac
            authority_and_path
            ;;
        *)
            head=${1%%/*}
            case $head in
                :*) local_name "$1" && return ;;
                *:*) ;;
                *) local_name "$1" && return ;;
            esac
            before=${head%:*}
            address=${before##*@}:${head##*:}${1#"$head"}
            case $address in
                '['*']:'*) host=${address%%']:'*}']' path=${address#*']:'} ;;
                *) host=${address%%:*} path=${address#*:} ;;
            esac
            ;;
    esac
    while :; do case $path in /*) path=${path#/} ;; *) break ;; esac done
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    path=${path%.git}
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    lower "$host"
    project=$lowered${path:+/$path}
}

# Splits `rest`, what follows `scheme://`, into `host` and `path`, without credentials.
authority_and_path() {
    split_authority "$rest"
    case $host in
        *@* | *'['*:*) ;;
        *:*)
            case ${host#*:} in *[!0-9]*)
                # A password with an unescaped slash: what follows the last `@` is the address.
                case $path in *@*) split_authority "${rest##*@}" ;; esac
                ;;
            esac
            ;;
    esac
    host=${host##*@}
    case $scheme in http | https) host=${host%%[?#]*} path=${path%%[?#]*} ;; esac
    case ${host##*]} in
        *:*)
            port=${host##*:} host=${host%:*}
            case $scheme:$port in
                *: | ssh:22 | http:80 | https:443 | git:9418) ;;
                *) host=$host:$port ;;
            esac
            ;;
    esac
}

split_authority() {
    host=${1%%/*} path=
    case $1 in */*) path=${1#*/} ;; esac
}

# Sets `project` to the folder of a remote that is a path.
local_name() {
    joined "$top" "$1"
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    path=${path%/.git}
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    while :; do case $path in //*) path=${path#/} ;; *) break ;; esac done
    if physical "$path"; then path=$real; fi
    project=${path:-/}
}

# Sets `key` to the file-name-safe key of the name $1.
project_key() {
    rest=$1 key=
    while [ -n "$rest" ]; do
        char=${rest%%[!abcdefghijklmnopqrstuvwxyz0123456789._-]*}
        key=$key$char rest=${rest#"$char"}
        [ -n "$rest" ] || break
        next_char
        case $char in
            /) key=$key+ ;;
            *) code_of "$char" && key=$key=$hex ;;
        esac
    done
    [ ${#key} -le 200 ] || {
        sum=$(printf %s "$1" | cksum)
        while [ ${#key} -gt 160 ]; do key=${key%?}; done
        key=$key~${sum%% *}-${#1}
    }
}

# Sets `hex` to the two digits of the byte $1: its place in a string of bytes in order. A command
# substitution would be the usual way and costs a process for each byte.
printable=' !"#$%&'"'"'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~'
others=
code_of() {
    before=${printable%%"$1"*}
    code=$((32 + ${#before}))
    if [ "$code" = 127 ]; then
        [ -n "$others" ] || other_bytes
        before=${others%%"$1"*}
        code=$((1 + ${#before}))
        [ "$code" -lt 32 ] || code=$((code + 95))
    fi
    nth $((code / 16)) 0 1 2 3 4 5 6 7 8 9 a b c d e f && hex=$nth
    nth $((code % 16)) 0 1 2 3 4 5 6 7 8 9 a b c d e f && hex=$hex$nth
}

# Sets `others` to the bytes 1 to 31 and 127 to 255.
other_bytes() {
    code=1 format=
    while [ "$code" -lt 256 ]; do
        format=$format\\$((code / 64))$((code / 8 % 8))$((code % 8))
        [ "$code" != 31 ] || code=126
        code=$((code + 1))
    done
    # shellcheck disable=SC2059  # the format is made of octal escapes
    others=$(printf "$format")
}

nth() {
    shift $(($1 + 1))
    nth=$1
}

lower() {
    lowered=$1
    case $1 in *[ABCDEFGHIJKLMNOPQRSTUVWXYZ]*) ;; *) return ;; esac
    rest=$1 lowered=
    while [ -n "$rest" ]; do
        next_char
        case $char in
            A) char=a ;; B) char=b ;; C) char=c ;; D) char=d ;; E) char=e ;; F) char=f ;;
            G) char=g ;; H) char=h ;; I) char=i ;; J) char=j ;; K) char=k ;; L) char=l ;;
            M) char=m ;; N) char=n ;; O) char=o ;; P) char=p ;; Q) char=q ;; R) char=r ;;
            S) char=s ;; T) char=t ;; U) char=u ;; V) char=v ;; W) char=w ;; X) char=x ;;
            Y) char=y ;; Z) char=z ;;
        esac
        lowered=$lowered$char
    done
}

trim_left() {
    trimmed=${1#"${1%%[![:space:]]*}"}
}

trim() {
    trim_left "$1"
    trimmed=${trimmed%"${trimmed##*[![:space:]]}"}
}

joined() {
    case $2 in /*) path=$2 ;; *) path=$1/$2 ;; esac
}

first_line() {
    line=
    IFS= read -r line <"$1"
    line=${line%"${line##*[![:space:]]}"}
}

# --- serving --------------------------------------------------------------------------------------

# Says by its status whether the payload may be served as it is; sets `stale` when it may be served
# under a line about its age.
serve_cache() {
    cache=$store/session-start/$key.cached.md
    [ -n "$key" ] && { [ -e "$cache" ] || [ -L "$cache" ]; } ||
        cache=$store/.session-start-payload.cached.md
    if ! [ -e "$cache" ] && ! [ -L "$cache" ]; then
        log 'cache-miss absent'
        return 1
    fi
    if [ -L "$cache" ] || [ -L "$store/session-start" ] || ! [ -O "$store" ] || ! [ -O "$cache" ]; then
        log 'cache-error not-ours'
        return 1
    fi
    look "$cache"
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
    if [ "$limit" != none ] && [ "$age" -gt "$limit" ]; then
        stale=1 cache_mtime=$mtime
        log "cache-stale age=${age}s max=${limit}s -> live-cli"
        return 1
    fi
    print_payload || [ -e "$cache" ] || {
        # Forgotten between the look and here: the live command knows what is left.
        log 'cache-miss absent'
        return 1
    }
    log "cache-hit age=${age}s bytes=$size"
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

[ -n "$store" ] || exit 0 # neither IAI_MCP_STORE nor HOME: no memory to serve
if [ -n "$disabled" ]; then
    log disabled
    exit 0
fi
stale=''
read_cwd
find_project "${cwd:-$start}"
[ -n "$cwd" ] || key=
if [ -n "$ignored" ]; then
    log disabled
    exit 0
fi
serve_cache && exit 0

# --- the live command -----------------------------------------------------------------------------

find_cli() {
    for cli in "${IAI_MCP_CLI:-}" iai-mcp "${HOME:-}/.local/bin/iai-mcp"; do
        cli=$(command -v "$cli") && [ -x "$cli" ] && return
    done
    return 1
}

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
    set -- "$cli" session-start ${cwd:+--cwd "$cwd"}
    # Older busybox wants other options: then, as on macOS, a second process keeps the time.
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
    case $code in 137 | 143) code=124 ;; esac # `timeout` says 124, unless it had to be harsh
    trap - HUP INT TERM
    look "$out"
    size=${size:-0}
}

user_environment() {
    if [ -n "$user_locale" ]; then LC_ALL=$user_locale; else unset LC_ALL; fi
    exec "$@"
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

# Prints what the live command says, else the old cache under a line about its age.
serve_live() {
    cd "$start" || : # may be gone; what follows does not need it
    if find_cli; then
        run_live
        if [ "$code" = 0 ] && [ "$size" -gt 0 ]; then
            cat "$out"
            log "rc=0 bytes=$size"
            return
        fi
        log "rc=$code bytes=$size"
    else
        log 'skipped: iai-mcp CLI not found'
    fi
    [ -n "$stale" ] || return
    calendar "$cache_mtime"
    {
        printf 'iai-mcp: this memory was last refreshed on %s (%sh ago) and the refresh failed; ' \
            "$day" $((age / 3600))
        printf 'run "iai-mcp doctor".\n'
        cat
    } <"$cache"
    log "stale-served age=${age}s"
}

serve_live
