"""Capture: what was said in the hosts' transcripts, verbatim, without what the hosts put there."""

from .books import Books
from .claude import ClaudeParser
from .codex import CodexParser
from .discovery import find_transcripts, transcript_root
from .importer import Selection, import_transcript, to_memory
from .lines import MAX_LINE_BYTES, FileCursor
from .transcript import detect_host, read_transcript
from .turns import MAX_TEXT_BYTES, Host, Outcome, Parsed, Reason, Role, Skipped, Turn

__all__ = [
    "MAX_LINE_BYTES",
    "MAX_TEXT_BYTES",
    "Books",
    "ClaudeParser",
    "CodexParser",
    "FileCursor",
    "Host",
    "Outcome",
    "Parsed",
    "Reason",
    "Role",
    "Selection",
    "Skipped",
    "Turn",
    "detect_host",
    "find_transcripts",
    "import_transcript",
    "read_transcript",
    "to_memory",
    "transcript_root",
]
