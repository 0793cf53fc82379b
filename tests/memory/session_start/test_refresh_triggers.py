"""What makes a running server or a command refresh the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.pages import (
    cache,
    events,
    opened,
    page,
    refresh,
    rendered,
    ring,
    store_elsewhere,
    until,
)
from tests.support.talking import child_server

from iai_memory import Memory
from iai_memory.base.locks import held
from iai_memory.base.page_mark import page_mark


def test_what_a_tool_stored_is_rendered_at_once_without_waiting_for_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(
        store, None, IAI_MCP_REFRESH_TICK_SEC="3600", IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"
    ) as server:
        until("the first page", lambda: rendered(reading))
        [stored] = server.ask("ingest", {"memories": [{"text": "said to the tool"}]})["results"]
        until("the ingest", lambda: "said to the tool" in page(reading))
        server.ask("supersede", {"id": stored["id"], "text": "said better"})
        until("the supersede", lambda: "said to the tool" not in page(reading))
        assert "said better" in page(reading)
        [better] = server.ask("timeline", {"limit": 1})["records"]
        server.ask("forget", {"ids": [better["id"]]})
        assert not cache(reading).exists() or "said better" not in page(reading)
        until("the page without it", lambda: cache(reading).exists())
        assert "said better" not in page(reading)
    assert {e["trigger"] for e in rendered(reading)[1:]} == {"wake_sequence"}


@pytest.mark.slow
def test_what_another_process_stored_is_rendered_at_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"):
        until("the first page", lambda: rendered(reading))
        store_elsewhere(store, "from another process")
        until("the tick", lambda: "from another process" in page(reading))
    last = [event for event in events(reading, "success") if event["trigger"] != "shutdown"][-1]
    assert last["trigger"] == "periodic_wake"


@pytest.mark.slow
def test_what_another_process_stored_does_not_wait_for_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(
        store, None, IAI_MCP_REFRESH_TICK_SEC="3600", IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"
    ):
        until("the first page", lambda: rendered(reading))
        store_elsewhere(store, "long before the tick")
        until("the glance", lambda: "long before the tick" in page(reading))


def test_the_server_renders_a_captured_turn_though_the_interval_is_not_over(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600"):
        until("the first page", lambda: rendered(reading))
        ring(reading, "typed a moment ago")
        until("the page after", lambda: "typed a moment ago" in page(reading))
        until("the mark", lambda: page_mark(reading.paths) is None)


def test_sleep_renders_by_force_and_under_the_lock(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    reading.ingest("to sleep on")
    with child_server(store, None, IAI_MCP_SLEEP_AFTER_SEC="0.2", IAI_MCP_DROWSY_AFTER_SEC="0.1"):
        until("the sleep", lambda: events(reading, "success", trigger="sleep_pipeline"))
    assert events(reading, "started", trigger="sleep_pipeline")[-1]["force_rebuild"] is True


def test_the_command_line_refreshes_by_hand(memory: Memory, command: Callable[..., str]) -> None:
    memory.ingest("a fact")
    printed = command("session-start", "--refresh")
    assert printed == page(memory)
    assert [e["trigger"] for e in rendered(memory)] == ["manual"]


def test_the_tool_refreshes_by_hand_inside_the_interval(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600") as server:
        until("the first page", lambda: rendered(reading))
        server.ask("ingest", {"memories": [{"text": "wanted now"}]})

        def asked() -> bool:
            # A tick of the thread may have its turn just then; who asks is told, and asks again.
            answer = server.ask("session_start", {"refresh": True})
            assert "wanted now" in answer["payload"]
            return bool(answer["action"] == "wrote")

        until("the refresh by hand", asked)
    assert "wanted now" in page(reading)
    assert events(reading, "success", trigger="manual")


def test_a_server_that_ends_leaves_a_fresh_page_though_the_interval_is_not_over(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600") as server:
        until("the first page", lambda: rendered(reading))
        server.ask("ingest", {"memories": [{"text": "the last words"}]})
        code, _, _ = server.end()
    assert code == 0
    assert "the last words" in page(reading)
    assert events(reading, "success")[-1]["trigger"] == "shutdown"
    assert refresh(reading).reason == "no_new_records"


def test_an_end_does_not_wait_for_ever_for_a_refresh_that_hangs(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None) as server:
        until("the first page", lambda: rendered(reading))
        with held(reading.paths.lock("write"), timeout=1):
            reading.paths.spool.mkdir(exist_ok=True)
            ring(reading, "x")
            code, _, _ = server.end()
    assert code == 0
