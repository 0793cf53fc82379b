# shellcheck shell=sh
# The `iai-mcp` command, found and run as the user would run it.
#
# Needs: common.sh.
# Gives: `find_cli`, which sets `cli`, and `user_environment`.
# Environment: IAI_MCP_CLI, HOME.
#
# shellcheck disable=SC2154  # common.sh sets `user_locale`

find_cli() {
    for cli in "${IAI_MCP_CLI:-}" iai-mcp "${HOME:-}/.local/bin/iai-mcp"; do
        cli=$(command -v "$cli") && [ -x "$cli" ] && return
    done
    return 1
}

# Becomes the command "$@", in the user's locale; hosts, and whoever reads the log, take what it says
# for UTF-8.
user_environment() {
    PYTHONIOENCODING=utf-8:backslashreplace
    export PYTHONIOENCODING
    if [ -n "$user_locale" ]; then LC_ALL=$user_locale; else unset LC_ALL; fi
    exec "$@"
}
