"""The checks of capture: rings that wait, and transcripts that were given up."""

from __future__ import annotations

from collections.abc import Iterator

from iai_memory import Memory
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.hook_log import last_failure
from iai_memory.capture.spool import Spool
from iai_memory.maintenance.capture_state import capture_state

from .check import BrokenLink, Check, WeakLink, run_check


def check_capture(memory: Memory) -> Iterator[Check]:
    """Check that rings are answered, that hooks can ring, and that no transcript was given up."""
    yield run_check("capture: rings", lambda: _check_rings(memory))
    yield run_check("capture: hook", lambda: _check_hook(memory))
    given_up = GivenUp(memory.paths)
    if given_up.notes():
        yield run_check("capture: given up", lambda: _check_given_up(given_up))


def _check_given_up(given_up: GivenUp) -> str:
    """Say how many transcripts could not be read; of those that are gone nothing can be mended."""
    present = given_up.present()
    notes = [note for note in given_up.listed() if not note.accepted]
    accepted = len(given_up.notes()) - len(notes)
    known = f"{accepted} that you do without: see `iai-mcp unreadable`"
    if not notes:
        return known
    found = "1 transcript" if len(notes) == 1 else f"{len(notes)} transcripts"
    also = f", and {accepted} that you do without" if accepted else ""
    if not given_up.rings():
        found = "1 session" if len(notes) == 1 else f"{len(notes)} sessions"
        raise WeakLink(
            f"of {found} the host named no transcript{also}: see whether the host is told to keep "
            f"no sessions, and run `iai-mcp unreadable --accept`"
        )
    if not present:
        raise WeakLink(
            f"{found} had gone before a drain came{also}: run `iai-mcp unreadable --accept`"
        )
    raise BrokenLink(
        f"{found}, {len(present)} of them there ({present[0]}){also}: mend what `iai-mcp "
        f"unreadable` says and run `iai-mcp drain`, or do without: `iai-mcp unreadable --accept`"
    )


def _check_rings(memory: Memory) -> str:
    """Say how many rings wait and since when, who reads them, and what does not belong there."""
    level, finding = capture_state(memory.paths, memory.ledger, Spool(memory.paths).waiting())
    if level == "BROKEN":
        raise BrokenLink(finding)
    if level == "warning":
        raise WeakLink(finding)
    return finding


def _check_hook(memory: Memory) -> str:
    """Say what hooks and the drains that they start logged last, if none rang since."""
    failure = last_failure(memory.paths)
    if failure is None:
        return "no hook failed since the last ring"
    times = "once" if failure.times == 1 else f"{failure.times} times"
    raise WeakLink(
        f"the capture hook failed {times} without a ring since, last at {failure.at:%H:%M:%S} UTC: "
        f"{failure.said}: see {failure.log}, then run `iai-mcp drain`"
    )
