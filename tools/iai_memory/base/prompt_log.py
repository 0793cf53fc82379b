"""The log of prompts, `logs/prompt-<UTC date>.log`: what was said at each, without a word of it.

A server writes what it answered, the hook what nobody did. A line is a time, one of `WORDS`, and
what belongs to it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from .clock import utc_now
from .files import PRIVATE_FILE, make_private_folder
from .paths import StorePaths

WORDS: Final = ("said", "silent", "late", "unanswered", "failed")
MAX_FILES: Final = 14
_USED_DAYS: Final = 7
_TAIL_BYTES: Final = 256 << 10
_SAFE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINE: Final = re.compile(
    rf"(\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ({'|'.join(WORDS)})\b ?(.{{0,200}})"
)


@dataclass(frozen=True, slots=True)
class PromptCounts:
    """What became of the prompts of the last day.

    Attributes:
        counts: Prompts by the first word of their line.
        last: When nobody answered last, and why; None where all were answered.
    """

    counts: Counter[str]
    last: tuple[datetime, str] | None

    @property
    def answered(self) -> int:
        """Prompts that a server answered, mostly with nothing."""
        return self.counts["said"] + self.counts["silent"]

    @property
    def unanswered(self) -> int:
        """Prompts that nobody answered in time, or that the hook could not ask about."""
        return self.counts["unanswered"] + self.counts["failed"]


class PromptLog:
    """The log of one store; servers of one store append to one file."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the log; nothing is created until the first line."""
        self._folder = paths.logs

    def write(self, line: str) -> None:
        """Append a line; every day's first removes the files before the newest 14.

        Raises:
            OSError: The file cannot be written.
            StoreUnavailable: The folder cannot be made.
        """
        now = utc_now()
        make_private_folder(self._folder)
        path = self._file(now)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, PRIVATE_FILE)
        try:
            os.write(descriptor, f"{now:%Y-%m-%dT%H:%M:%SZ} {line}\n".encode())
        finally:
            os.close(descriptor)
        if is_new:
            for old in sorted(self._folder.glob("prompt-*.log"))[:-MAX_FILES]:
                old.unlink(missing_ok=True)

    def counts(self) -> PromptCounts:
        """Return what became of the prompts of the last 24 hours."""
        now = utc_now()
        since = f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        counts: Counter[str] = Counter()
        last: tuple[datetime, str] | None = None
        for day in (now - timedelta(days=1), now):
            for at, word, rest in _lines(self._file(day)):
                if at < since:
                    continue
                counts[word] += 1
                if word in ("unanswered", "failed"):
                    last = datetime.fromisoformat(at), rest
        return PromptCounts(counts, last)

    def is_in_use(self) -> bool:
        """Return whether a host's hook asked at a prompt of this store within a week."""
        now = utc_now()
        days = (now - timedelta(days=ago) for ago in range(_USED_DAYS + 1))
        return any(os.access(self._file(day), os.F_OK) for day in days)

    def _file(self, day: datetime) -> Path:
        return self._folder / f"prompt-{day:%Y-%m-%d}.log"


def _lines(path: Path) -> list[tuple[str, str, str]]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _SAFE), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return []  # none, or nothing that anybody logs to
    return [(m[1], m[2], m[3]) for line in tail.split("\n") if (m := _LINE.fullmatch(line))]
