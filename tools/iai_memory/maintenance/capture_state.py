"""The state of capture in one sentence, the same for status, doctor and tools."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from ..base.clock import iso
from ..base.ledger import Ledger
from ..base.locks import Holder, present_holder
from ..base.paths import StorePaths
from ..base.presence import alive_servers
from ..capture.session_state import Sessions, capture_notice, to_read_again
from ..capture.spool import Waiting, rings_wait

_MANY: Final = 3
_LONG: Final = timedelta(minutes=10)
# A server has not drained in its first seconds, and neither has a drain that a hook just started.
_SOON: Final = timedelta(minutes=1)
# A commit of one batch writes some hundred KB.
_ROOM_BYTES: Final = 256 << 10
_STARTS: Final = 1_000


class CaptureState(NamedTuple):
    """What a user has to know of capture.

    Attributes:
        level: `warning` holds and should be looked at.
        finding: A sentence; where something is to be done, with the next command.
    """

    level: Literal["ok", "warning", "BROKEN"]
    finding: str


def capture_state(paths: StorePaths, ledger: Ledger, waiting: Waiting) -> CaptureState:
    """Return the state of capture.

    Three rings, or one for ten minutes, are worth a look: no server runs, and no drain was started.

    Args:
        paths: The store's files.
        ledger: Knows which servers came and went.
        waiting: What waits.
    """
    if is_full(paths):
        said = f"no space left on the disk of {paths.root}: make room"
        return CaptureState("BROKEN", "; ".join([said, *_also(waiting)]))
    holder = present_holder(paths.lock("drain"))
    if waiting.faults:
        return CaptureState("BROKEN", "; ".join([*waiting.faults, *_also(waiting)]))
    if stuck := holder_stuck(holder):
        return CaptureState("BROKEN", f"{_rings(waiting)}; {stuck}")
    if waiting.since is None:
        return _grown(paths)
    if holder is not None:
        return CaptureState("ok", f"{_rings(waiting)}; {holder} is reading")
    return _unread(paths, ledger, waiting, waiting.since)


def is_full(paths: StorePaths) -> bool:
    """Return whether the disk of the store has less room than a commit needs."""
    try:
        disk = os.statvfs(paths.root)
    except OSError:
        return False  # no store yet, or a fault of its folder, which others name
    return disk.f_bavail * disk.f_frsize < _ROOM_BYTES or (disk.f_files > 0 == disk.f_favail)


def _grown(paths: StorePaths) -> CaptureState:
    """Return the state where no ring waits: a transcript may have grown, or words be lost."""
    sessions = Sessions(paths).load()
    grown = to_read_again(sessions)
    if notice := "" if grown else capture_notice(sessions.values()):
        return CaptureState("warning", f"no ring waits, but {notice}")
    if not grown:
        return CaptureState("ok", "no ring waits")
    found = "a transcript" if len(grown) == 1 else f"{len(grown)} transcripts"
    return CaptureState("warning", f"no ring waits, but {found} grew: run `iai-mcp drain`")


def holder_stuck(holder: Holder | None) -> str:
    """Return who holds the `drain` lock and will not go on, with the next command; else nothing."""
    stuck = holder.stuck() if holder else ""
    return f"{holder} holds the lock of drains, and {stuck}" if stuck else ""


def _unread(paths: StorePaths, ledger: Ledger, waiting: Waiting, since: datetime) -> CaptureState:
    """Return the state of rings that nobody reads now."""
    age, found = datetime.now(UTC) - since, _rings(waiting)
    alive = {server.pid for server in alive_servers(paths)}
    came = _came_and_went(ledger, alive, since) if age > _SOON else 0
    if came:
        servers = "a server" if came == 1 else f"{came} servers"
        return CaptureState("BROKEN", f"{found}, and {servers} came and went: run `iai-mcp drain`")
    if age > _LONG and alive:
        return CaptureState("BROKEN", f"{found} though a server runs: see `iai-mcp events`")
    if waiting.rings >= _MANY or age > _LONG:
        return CaptureState("warning", f"{found}: run `iai-mcp drain`")
    return CaptureState("ok", f"{found}; a server or `iai-mcp drain` answers")


def _came_and_went(ledger: Ledger, alive: set[int], since: datetime) -> int:
    """Return how many servers started after that and are not alive any more."""
    started = ledger.newest(_STARTS, event="server_started")
    return sum(
        event.get("pid") not in alive and str(event.get("at")) > iso(since) for event in started
    )


def _rings(waiting: Waiting) -> str:
    if waiting.since is None:
        return "no ring waits"
    return f"{rings_wait(waiting.rings)} since {waiting.since:%Y-%m-%d %H:%M} UTC"


def _also(waiting: Waiting) -> list[str]:
    return [_rings(waiting)] if waiting.rings else []
