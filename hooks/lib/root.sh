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

# Sets `place`: `here` for a path of this system, `elsewhere` for one of Windows, `unknown` for a
# relative one, of which nobody says where it starts. Then `here`, the real folder of $1 or of its
# nearest ancestor that can be entered; `root`, the top of its repository or the root of the file
# system; and `ignored` when a folder from here to there says that memory stays out. Of a path of
# Windows only `spelled` is set; for a relative one the folder is `start`.
find_root() {
    spelled=$1 ignored=''
    find_place
    case $place in
        elsewhere) return ;;
        unknown) spelled=$start ;;
    esac
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

# Sets `place` for `spelled`, and takes the slashes at the end off a path of Windows.
find_place() {
    place=unknown
    case $spelled in
        /*) place=here ;;
        \\*) place=elsewhere ;;
        ?: | ?:/* | ?:\\*)
            case $spelled in [ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz]*) place=elsewhere ;; esac
            ;;
    esac
    [ "$place" = elsewhere ] || return
    while :; do case $spelled in ?*/ | ?*\\) spelled=${spelled%?} ;; *) break ;; esac done
}

is_bare() {
    [ -f "$root/HEAD" ] && [ -d "$root/objects" ] && [ -d "$root/refs" ]
}
