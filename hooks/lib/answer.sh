# shellcheck shell=sh
# What the recall hook answers a host that wants JSON.
#
# Needs: json.sh and what it read, `json` and `cwd`; `lib`, the folder with answer.awk.
# Gives: `find_shape`, which sets `shape` to text or to a shape of JSON, and `answer_in_json`.
# Environment: IAI_MCP_ANSWER, which connect writes before the command of the hook.
#
# shellcheck disable=SC2154  # json.sh sets `json` and `cwd`

# Some hosts run the hooks that another host was given (VS Code, Cursor and Copilot CLI those of Claude
# Code): they are known by the keys that they write. A quote in a text is escaped, so it cannot pass for
# that of a key.
find_shape() {
    case ${IAI_MCP_ANSWER-} in text | hook | cursor | copilot)
        shape=$IAI_MCP_ANSWER
        return
        ;;
    esac
    case $json in
        *'"hookEventName"'*) shape=hook ;; # VS Code
        *'"conversation_id"'*) shape=cursor ;;
        *'"sessionId"'*) shape=copilot ;;
        *) shape=text ;;
    esac
}

# Runs the hook $1 again for text, and prints that as the host wants it; nothing where there is none.
answer_in_json() {
    case $shape in
        hook) head='{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"' tail='"}}' ;;
        cursor) head='{"additional_context":"' tail='"}' ;;
        *) head='{"additionalContext":"' tail='"}' ;;
    esac
    [ -n "$cwd" ] || name_first_root
    page=$(printf '%s\n' "$json" | IAI_MCP_ANSWER=text sh "$1" | awk -f "$lib/answer.awk")
    [ -z "$page" ] || printf '%s%s%s\n' "$head" "$page" "$tail"
}

# Cursor names the folders of its window in a list, and starts hooks elsewhere.
name_first_root() {
    case $json in *'"workspace_roots"'*) ;; *) return ;; esac
    root=${json#*'"workspace_roots"'}
    root=${root#*\"}
    root=${root%%\"*}
    case $root in *\\*) ;; /*) json="{\"cwd\":\"$root\"}" ;; esac
}
