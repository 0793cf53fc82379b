# shellcheck shell=sh
# The project of a folder and its key, by the rules of tools/iai_memory/projects/identity.py; a test
# holds the two together.
#
# Needs: common.sh, root.sh.
# Environment: HOME, for `~/.ssh/config`.
# Gives: `find_project`, and what it sets.
#
# shellcheck disable=SC2034,SC2154  # other files use what is set here; common.sh and root.sh set more

# Sets `project` (name), `key`, `top` (its top folder; empty for a share) and `ignored` for the folder
# $1; the first three are empty for a relative one, which is of no project.
find_project() {
    find_root "$1"
    project='' config='' key='' top=''
    [ "$place" != unknown ] || return
    if [ "$place" = elsewhere ]; then
        project=$spelled
        project_key "$project"
        return
    fi
    top=$here
    if [ -e "$root/.git" ]; then
        work_tree
    elif is_bare; then
        top=${root%/.git} config=$root/config
    elif [ "$folder" != "$spelled" ]; then
        top=$spelled
    fi
    # Whoever made the folder chose what stands there: a pipe, a device.
    if [ -f "$config" ] && remote_url; then remote_name "$url"; fi
    [ -n "$project" ] || project=${top:-/}
    project_key "$project"
}

# Sets `top`, the main working tree, and `config` of the repository whose `.git` is in $root.
work_tree() {
    top=$root
    if [ -d "$root/.git" ]; then
        config=$root/.git/config
        return
    fi
    [ -f "$root/.git" ] || return
    first_line "$root/.git"
    case $line in gitdir:*) ;; *) return ;; esac
    trim_left "${line#gitdir:}"
    joined "$root" "$trimmed"
    git_dir=$path config=$path/config
    [ -f "$git_dir/commondir" ] || return
    first_line "$git_dir/commondir"
    joined "$git_dir" "$line"
    config=
    physical "$path" || return
    top=${real%/.git} config=$real/config
}

# Sets `text` to the whole lines among the first 64 KiB of the file $1.
read_beginning() {
    if [ -n "${BASH_VERSION-}" ]; then
        # shellcheck disable=SC3045  # bash has -d and -n
        IFS= read -r -d '' -n 65536 text <"$1"
        [ ${#text} -lt 65536 ] || text=${text%"$nl"*}
        return
    fi
    # No bound on a line here: a limit of CPU time ends a child, which costs less than a program.
    text=$(
        # shellcheck disable=SC3045  # dash, busybox and the ksh kin have -t
        ulimit -t 1
        left=65536
        while IFS= read -r line || [ -n "$line" ]; do
            left=$((left - ${#line} - 1))
            [ "$left" -ge 0 ] || break
            printf '%s\n' "$line"
        done <"$1"
    )
}

# Sets `url` to the first url of the remote origin, else of the first remote that has one.
remote_url() {
    url='' remote=''
    read_beginning "$config"
    IFS=$nl
    for line in $text; do
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
    done
    IFS=" $tab$nl"
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
            port=
            ssh_host
            case $port in '' | 22) ;; *) host=$host:$port ;; esac
            ;;
    esac
    while :; do case $path in /*) path=${path#/} ;; *) break ;; esac done
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    path=${path%.git}
    while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
    lower "$host"
    host=${lowered#www.}
    case ${host%:443} in
        ssh.github.com) host=github.com ;;
        altssh.gitlab.com) host=gitlab.com ;;
        altssh.bitbucket.org) host=bitbucket.org ;;
    esac
    project=$host${path:+/$path}
    case $path in */*)
        lower "${path%%/*}"
        project=$host/$lowered/${path#*/}
        ;;
    esac
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
    port=
    case ${host##*]} in *:*) port=${host##*:} host=${host%:*} ;; esac
    case $scheme in ssh | git+ssh | ssh+git)
        scheme=ssh
        ssh_host
        ;;
    esac
    case $scheme:$port in
        *: | ssh:22 | http:80 | https:443 | git:9418) ;;
        *) host=$host:$port ;;
    esac
}

# Makes `host` and `port` of an ssh address those of `~/.ssh/config`; by the rules of
# tools/iai_memory/projects/ssh_config.py.
ssh_host() {
    lower "$host"
    case $lowered in github.com | gitlab.com | bitbucket.org) return ;; esac
    case ${HOME-} in /*) ;; *) return ;; esac
    [ -f "$HOME/.ssh/config" ] || return
    asked=$lowered name='' name_port='' active=1
    read_beginning "$HOME/.ssh/config"
    IFS=$nl
    for line in $text; do
        trim "$line"
        line=$trimmed
        keyword=${line%%[!ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz]*}
        value=${line#"$keyword"}
        case $keyword:$value in
            :*) continue ;;
            *:[[:space:]=]*) ;;
            *) continue ;;
        esac
        trim_left "$value"
        case $trimmed in =*) trim_left "${trimmed#=}" ;; esac
        value=$trimmed
        while :; do case $value in *\"*) value=${value%%\"*}${value#*\"} ;; *) break ;; esac done
        case $keyword in
            [Hh][Oo][Ss][Tt]) is_meant ;;
            [Mm][Aa][Tt][Cc][Hh]) active= ;;
            [Hh][Oo][Ss][Tt][Nn][Aa][Mm][Ee]) [ -z "$active" ] || name=${name:-$value} ;;
            [Pp][Oo][Rr][Tt]) [ -z "$active" ] || name_port=${name_port:-$value} ;;
        esac
    done
    IFS=" $tab$nl"
    path_before=$path path=
    while :; do
        case $name in *%h*) ;; *) break ;; esac
        path=$path${name%%%h*}$host name=${name#*%h}
    done
    name=$path$name path=$path_before
    host=${name:-$host} port=${port:-$name_port}
}

# Sets `active` if one of the patterns in `value` matches `asked`, and none behind a `!`.
is_meant() {
    active=
    IFS=" $tab"
    for pattern in $value; do
        lower "${pattern#!}"
        case $lowered in '' | *[!abcdefghijklmnopqrstuvwxyz0123456789._:*?-]*) continue ;; esac
        # shellcheck disable=SC2254  # it is a pattern
        case $asked in $lowered) ;; *) continue ;; esac
        case $pattern in '!'*)
            active=
            break
            ;;
        esac
        active=1
    done
    IFS=$nl
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
    read_beginning "$1"
    line=${text%%"$nl"*}
    line=${line%"${line##*[![:space:]]}"}
}
