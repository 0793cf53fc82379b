# shellcheck shell=sh
# The mark of the process that waits for a store's rings, and drains them when no server does.
#
# Needs: common.sh.
# Gives: `waiter`, the file with its number; `again`, the file by which others ask it for another
# round; and `is_waiting`, which sets `pid`.
#
# Who asks makes `again` first and looks for the waiter then; the waiter takes its mark away first and
# looks for `again` then. So one of the two sees the other.
#
# shellcheck disable=SC2034,SC2154  # other files use `again`; common.sh sets `store`

waiter=$store/spool/.waiter again=$store/spool/.waiter-again

# True when the process of the mark runs iai-mcp-drain.sh, and is not just somebody who got its number.
is_waiting() {
    pid='' words=''
    is_plain "$waiter" && read -r pid <"$waiter"
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    kill -0 "$pid" || return
    if [ -r "/proc/$pid/cmdline" ]; then
        IFS= read -r words <"/proc/$pid/cmdline"
    elif [ ! -r /proc/self/cmdline ]; then
        words=$(ps -o args= -p "$pid")
    fi
    case $words in *iai-mcp-drain.sh*) ;; *) return 1 ;; esac
}
