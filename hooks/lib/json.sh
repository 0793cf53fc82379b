# shellcheck shell=sh
# The host's JSON: the folder of the session out of it, without a JSON parser.
#
# Needs: common.sh; `lib`, the folder with json_escapes.sh.
# Gives: `read_cwd` and `json_cwd`, which set `cwd`; `read_cwd` also sets `json`, all that it read.
#
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154  # common.sh sets `nl` and `tab`, `next_char` sets `char`

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
        *\\*)
            # shellcheck source=json_escapes.sh
            . "$lib/json_escapes.sh" # few folders need it, and every session would wait for it
            json_unescape "$found"
            ;;
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
