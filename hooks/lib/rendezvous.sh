# shellcheck shell=sh
# Where hooks and the servers of a store meet.
#
# Needs: common.sh. Gives: `run`, the folder; `ask`, a FIFO that every server waits on;
# `is_awaited`.
#
# shellcheck disable=SC2154  # hooks and common.sh set what is used here
# shellcheck disable=SC3067  # `test -O` is not POSIX, but every shell we meet has it

run=$store/run ask=$store/run/ask

# True when a server waits at the FIFO, and both are ours.
is_awaited() {
    [ -p "$ask" ] && ! [ -L "$ask" ] && [ -O "$ask" ] || return
    ! [ -L "$run" ] && [ -O "$run" ] && [ -O "$store" ] || return
    set +f
    for mark in "$run"/server-*; do
        if [ -f "$mark" ] && ! [ -L "$mark" ] && kill -0 "${mark##*-}" && is_its_server; then
            set -f
            return
        fi
    done
    set -f
    return 1
}

# True when the process that `mark` names began when the mark says: the number of a server that was
# killed may be another process's by now. True where nobody tells.
is_its_server() {
    began='' about=''
    read -r began <"$mark"
    [ -n "$began" ] && read -r about <"/proc/${mark##*-}/stat" || return 0
    # shellcheck disable=SC2086 # into its fields; the name before them may hold anything
    set -- ${about##*) }
    [ "${20-}" = "$began" ]
}
