# The host's JSON to a ring: four of its fields, and no text of the conversation.
#
# Reads a JSON object of any length and layout on stdin, split at its quotes, so that a prompt of
# megabytes costs no more than its reading. Only strings that are members of the object itself count,
# wherever they stand; of two with one name the first. Stops looking once it has all four, so what
# follows need not be JSON.
#
# A host that runs the hooks of another and writes other keys gets no ring: nobody could read its
# transcript. They are VS Code (hookEventName), Copilot CLI (sessionId) and Cursor (conversation_id).
#
# Prints, one a line: `J` when there was an object; `f` when the host is such a one; `e`, `c` and `t` before the text between the
# quotes of the event, the folder and the transcript's path; `r` before the ring, which ends where
# the time goes; `+` when it left some of stdin unread. A field that is no JSON string, or longer
# than a path may be, is left out.

BEGIN {
    RS = "\""
    LONGEST = 24576 # each byte of PATH_MAX as \u00XX
    NAMES = split("hook_event_name session_id transcript_path cwd", wanted, " ")
    for (i = 1; i <= NAMES; i++) is_wanted[wanted[i]] = 1
    split("hookEventName sessionId conversation_id", others, " ")
    for (i in others) is_of_another[others[i]] = 1
}

# All that counts was read; a host should still see its stdin read to the end.
told {
    rest += length($0)
    if (rest > 65536) {
        print "+"
        exit
    }
    next
}

in_string {
    end = size = length($0)
    while (end && substr($0, end, 1) == "\\") end--
    escaped = (size - end) % 2 # the quote belongs to the string
    if (keep) {
        string = string $0 (escaped ? "\"" : "")
        keep = length(string) <= LONGEST
    }
    in_string = escaped
    next
}

# Between two strings.
{
    if (NR == 1) {
        sub(/^\357\273\277/, "")
        if ($0 !~ /^[ \t\r\n]*[{]/) exit
        print "J"
    } else if (depth == 1) {
        if (name != "") {
            if (keep && $0 ~ /^[ \t\r\n]*(,|[}])/) found(name, string)
            name = ""
        } else if (keep && $0 ~ /^[ \t\r\n]*:[ \t\r\n]*$/) {
            name = string
        }
    }
    if ($0 ~ /[][}{]/) depth += gsub(/[[{]/, "") - gsub(/[]}]/, "")
    in_string = 1
    string = ""
    keep = depth == 1
}

function found(name, value) {
    if (name in is_of_another) foreign = 1
    if (!(name in is_wanted) || name in ring) return
    plain = value
    gsub(/\\(["\\\/bfnrt]|u[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f])/, "", plain)
    if (plain ~ /[\\\001-\037]/) return
    ring[name] = value
    if (++fields == NAMES) tell()
}

function tell(    i, line, name) {
    told = 1
    if (foreign) {
        print "f"
        return
    }
    for (i = 1; i <= NAMES; i++) {
        name = wanted[i]
        if (!(name in ring)) continue
        line = line (line == "" ? "{" : ",") "\"" (i == 1 ? "event" : name) "\":\"" ring[name] "\""
    }
    if ("hook_event_name" in ring) print "e" ring["hook_event_name"]
    if ("cwd" in ring) print "c" ring["cwd"]
    if ("transcript_path" in ring) print "t" ring["transcript_path"]
    if (line != "") print "r" line
}

END { if (!told) tell() }
