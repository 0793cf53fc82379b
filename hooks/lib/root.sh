# shellcheck shell=sh
# The repository that a folder is part of, and whether memory stays out of it.
#
# Needs: common.sh.
# Gives: `physical`, `find_root` and `lower`, and what these set. A path has no slash at its end, so the root
# of the file system is the empty string.
#
# shellcheck disable=SC2034,SC2154  # other files use what is set here; common.sh sets `start`

# Sets `real` to the folder $1 with every link resolved; fails when it cannot be entered.
physical() {
    cd -P "${1:-/}" || return
    real=${PWD%/}
    while :; do case $real in //*) real=${real#/} ;; *) break ;; esac done
}

# Sets `place`: `here` for a path of this system and for one of Windows, which is taken as WSL has it;
# `elsewhere` for the share of another machine, `unknown` for a relative one, of which nobody says where
# it starts. Then `here`, the real folder of $1 or of its
# nearest ancestor that can be entered; `root`, the top of its repository or the root of the file
# system; and `ignored` when a folder from here to there says that memory stays out. Of a share only
# `spelled` is set; for a relative one the folder is `start`.
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

# Sets `place` for `spelled`, and makes a path of Windows one of this system.
find_place() {
    place=unknown
    case $spelled in
        \\* | //'?'/* | //[Ww][Ss][Ll]'$'/* | //[Ww][Ss][Ll].[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]/*)
            posix_folder
            ;;
        /*) place=here ;;
        ?: | ?:/* | ?:\\*)
            case $spelled in [ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz]*) posix_folder ;; esac
            ;;
    esac
}

# Makes `spelled`, a path of Windows, one of WSL, and sets `place`.
posix_folder() {
    place=here path=
    while :; do
        case $spelled in *\\*) ;; *) break ;; esac
        path=$path${spelled%%\\*}/ spelled=${spelled#*\\}
    done
    spelled=$path$spelled lead=
    case $spelled in
        //'?'/[Uu][Nn][Cc]/*) spelled=//${spelled#//?/????} ;;
        //'?'/[ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz]: | //'?'/[ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz]:/*) spelled=${spelled#//?/} ;;
    esac
    case $spelled in //*) lead=// ;; /*) lead=/ ;; esac
    while :; do case $spelled in /*) spelled=${spelled#/} ;; *) break ;; esac done
    while :; do case $spelled in *//*) spelled=${spelled%%//*}/${spelled#*//} ;; *) break ;; esac done
    spelled=$lead${spelled%/}
    case $spelled in
        //[Ww][Ss][Ll]'$'/* | //[Ww][Ss][Ll].[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]/*)
            spelled=${spelled#//*/}
            case $spelled in */*) spelled=/${spelled#*/} ;; *) spelled=/ ;; esac
            ;;
        [!/]:*)
            path=${spelled#?}
            lower "${spelled%"$path"}"
            spelled=/mnt/$lowered${path#:}
            ;;
        //) spelled=/ ;;
        //*) place=elsewhere ;;
    esac
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

is_bare() {
    [ -f "$root/HEAD" ] && [ -d "$root/objects" ] && [ -d "$root/refs" ]
}
