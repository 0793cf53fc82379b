"""Ten sessions of each real host, one after the other and shorter than a server needs to start:
every turn is stored once, and each session knows what the one before it said.

Prints how long the sessions took, and the processor time of the drains that the capture hooks left
behind.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_memory.base.paths import StorePaths
from iai_memory.base.presence import alive_servers

from .hosts import ClaudeCode, Codex
from .model_stub import Say
from .place import Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

SESSIONS = 10
STORED_WITHIN_SEC = 15.0
DRAIN_CPU_SEC = 1.2
PR_SET_CHILD_SUBREAPER = 36
PLACES = ("Aveiro", "Bergen", "Cuenca", "Dundee", "Elche", "Faro", "Ghent", "Hilo", "Izmir", "Jena")


@pytest.fixture
def orphans() -> Iterator[None]:
    """What hosts leave behind becomes a child of this process, which can wait for it."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    assert prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


@pytest.mark.usefixtures("orphans")
@pytest.mark.parametrize("release", ["pinned", "newest"])
def test_short_sessions_lose_nothing_and_know_what_was_said_before(
    release: str,
    clients: Path,
    newest_clients: Path,
    model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = Place(tmp_path, clients if release == "pinned" else newest_clients, model_folder)
    said: list[tuple[str, str]] = []
    took: list[float] = []
    unknown: list[str] = []
    for host in (ClaudeCode(), Codex()):
        assert place.iai_mcp("connect", host.name).code == 0
        for number in range(SESSIONS):
            turns = (
                ("user", f"Which ship of {host.name} goes to {PLACES[number]}?"),
                ("assistant", f"To {PLACES[number]} goes ship {len(said) * 7919 + 104729}."),
            )
            with host.stub() as model:
                model.turns = [Say(turns[1][1])]
                began = time.monotonic()
                ran = host.start(place, model, turns[0][1])
                took.append(time.monotonic() - began)
            assert ran.code == 0, ran
            if said and said[-1][1] not in model.seen(0):
                unknown.append(said[-1][1])
            said += turns
    ended = time.monotonic()
    drains = _drains(place)
    waited = time.monotonic() - ended

    stored = place.said()
    knew = len(took) - 1 - len(unknown)
    figures = (
        f"{release}: {len(stored)} turns stored {waited:.1f} s after the last session",
        f"{knew} of {len(took) - 1} sessions knew the last one",
        f"sessions of {min(took):.1f} to {max(took):.1f} s, median {statistics.median(took):.1f}",
        f"drains left behind: {drains / len(took):.2f} CPU s a session",
    )
    with capsys.disabled():
        sys.stdout.write("\n" + "; ".join(figures) + "\n")
    assert sorted(stored) == sorted(said)
    assert unknown == []
    assert waited <= STORED_WITHIN_SEC
    assert drains / len(took) <= DRAIN_CPU_SEC


def _drains(place: Place) -> float:
    """Wait until the last process that a host left has ended; the CPU seconds of the drains."""
    assert alive_servers(StorePaths(place.store)) == []
    seconds = 0.0
    while True:
        try:
            gone = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            return seconds
        assert gone is not None
        name = Path(f"/proc/{gone.si_pid}/comm").read_text(encoding="utf-8").strip()
        _, _, usage = os.wait4(gone.si_pid, 0)
        if name == "sh":  # of iai-mcp-drain.sh: it waited for its drains
            seconds += usage.ru_utime + usage.ru_stime
