"""Telling what a person or a model said from what the host put into the same place.

A text is the host's when it *starts* with one of the host's markers, after white space. A marker
further inside is left alone: the hosts' transcripts keep their reminders in lines of their own, so
a marker in running prose is somebody quoting it, and verbatim wins.
"""

from __future__ import annotations

import re
from typing import Final

from ...text.fence import has_fence
from ..turn import Reason

_HOST_TAGS: Final = (
    # Claude Code
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
    # Codex
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
)

_HOST_MARKER: Final = re.compile(
    rf"\s*(?:<(?:{'|'.join(map(re.escape, _HOST_TAGS))})[\s>]|# AGENTS\.md instructions for )"
)
_INTERRUPTED: Final = re.compile(r"\s*(?:\[Request interrupted|<turn_aborted>)")
_COMPACTION: Final = re.compile(
    r"\s*(?:This session is being continued from a previous conversation"
    r"|Another language model started to solve this problem)"
)


def noise(text: str) -> Reason | None:
    """Returns why a text is not something that was said, or None when it was."""
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
