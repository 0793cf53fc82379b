"""One row for each host whose transcripts can be read: folder, detection, parser.

A new host is a module with its parser, a row here, and its own words in `markers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from .locations import claude_code_home, codex_home

if TYPE_CHECKING:
    from ..file_hints import FileHints
    from ..turn import Host, LineOutcome


class Parser(Protocol):
    """A parser of the lines of one transcript, in order."""

    def parse(self, fields: dict[str, Any], line: bytes) -> LineOutcome:
        """Return the turn of an object, why it is skipped, or None for a kind that is never one.

        Args:
            fields: The object.
            line: The bytes of the line that it stands in, for an id where it has none.

        Raises:
            Malformed: It has not the shape that the host writes.
        """
        ...

    def state(self) -> Mapping[str, Any] | None:
        """Return what later lines need of those before: small, JSON, never changed in place."""
        ...


@dataclass(frozen=True, slots=True)
class TranscriptHost:
    """A host that writes transcripts.

    Attributes:
        name: As records store it.
        command: Its name in `iai-mcp import`.
        title: Its transcripts, as help texts call them.
        folders: Returns the folders of its transcripts, whether or not they exist.
        patterns: Globs of their file names.
        wrote: Whether it wrote a decoded line.
        parser: Returns a parser for one transcript, from the `state` of an earlier one on.
    """

    name: Host
    command: str
    title: str
    folders: Callable[[], tuple[Path, ...]]
    patterns: tuple[str, ...]
    wrote: Callable[[Mapping[str, Any]], bool]
    parser: Callable[[Mapping[str, Any] | None, FileHints], Parser]


# The parsers are imported when a transcript is read: `iai-mcp --help` lists the hosts too.


def _claude_code_wrote(fields: Mapping[str, Any]) -> bool:
    from .claude_code import wrote

    return wrote(fields)


def _claude_code_parser(state: Mapping[str, Any] | None, hints: FileHints) -> Parser:
    from .claude_code import ClaudeParser

    return ClaudeParser(state, hints)


def _codex_wrote(fields: Mapping[str, Any]) -> bool:
    from .codex import wrote

    return wrote(fields)


def _codex_parser(state: Mapping[str, Any] | None, hints: FileHints) -> Parser:
    from .codex import CodexParser

    return CodexParser(state, hints)


HOSTS: Final[Mapping[Host, TranscriptHost]] = {
    "claude-code": TranscriptHost(
        name="claude-code",
        command="claude",
        title="Claude Code transcripts",
        folders=lambda: (claude_code_home() / "projects",),
        patterns=("*.jsonl", "*.jsonl.zst"),
        wrote=_claude_code_wrote,
        parser=_claude_code_parser,
    ),
    "codex": TranscriptHost(
        name="codex",
        command="codex",
        title="Codex rollouts",
        folders=lambda: (codex_home() / "archived_sessions", codex_home() / "sessions"),
        patterns=("rollout-*.jsonl", "rollout-*.jsonl.zst"),
        wrote=_codex_wrote,
        parser=_codex_parser,
    ),
}
