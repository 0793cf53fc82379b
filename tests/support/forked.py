"""Work in a process forked from this one, which has imported everything, so that it starts at once.

Only for a process that never opened a table itself: LanceDB starts its threads anew in the child.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Say = Callable[[Any], None]
"""Tells the parent something that is JSON; told before it returns."""

_NO_END_SEC = 180.0


class Forked:
    """A child at work. What it says is read as it comes."""

    def __init__(self, work: Callable[[Say], object], log: Path) -> None:
        """Start it; what it prints goes to the log."""
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.pid = os.fork()
        if not self.pid:
            os.close(reading)
            _work(work, writing, log)
        os.close(writing)
        self._reading = reading
        self._rest = b""
        self._lines: list[Any] = []
        self.is_open = True

    def next(self, seconds: float = _NO_END_SEC) -> Any:
        """What it says next; None where it ends without, or the time is over."""
        end = time.monotonic() + seconds
        while not self._lines and self.is_open:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._reading], [], [], left)[0]:
                return None
            self._read()
        return self._lines.pop(0) if self._lines else None

    def rest(self, seconds: float = _NO_END_SEC) -> list[Any]:
        """All that it says until it ends, or the time is over."""
        said: list[Any] = []
        end = time.monotonic() + seconds
        while (one := self.next(end - time.monotonic())) is not None:
            said.append(one)
        return said

    def kill(self) -> bool:
        """Kill it; return whether that ended it, or it had come to its end, or hung till now."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        return os.WIFSIGNALED(status)

    def close(self) -> None:
        """Close what is left of the pipe."""
        os.close(self._reading)

    def _read(self) -> None:
        part = os.read(self._reading, 1 << 16)
        self.is_open = bool(part)
        *whole, self._rest = (self._rest + part).split(b"\n")
        self._lines += [json.loads(line) for line in whole]


def _work(work: Callable[[Say], object], writing: int, log: Path) -> None:
    def say(value: Any) -> None:
        line = json.dumps(value).encode() + b"\n"
        while line:
            line = line[os.write(writing, line) :]

    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        work(say)
        status = 0
    except BaseException as exc:  # noqa: BLE001  the parent tells it
        traceback.print_exc()
        say({"fault": f"{type(exc).__name__}: {exc}"})
    finally:
        os._exit(status)
