"""Capture: what was said in the hosts' transcripts, verbatim, without what the hosts put there."""

from .books import Books
from .claude import ClaudeParser
from .codex import CodexParser
from .discovery import find_transcripts, transcript_root
from .drain import Drain, Drained
from .importer import Selection, import_transcript
from .lines import MAX_LINE_BYTES, FileCursor
from .sessions import Session, Sessions, last_capture_notice
from .spool import Spool
from .transcript import detect_host, read_transcript
from .turns import MAX_TEXT_BYTES, Host, Outcome, Parsed, Reason, Role, Skipped, Turn
from .waiting import Waiting, waiting_turns

__all__ = [
    "MAX_LINE_BYTES",
    "MAX_TEXT_BYTES",
    "Books",
    "ClaudeParser",
    "CodexParser",
    "Drain",
    "Drained",
    "FileCursor",
    "Host",
    "Outcome",
    "Parsed",
    "Reason",
    "Role",
    "Selection",
    "Session",
    "Sessions",
    "Skipped",
    "Spool",
    "Turn",
    "Waiting",
    "detect_host",
    "find_transcripts",
    "import_transcript",
    "last_capture_notice",
    "read_transcript",
    "transcript_root",
    "waiting_turns",
]
