# shellcheck shell=sh
# The beginning of every hook of iai-mcp: a shell whose faults never reach the host; the store; its
# log; the time.
#
# Needs: `lib`, the folder of this file; `log_name`: the log is <store>/logs/<log_name>-<UTC day>.log.
# Gives: `lib` as an absolute path; `start`, the folder in which the hook was started; `user_locale`,
# the user's LC_ALL; `nl` and `tab`; `store`, empty when there is none; `refused`, not empty when the
# setting of the store cannot be used; `disabled`, not empty when memory is switched off; `next_char`,
# `is_plain`, `rings_wait`, `look`, `calendar`, `log`, and what these set.
# Environment: IAI_MCP_STORE, IAI_MCP_DISABLE.
#
# A function returns its results in variables, because a command substitution costs a process.
# `true >file` and `printf >file`, never `: >file`: a failed redirection of a special builtin ends a
# POSIX shell.
#
# shellcheck disable=SC2034,SC2154  # hooks and other files use what is set here, and set `lib`
# shellcheck disable=SC3067  # `test -O` is not POSIX, but dash, bash, busybox, zsh and ksh have it

exec 2>/dev/null # hosts show a hook's stderr to the user
umask 077
set -f
unset CDPATH
trap '' XFSZ PIPE # a full disk or a closed pipe is a failed write, not the end of the script
user_locale=${LC_ALL-}
LC_ALL=C # lengths and patterns count bytes
start=$PWD
case $lib in /*) ;; *) lib=$start/$lib ;; esac
nl='
'
tab='	'

# By the rules of tools/iai_memory/store_setting.py: `refused` is set where no folder is named, or
# not the same one for every host.
store=${IAI_MCP_STORE:-${HOME:+'~/.iai-mcp'}} refused=''
# shellcheck disable=SC2088,SC1083  # a host's configuration hands tilde and brace over as they are
case $store in
    '$'[ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_{]*) refused=1 ;;
    */'$'[ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_{]*) refused=1 ;;
    '' | /*) ;;
    '~' | '~/'*)
        case ${HOME-} in /*) store=$HOME${store#'~'} ;; *) refused=1 ;; esac
        ;;
    *) refused=1 ;;
esac
[ -z "$refused" ] || store=

# Anything that is not clearly a no keeps memory off.
disabled=1
case ${IAI_MCP_DISABLE:-0} in 0 | [Ff]alse | FALSE | [Nn]o | NO | [Oo]ff | OFF | [FfNn]) disabled= ;; esac

# Moves the first byte of `rest` to `char`.
next_char() {
    char=$rest
    rest=${rest#?}
    char=${char%"$rest"}
}

# True for a regular file that is no link, and for nothing: the opening of a pipe would wait.
is_plain() {
    # Looked at again, since a drain may take the file away or a hook make it between two looks.
    [ ! -L "$1" ] && { [ -f "$1" ] || [ ! -e "$1" ] || [ -f "$1" ] || [ ! -e "$1" ]; }
}

# True when a ring waits in the spool, in the file that hooks append to, in one that a drain took, or
# as the name of a file when the disk was full; and when no hook can ring, since something else stands
# there: who drains or renders says so.
rings_wait() {
    is_plain "$store/spool/doorbell.jsonl" || return 0
    set +f
    for waiting in "$store"/spool/lost-*; do
        [ -e "$waiting" ] || break
        set -f
        return
    done
    for waiting in "$store"/spool/doorbell*.json*; do
        [ -f "$waiting" ] && [ -s "$waiting" ] && break
    done
    set -f
    [ -f "$waiting" ] && [ -s "$waiting" ]
}

loggable='' now=''

# Sets `stats` to seconds of modification, size and octal mode of each file; links are followed.
stat_files() {
    stats=$(exec stat -L -c '%Y %s %a' "$@")
    [ -n "$stats" ] || stats=$(exec stat -L -f '%m %z %Lp' "$@") # BSD, macOS
}

# Sets `now`; for the file $1, if given, `mtime`, `size` and `mode`; for the files behind it `more`,
# the same three of each. A file that we have just written says what time it is: one process for all
# questions, and one clock.
look() {
    clock=$store/logs/.clock
    if may_log && is_plain "$clock" && printf . 1<>"$clock"; then
        stat_files "$clock" "$@"
    else
        stats=
        [ $# = 0 ] || stat_files "$@"
        stats="$(date -u +%s) 0 0 $stats"
    fi
    # shellcheck disable=SC2086  # splitting is the point
    set -- $stats
    now=${1-} mtime=${4-} size=${5-} mode=${6-} more=
    [ $# -le 6 ] || { shift 6 && more=$*; }
    case $now in '' | *[!0-9]*) now='' mtime='' ;; esac
    case $mtime in *[!0-9]*) mtime= ;; esac
}

# Sets `day` and `iso` for the second $1 since 1970, UTC. The civil calendar by the day count since
# 0000-03-01, so that a leap day is the last day of its year.
calendar() {
    days=$(($1 / 86400 + 719468))
    era=$((days / 146097))
    day_of_era=$((days % 146097))
    leap_days=$((day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096))
    year_of_era=$(((day_of_era - leap_days) / 365))
    day_of_year=$((day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100)))
    months_since_march=$(((5 * day_of_year + 2) / 153))
    month_day=$((day_of_year - (153 * months_since_march + 2) / 5 + 1))
    month=$((months_since_march + 3))
    year=$((year_of_era + era * 400))
    [ "$month" -le 12 ] || { month=$((month - 12)) && year=$((year + 1)); }
    hour=$(($1 % 86400 / 3600)) minute=$(($1 % 3600 / 60)) second=$(($1 % 60))
    two_digits "$month" && day=$year-$two_digits
    two_digits "$month_day" && day=$day-$two_digits
    two_digits "$hour" && iso=${day}T$two_digits
    two_digits "$minute" && iso=$iso:$two_digits
    two_digits "$second" && iso=$iso:${two_digits}Z
}

two_digits() {
    two_digits=$1
    [ "$1" -gt 9 ] || two_digits=0$1
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
    is_plain "$store/logs/$log_name-$day.log" &&
        printf '%s %s\n' "$iso" "$1" >>"$store/logs/$log_name-$day.log"
}
