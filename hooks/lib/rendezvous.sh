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
        if kill -0 "${mark##*-}"; then
            set -f
            return
        fi
    done
    set -f
    return 1
}
