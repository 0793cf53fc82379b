# shellcheck shell=sh
# The escapes of a JSON string.
#
# Needs: common.sh.
# Gives: `json_unescape`, which sets `cwd`.
#
# shellcheck disable=SC2034,SC2154  # other files use `cwd`; `next_char` sets `char`

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
