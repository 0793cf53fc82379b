"""Every attempt to refresh the page leaves a trace, and a failed one says why."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import unreadable_newest_version
from tests.support.pages import cache, chosen, events, page, refresh, rendered, sidecar, until

from iai_memory import Memory
from iai_memory.analysis.topic_file import load_topics, topics_path
from iai_memory.base.ledger import Ledger
from iai_memory.base.locks import held
from iai_memory.session_start.refresh import PageManager
from iai_memory.session_start.view import PageOptions
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime

SUCCESS = {
    "trigger": str,
    "cache_path": str,
    "rendered_chars": int,
    "records_count": int,
    "max_vec_label": str,
    "max_record_created_at": str,
    "max_updated_at": str,
    "table_version": int,
    "duration_ms": float,
}
EVERY_EVENT = {"at", "event", "pid"}
SIDECAR = {
    "table_version",
    "records_count",
    "max_vec_label",
    "max_created_at",
    "max_updated_at",
    "spool_bytes",
    "day",
    "embedder",
    "rendered_chars",
    "rendered_sha256",
    "generated_at",
    "trigger",
    "pid",
    "format",
}
TEN_MINUTES = timedelta(minutes=10)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 8, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_render_leaves_started_and_success_with_every_field(memory: Memory) -> None:
    memory.ingest("a fact")

    refresh(memory, "wake_sequence")

    # Between the two, the page of a new project.
    [started, _, success] = [e for e in events(memory) if e.get("section") is None]
    assert started["event"] == "session_start_cache_write_started"
    assert set(started) == {*EVERY_EVENT, "trigger", "cache_path", "force_rebuild"}
    assert started["trigger"] == "wake_sequence"
    assert started["cache_path"] == str(cache(memory))
    assert started["force_rebuild"] is False
    assert started["pid"] == os.getpid()
    assert success["event"] == "session_start_cache_write_success"
    assert set(success) == {*EVERY_EVENT, *SUCCESS}
    assert {name: type(success[name]) for name in SUCCESS} == SUCCESS
    fields = sidecar(memory)
    assert success["rendered_chars"] == fields["rendered_chars"] == len(page(memory))
    assert success["records_count"] == fields["records_count"] == 1
    assert success["max_vec_label"] == fields["max_vec_label"]
    assert success["max_record_created_at"] == fields["max_created_at"]
    assert success["max_updated_at"] == fields["max_updated_at"]
    assert success["table_version"] == fields["table_version"] == memory.store.version


def test_the_sidecar_has_every_field_of_the_specification(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory, "manual")
    fields = sidecar(memory)
    assert set(fields) >= SIDECAR
    assert fields["trigger"] == "manual"
    assert fields["pid"] == os.getpid()
    assert fields["day"] == datetime.now(UTC).date().isoformat()
    assert datetime.fromisoformat(fields["generated_at"]).utcoffset() == timedelta(0)


def test_a_forced_render_says_so(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    outcome = refresh(memory, "sleep_pipeline", force_rebuild=True)
    assert (outcome.action, outcome.reason) == ("wrote", "force_rebuild")
    assert events(memory, "started")[-1]["force_rebuild"] is True
    assert events(memory, "success")[-1]["trigger"] == "sleep_pipeline"


def test_a_failed_probe_leaves_its_reason_and_its_time(memory: Memory) -> None:
    memory.ingest("a fact")
    with unreadable_newest_version(memory.paths):
        refresh(memory)
    [skipped] = events(memory, "skipped")
    assert set(skipped) >= {*EVERY_EVENT, "trigger", "cache_path", "reason", "duration_ms"}
    assert skipped["reason"] == "probe_failed"
    assert skipped["trigger"] == "periodic_wake"
    assert skipped["cache_path"] == str(cache(memory))
    assert skipped["duration_ms"] >= 0


def test_a_failed_render_leaves_type_and_text_and_keeps_the_old_pair(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    before = page(memory)
    memory.ingest("another")

    def fail(step: str) -> None:
        raise ValueError("x" * 500)

    outcome = memory.page_manager(on_step=fail).refresh("periodic_wake")

    assert (outcome.action, outcome.reason) == ("failed", "ValueError")
    [failed] = events(memory, "failed")
    wanted = {"trigger", "cache_path", "reason", "error", "duration_ms"}
    assert set(failed) == {*EVERY_EVENT, *wanted}
    assert failed["reason"] == "ValueError"
    assert failed["error"] == "x" * 200
    assert page(memory) == before
    assert refresh(memory).action == "wrote"
    assert "another" in page(memory)


def test_the_cold_topic_map_of_a_large_store_is_told_and_the_rest_is_rendered(
    memory: Memory,
) -> None:
    memory.ingest("a fact")
    options = PageOptions(0, 2000, memory.embedder_key, max_rows_for_topics=0)
    pages = PageManager(memory.store, memory.ledger, options)

    assert pages.refresh("periodic_wake").action == "wrote"

    assert load_topics(memory.paths) is None
    assert "a fact" in page(memory)
    assert "## Topics\n(pending: " in page(memory)
    [cold] = events(memory, "skipped")
    assert (cold["reason"], cold["section"]) == ("runtime_graph_cache_cold", "Topics")
    assert cold["duration_ms"] >= 0
    memory.ingest("more")
    assert pages.refresh("periodic_wake").action == "wrote"
    assert events(memory, "skipped") == [cold], "said once, not with every render"
    pages.refresh("sleep_pipeline", force_rebuild=True)
    assert load_topics(memory.paths) is not None


def test_a_topic_map_that_cannot_be_built_does_not_freeze_the_page(
    memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    memory.ingest("a fact")
    (topics_path(memory.paths) / "in the way").mkdir(parents=True)
    options = PageOptions(0, 2000, memory.embedder_key, max_rows_for_topics=500)
    pages = PageManager(memory.store, memory.ledger, options)
    assert pages.refresh("periodic_wake").action == "wrote"
    assert "a fact" in page(memory)
    assert "the topic map could not be built" in caplog.text
    assert pages.refresh("sleep_pipeline", force_rebuild=True).reason == "IsADirectoryError"


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_text("no folder"), lambda path: path.mkdir(mode=0o500)]
)
def test_a_ledger_that_cannot_be_written_fails_no_refresh(
    memory: Memory, damage: Callable[[Path], Any], caplog: pytest.LogCaptureFixture
) -> None:
    memory.ingest("a fact")
    damage(memory.paths.ledger)
    if memory.paths.ledger.is_dir():
        (memory.paths.ledger / "events.jsonl").mkdir()

    assert refresh(memory).action == "wrote"

    assert "a fact" in page(memory)
    assert re.search("(?:could not|cannot) be written|stands in its place", caplog.text)


def test_a_folder_that_cannot_be_written_is_an_outcome_and_no_exception(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "project": "p"})
    (memory.paths.root / "session-start").write_text("a file where the folder should be")
    outcome = refresh(memory)
    assert outcome.action == "failed"
    assert events(memory, "failed")[-1]["reason"] == outcome.reason


def test_a_page_that_cannot_be_replaced_is_told_once_though_its_error_text_varies(
    memory: Memory,
) -> None:
    memory.ingest("a fact")
    cache(memory).mkdir()
    (cache(memory) / "in the way").touch()
    for _ in range(5):
        assert refresh(memory).action == "failed"
    assert len(events(memory, "failed")) == 1
    assert len(events(memory, "started")) == 1


def test_a_clock_that_is_set_back_by_years_does_not_silence_an_event_until_then(
    memory: Memory,
) -> None:
    clock = Clock()
    memory.ledger = Ledger(memory.paths, clock)
    clock.now += timedelta(days=3650)
    memory.ledger.write_changed("odd", ("same",))
    clock.now -= timedelta(days=3650)
    memory.ledger.write_changed("odd", ("same",))
    assert len(memory.ledger.newest(9, event="odd")) == 2


def test_a_repeated_reason_is_written_when_it_changes_and_then_in_ten_minutes_with_a_count(
    memory: Memory,
) -> None:
    clock = Clock()
    memory.ledger = Ledger(memory.paths, clock)
    memory.ingest("a fact")
    with held(memory.paths.lock("refresh"), timeout=0):
        for _ in range(4):
            assert refresh(memory).reason == "refresh_in_progress"
        assert len(events(memory, "skipped", reason="refresh_in_progress")) == 1
        clock.now += TEN_MINUTES
        refresh(memory)
    [first, second] = events(memory, "skipped", reason="refresh_in_progress")
    assert "repeats" not in first
    assert second["repeats"] == 3
    with unreadable_newest_version(memory.paths):
        refresh(memory)
        refresh(memory)
    assert [e["reason"] for e in events(memory, "skipped")][2:] == ["probe_failed"]
    assert refresh(memory).action == "wrote"
    with held(memory.paths.lock("refresh"), timeout=0):
        memory.ingest("more")
        refresh(memory)
    assert len(events(memory, "skipped", reason="refresh_in_progress")) == 3


def test_a_store_that_cannot_be_opened_is_told_with_every_field_and_does_not_end_the_thread(
    memory: Memory, tmp_path: Path
) -> None:
    memory.paths.root.mkdir()
    memory.paths.database.write_text("a file where the table should be")
    runtime = Runtime(chosen(memory.paths.root, refresh_tick_sec=0.05), tmp_path)
    refresher = Refresher(runtime)
    runtime.start()
    refresher.start()
    [failed] = until("the failure", lambda: events(memory, "failed"))
    wanted = {"trigger", "cache_path", "reason", "error", "duration_ms"}
    assert set(failed) == {*EVERY_EVENT, *wanted}
    assert (failed["reason"], failed["trigger"]) == ("StoreUnavailable", "periodic_wake")
    assert failed["cache_path"] == str(cache(memory))
    memory.paths.database.unlink()
    until("the first page", lambda: rendered(memory))
    assert refresher.stop()
    assert len(events(memory, "failed")) == 1
