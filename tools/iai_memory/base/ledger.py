"""The event ledger: a JSON object a line, appended by every process; nothing is decided by it."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import MemoryFault, StoreLost
from .clock import iso, utc_now
from .files import PRIVATE_FILE, make_private_folder
from .locks import held
from .machine_faults import machine_fault
from .paths import StorePaths

MAX_BYTES = 4 << 20
# A FIFO in the file's place would block an ordinary open; a link could lead to any other file.
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPENDED = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE
_READ = os.O_RDONLY | _SAFE
REPEAT_AFTER = timedelta(minutes=10)
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_log = logging.getLogger(__name__)


class _Door:
    """What every text passes on its way into a ledger."""

    clean: Callable[[str], str] = str


def clean_with(clean: Callable[[str], str]) -> None:
    """Let every text of an event pass `clean`, from now on and in all ledgers of this process.

    This floor knows no secrets; who opens a store does.
    """
    _Door.clean = staticmethod(clean)


class Ledger:
    """The store's ledger: this process's events are appended, those of all processes read."""

    def __init__(self, paths: StorePaths, clock: Callable[[], datetime] = utc_now) -> None:
        """Bind the ledger of the store at `paths`; nothing is created until the first event."""
        self._paths = paths
        self._clock = clock
        self._repeats: dict[tuple[str, str], _Repeat] = {}
        self._warned = set[str]()

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
        told = {name: _told(value) for name, value in fields.items()}
        line = json.dumps(
            {"at": iso(self._clock()), "event": event, "pid": os.getpid(), **told},
            ensure_ascii=False,
            default=str,
        )
        try:
            make_private_folder(self._paths.ledger)
            self._rotate_if_large()
            descriptor = os.open(self.current, _APPENDED, PRIVATE_FILE)
            try:
                os.write(descriptor, line.encode("utf-8", "replace") + b"\n")
            finally:
                os.close(descriptor)
        except OSError as exc:
            self._warn(machine_fault(exc, f"{self.current} cannot be written"))
        except StoreLost as exc:
            _log.info("no event is written: %s", exc)  # whoever uses the store is told, in full
        except MemoryFault as exc:
            self._warn(f"events are missing in {self.current}: {exc}")
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
        # A clock that was set back by years must not silence an event for as long.
        if repeat is not None and same and abs(now - repeat.at) < REPEAT_AFTER:
            repeat.count += 1
            return
        left_out = repeat.count if repeat is not None and same else 0
        self._repeats[event, section] = _Repeat(equal_by, now)
        self.write(event, **fields, **({"repeats": left_out} if left_out else {}))

    def forget_repeats(self, section: str = "") -> None:
        """Let the next `write_changed` of each event of that section write in any case."""
        self._repeats = {key: kept for key, kept in self._repeats.items() if key[1] != section}

    def newest(
        self, limit: int, *, event: str | None = None, by: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the newest events, newest first; lines that are no JSON objects are skipped.

        Costs reading the last 4 MiB of two files at most, however large they are.

        Args:
            limit: At most so many.
            event: Only those of this name.
            by: Only those with this value of the field `by`, a plain word.
        """
        of_way = None if by is None else f'"by": "{by}"'
        found: list[dict[str, Any]] = []
        for line in self._lines_backwards():
            if event is not None and event not in line:
                continue  # parsing takes fifty times as long
            if of_way is not None and of_way not in line:
                continue
            try:
                item = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(item, dict) and all(
                wanted is None or item.get(name) == wanted
                for name, wanted in (("event", event), ("by", by))
            ):
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
                text = _end_of(path).decode("utf-8", "replace")
            except FileNotFoundError:
                continue
            except OSError as exc:
                self._warn(machine_fault(exc, f"{path} cannot be read"))
                continue
            # JSON leaves U+2028 and U+0085 as they are, and `splitlines` would cut an event there.
            yield from reversed(text.split("\n"))

    def _warn(self, text: str) -> None:
        """Log a fault of the files once, however often they are asked for."""
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("%s", text)

    def _rotate_if_large(self) -> None:
        if not self.current.is_file() or self.current.stat().st_size < MAX_BYTES:
            return
        with held(self._paths.lock("ledger"), timeout=1):
            if self.current.stat().st_size < MAX_BYTES:
                return
            try:
                self.current.replace(self.previous)
            except OSError as exc:
                # The event counts for more than the size, and only the end of a file is read.
                self._warn(machine_fault(exc, f"{self.previous} cannot be written"))


def _told(value: Any) -> Any:
    """Return a value of an event without secrets; ids, which may be thousands, are none."""
    if isinstance(value, str):
        return value if _ID.fullmatch(value) else _Door.clean(value)
    if isinstance(value, dict):
        return {name: _told(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_told(one) for one in value]
    return value


def _end_of(path: Path) -> bytes:
    """Return the last 4 MiB of a regular file; nothing of anything else.

    Raises:
        OSError: It cannot be read.
    """
    with os.fdopen(os.open(path, _READ), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            return b""
        file.seek(max(0, about.st_size - MAX_BYTES))
        return file.read(MAX_BYTES)


@dataclass(slots=True)
class _Repeat:
    equal_by: tuple[str, ...]
    at: datetime
    count: int = 0
