# shellcheck shell=sh
# The repository that a folder is part of, and whether memory stays out of it.
#
# Needs: common.sh.
# Gives: `physical` and `find_root`, and what these set. A path has no slash at its end, so the root
# of the file system is the empty string.
#
# shellcheck disable=SC2034,SC2154  # other files use what is set here; common.sh sets `start`

# Sets `real` to the folder $1 with every link resolved; fails when it cannot be entered.
physical() {
    cd -P "${1:-/}" || return
    real=${PWD%/}
    while :; do case $real in //*) real=${real#/} ;; *) break ;; esac done
}

# Sets `here`, the real folder of $1 or of its nearest ancestor that can be entered; `root`, the top
# of its repository or the root of the file system; and `ignored` when a folder from here to there
# says that memory stays out.
find_root() {
    spelled=$1 ignored=''
    case $spelled in /*) ;; *) spelled=$start/$spelled ;; esac
    while :; do case $spelled in */) spelled=${spelled%/} ;; *) break ;; esac done
    while :; do case $spelled in //*) spelled=${spelled#/} ;; *) break ;; esac done
    folder=$spelled
    until physical "$folder"; do folder=${folder%/*}; done
    here=$real root=$real
    while :; do
        [ -e "$root/.iai-mcp-ignore" ] && ignored=1
        if [ -z "$root" ] || [ -e "$root/.git" ] || is_bare; then break; fi
        root=${root%/*}
    done
}

is_bare() {
    [ -f "$root/HEAD" ] && [ -d "$root/objects" ] && [ -d "$root/refs" ]
}
