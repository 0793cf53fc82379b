"""The checks of capture: rings that wait, and transcripts that were given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from iai_memory import Memory
from iai_memory.base.clock import iso
from iai_memory.base.presence import alive_servers
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.spool import Spool

from .check import BrokenLink, Check, WeakLink, run_check

_MANY = 3
_LONG = timedelta(minutes=10)
# A server has not drained in its first seconds, and neither has a drain that a hook just started.
_SOON = timedelta(minutes=1)
_STARTS = 1_000


def check_capture(memory: Memory) -> Iterator[Check]:
    """Check that rings are answered, and that no transcript was given up."""
    yield run_check("capture: rings", lambda: _check_rings(memory))
    given_up = GivenUp(memory.paths)
    if given_up.notes():
        yield run_check("capture: given up", lambda: _check_given_up(given_up))


def _check_given_up(given_up: GivenUp) -> str:
    """Say how many transcripts could not be read; of those that are gone nothing can be mended."""
    notes, present = given_up.notes(), given_up.present()
    found = "1 transcript" if len(notes) == 1 else f"{len(notes)} transcripts"
    where = f"the reasons are in {notes[0].parent}"
    if not present:
        raise WeakLink(f"{found} had gone before a drain came, {where}: remove those notes")
    raise BrokenLink(
        f"{found}, {len(present)} of them there ({present[0]}), {where}: mend what they say, then "
        f"run `iai-mcp import claude` or `iai-mcp import codex` and remove those notes"
    )


def _check_rings(memory: Memory) -> str:
    """Say how many rings wait and since when.

    Three, or one for ten minutes, are worth a look: no server runs, and no drain was started.
    """
    waiting = Spool(memory.paths).waiting()
    if waiting.faults:
        raise BrokenLink("; ".join(waiting.faults))
    if waiting.since is None:
        return "no ring waits"
    age = datetime.now(UTC) - waiting.since
    found = "1 ring waits" if waiting.rings == 1 else f"{waiting.rings} rings wait"
    found += f" since {waiting.since:%Y-%m-%d %H:%M} UTC"
    came = _came_and_went(memory, waiting.since) if age > _SOON else 0
    if came:
        servers = "a server" if came == 1 else f"{came} servers"
        raise BrokenLink(f"{found}, and {servers} came and went: run `iai-mcp drain`")
    if age > _LONG and alive_servers(memory.paths):
        raise BrokenLink(f"{found} though a server runs: see `iai-mcp events`")
    if waiting.rings >= _MANY or age > _LONG:
        raise WeakLink(f"{found}: run `iai-mcp drain`")
    return f"{found}; a server or `iai-mcp drain` answers"


def _came_and_went(memory: Memory, since: datetime) -> int:
    """Return how many servers started after that and are not alive any more."""
    alive = {server.pid for server in alive_servers(memory.paths)}
    started = memory.ledger.newest(_STARTS, event="server_started")
    return sum(
        event.get("pid") not in alive and str(event.get("at")) > iso(since) for event in started
    )
