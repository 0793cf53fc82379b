"""The event ledger: a JSON object a line, appended by every process; nothing is decided by it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .clock import iso, utc_now
from .files import PRIVATE_FILE, make_private_folder
from .locks import held
from .paths import StorePaths

MAX_BYTES = 4 << 20
REPEAT_AFTER = timedelta(minutes=10)
_log = logging.getLogger(__name__)


class Ledger:
    """The store's ledger: this process's events are appended, those of all processes read."""

    def __init__(self, paths: StorePaths, clock: Callable[[], datetime] = utc_now) -> None:
        """Bind the ledger of the store at `paths`; nothing is created until the first event."""
        self._paths = paths
        self._clock = clock
        self._repeats: dict[tuple[str, str], _Repeat] = {}

    @property
    def current(self) -> Path:
        """The file that events are appended to."""
        return self._paths.ledger / "events.jsonl"

    @property
    def previous(self) -> Path:
        """The file that was current before the last rotation."""
        return self._paths.ledger / "events.1.jsonl"

    def write(self, event: str, **fields: Any) -> None:
        """Append one event; a ledger that cannot be written is logged, and no error is raised.

        A line is one `write` on a descriptor opened for appending, so that lines of several
        processes do not mix.
        """
        line = json.dumps(
            {"at": iso(self._clock()), "event": event, "pid": os.getpid(), **fields},
            ensure_ascii=False,
            default=str,
        )
        try:
            make_private_folder(self._paths.ledger)
            self._rotate_if_large()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self.current, flags, PRIVATE_FILE)
            try:
                os.write(descriptor, line.encode("utf-8", "replace") + b"\n")
            finally:
                os.close(descriptor)
        except OSError as exc:
            _log.warning(
                "%s cannot be written (%s): run `iai-mcp doctor`", self.current, exc.strerror
            )
        except Exception:  # noqa: BLE001 - see below
            # The ledger reports failures; it must never be one.
            _log.exception("the event %s could not be written to %s", event, self.current)

    def write_changed(self, event: str, equal_by: tuple[str, ...] = (), /, **fields: Any) -> None:
        """Like `write`, but repeats an equal event only once in ten minutes.

        Args:
            event: Its name.
            equal_by: Values by which two events are equal; other fields (a duration) do not count.
            fields: As for `write`; `repeats` counts the equal events left out before. Each value
                of the field `section` has repeats of its own.
        """
        section = str(fields.get("section", ""))
        repeat = self._repeats.get((event, section))
        now = self._clock()
        same = repeat is not None and repeat.equal_by == equal_by
        if repeat is not None and same and now - repeat.at < REPEAT_AFTER:
            repeat.count += 1
            return
        left_out = repeat.count if repeat is not None and same else 0
        self._repeats[event, section] = _Repeat(equal_by, now)
        self.write(event, **fields, **({"repeats": left_out} if left_out else {}))

    def forget_repeats(self, section: str = "") -> None:
        """Let the next `write_changed` of each event of that section write in any case."""
        self._repeats = {key: kept for key, kept in self._repeats.items() if key[1] != section}

    def newest(self, limit: int, *, event: str | None = None) -> list[dict[str, Any]]:
        """Return the newest events, newest first; lines that are no JSON objects are skipped."""
        found: list[dict[str, Any]] = []
        for line in self._lines_backwards():
            try:
                item = json.loads(line)
            except ValueError:
                continue
            if isinstance(item, dict) and (event is None or item.get("event") == event):
                found.append(item)
                if len(found) == limit:
                    break
        return found

    def last(self, event: str) -> dict[str, Any] | None:
        """Return the newest event of that name; None if there is none."""
        found = self.newest(1, event=event)
        return found[0] if found else None

    def _lines_backwards(self) -> Iterator[str]:
        for path in (self.current, self.previous):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            # JSON leaves U+2028 and U+0085 as they are, and `splitlines` would cut an event there.
            yield from reversed(text.split("\n"))

    def _rotate_if_large(self) -> None:
        if not self.current.exists() or self.current.stat().st_size < MAX_BYTES:
            return
        with held(self._paths.lock("ledger"), timeout=1):
            if self.current.stat().st_size >= MAX_BYTES:
                self.current.replace(self.previous)


@dataclass(slots=True)
class _Repeat:
    equal_by: tuple[str, ...]
    at: datetime
    count: int = 0
