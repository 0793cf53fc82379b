"""A step that lasts is shown, and keeps neither the page nor other sessions waiting."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from tests.support.pages import cache, opened, page, rendered, ring, until
from tests.support.talking import child_server

from iai_memory.base.locks import held
from iai_memory.base.page_mark import page_mark
from iai_memory.store.filter import Filter
from iai_server.serving.watchdog import Step, Watchdog


def test_a_step_that_lasts_is_published_and_taken_back() -> None:
    seen: list[Step | None] = []
    told, gone = threading.Event(), threading.Event()

    def publish(step: Step | None) -> None:
        seen.append(step)
        (gone if step is None else told).set()

    watchdog = Watchdog(publish, lasts_sec=0.05)
    watchdog.start()
    with watchdog.watching("capture"):
        watchdog.at("capture", "/t/s.jsonl")
        assert told.wait(30)
    assert gone.wait(30)
    watchdog.stop()
    assert seen[0] is not None
    assert (seen[0].name, seen[0].at) == ("capture", "/t/s.jsonl")
    assert seen[-1] is None


def test_of_two_steps_that_last_the_longer_one_is_published() -> None:
    seen: list[Step | None] = []
    told = threading.Event()

    def publish(step: Step | None) -> None:
        seen.append(step)
        told.set()

    watchdog = Watchdog(publish, lasts_sec=0.2)
    with watchdog.watching("capture"), watchdog.watching("embedding"):
        watchdog.at("embedding", "later")
        watchdog.start()
        assert told.wait(30)
    watchdog.stop()
    assert seen[0] is not None
    assert seen[0].name == "capture"


@pytest.mark.slow
def test_a_capture_that_is_stuck_shows_in_status_and_the_page_is_refreshed_all_the_same(
    tmp_path: Path,
) -> None:
    reading = opened(tmp_path / "store")
    with child_server(tmp_path / "store", None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"):
        until("the first page", lambda: rendered(reading))
        with held(reading.paths.lock("write"), timeout=30):
            transcript = ring(reading, "waits for the lock")
            until("the watchdog", lambda: [s for s in reading.status().servers if s.step])
            [server] = reading.status().servers
            assert server.step is not None
            assert server.step.startswith("capture for ")
            assert server.step.endswith(f" s at {transcript}")
            cache(reading).unlink()
            until("the page", lambda: cache(reading).exists())
        until("the turn", lambda: "waits for the lock" in page(reading))
        until("the end", lambda: [s for s in reading.status().servers if s.step is None])


def test_a_transcript_that_is_a_fifo_fails_alone(tmp_path: Path) -> None:
    reading = opened(tmp_path / "store")
    with child_server(
        tmp_path / "store", None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"
    ) as server:
        until("the first page", lambda: rendered(reading))
        pipe = tmp_path / "pipe.jsonl"
        os.mkfifo(pipe)
        ring(reading, "", session_id="pipe", transcript_path=str(pipe))
        ring(reading, "from a healthy session", session_id="healthy")
        until("the page", lambda: "from a healthy session" in page(reading))
        until("its fault", lambda: [one for one in reading.status().sessions if one.fault])
        [stored] = reading.store.latest.newest(Filter(), 10)
        server.ask("forget", {"ids": [stored.id]})
        # At once: not after whatever the refresher is at.
        assert not cache(reading).exists() or "healthy session" not in page(reading)
        until(
            "the page without it", lambda: cache(reading).exists() and not page_mark(reading.paths)
        )
        assert "from a healthy session" not in page(reading)
        found = {one.session_id: one.fault for one in reading.status().sessions}
        assert "FIFO" in found["pipe"]
        assert found["healthy"] == ""
