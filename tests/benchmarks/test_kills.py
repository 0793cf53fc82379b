"""The benchmark of kills: it kills, and tells what a kill left."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow

TOLD_TOO_EARLY = """
from tests.benchmarks import kills

def told_and_not_stored(memory, say):
    memory.ingest("the lamp is lit")
    say(["stored", "the buoy is green"])

kills.COMMANDS["ingest"] = kills.Command(told_and_not_stored)
kills.main()
"""


def benchmark(*started: str) -> subprocess.CompletedProcess[str]:
    """A kill."""
    return subprocess.run(
        [sys.executable, *started, "--kills", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_commands_that_are_killed_lose_nothing_and_succeed_the_next_time() -> None:
    told = benchmark("-m", "tests.benchmarks.kills", "--commands", "purge")
    assert told.returncode == 0, told.stdout + told.stderr
    row = re.search(r"^all +(\d+) +(\d+) +(\d+) +0$", told.stdout, re.MULTILINE)
    assert row, told.stdout
    assert int(row[1]) > int(row[3]), "every purge ended before its kill"
    assert int(row[2]) >= 1


def test_what_is_acknowledged_and_not_there_is_a_fault_of_that_trial() -> None:
    told = benchmark("-c", TOLD_TOO_EARLY, "--commands", "ingest")
    assert told.returncode == 1, told.stdout + told.stderr
    assert "ingest, seed 1, trial 0: acknowledged and there 0 times" in told.stdout
