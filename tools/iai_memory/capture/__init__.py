"""Capture: what was said in the hosts' transcripts, verbatim, without what the hosts put there."""

from .claude import ClaudeParser
from .codex import CodexParser
from .discovery import find_transcripts, transcript_root
from .lines import MAX_LINE_BYTES, FileCursor
from .transcript import detect_host, read_transcript
from .turns import MAX_TEXT_BYTES, Host, Outcome, Parsed, Reason, Role, Skipped, Turn

__all__ = [
    "MAX_LINE_BYTES",
    "MAX_TEXT_BYTES",
    "ClaudeParser",
    "CodexParser",
    "FileCursor",
    "Host",
    "Outcome",
    "Parsed",
    "Reason",
    "Role",
    "Skipped",
    "Turn",
    "detect_host",
    "find_transcripts",
    "read_transcript",
    "transcript_root",
]
