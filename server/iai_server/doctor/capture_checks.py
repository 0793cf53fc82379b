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
    notes, present = given_up.notes(), given_up.present()
    found = "1 session" if len(notes) == 1 else f"{len(notes)} sessions"
    if not present and not given_up.rings():
        raise WeakLink(
            f"of {found} the host named no transcript, the reasons are in {notes[0].parent}: see "
            f"whether the host is told to keep no sessions, and remove those notes"
        )
    found = "1 transcript" if len(notes) == 1 else f"{len(notes)} transcripts"
    where = f"the reasons are in {notes[0].parent}"
    if not present:
        raise WeakLink(f"{found} had gone before a drain came, {where}: remove those notes")
    raise BrokenLink(
        f"{found}, {len(present)} of them there ({present[0]}), {where}: mend what they say, then "
        f"run `iai-mcp drain`, and remove the notes that stay"
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
