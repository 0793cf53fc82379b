"""The hosts' own texts among the turns of a transcript, recognised by their markers.

A text is the host's if it *starts* with one of a host's markers, after white space. A marker
further inside does not count: the hosts keep their reminders in lines of their own, so a marker in
running prose is a quotation and is kept verbatim. In every text the markers of all hosts count:
people paste the words of one host into another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...text.fence import has_fence
from ..turn import Host, Reason

HOST_TAGS: Final[Mapping[Host, tuple[str, ...]]] = {
    "claude-code": (
        "bash-input",
        "bash-stderr",
        "bash-stdout",
        "command-args",
        "command-contents",
        "command-message",
        "command-name",
        "ide_diagnostics",
        "ide_opened_file",
        "ide_selection",
        "local-command-caveat",
        "local-command-stderr",
        "local-command-stdout",
        "new-diagnostics",
        "post-tool-use-hook",
        "session-start-hook",
        "system-reminder",
        "task-notification",
        "user-memory-input",
        "user-prompt-submit-hook",
    ),
    "codex": (
        "apps_instructions",
        "collaboration_mode",
        "environment_context",
        "model_switch",
        "permissions instructions",
        "plugins_instructions",
        "skills_instructions",
        "subagent_notification",
        "user_action",
        "user_instructions",
        "user_shell_command",
    ),
}
"""Tags that a host opens its own texts with."""

_TAGS: Final = "|".join(re.escape(tag) for tags in HOST_TAGS.values() for tag in tags)
_HOST_MARKER: Final = re.compile(rf"\s*(?:<(?:{_TAGS})[\s>]|# AGENTS\.md instructions for )")
_INTERRUPTED: Final = re.compile(r"\s*(?:\[Request interrupted|<turn_aborted>)")
_COMPACTION: Final = re.compile(
    r"\s*(?:This session is being continued from a previous conversation"
    r"|Another language model started to solve this problem)"
)


def skip_reason(text: str) -> Reason | None:
    """Return why a text is no turn; None if somebody said it."""
    if has_fence(text):
        return "own_payload"
    if _INTERRUPTED.match(text):
        return "interrupted"
    if _COMPACTION.match(text):
        return "compaction"
    if _HOST_MARKER.match(text):
        return "host_marker"
    if not text or text.isspace():
        return "empty"
    return None
