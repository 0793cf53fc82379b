"""When the page is rendered again: each row of the table, first match wins."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.copies import copied
from tests.support.damage import exchange_tables, unreadable_newest_version
from tests.support.pages import (
    cache,
    events,
    opened,
    page,
    refresh,
    rewrite_sidecar,
    ring,
    set_age,
    sidecar,
    written_at,
)

from iai_memory import Memory, load_settings
from iai_memory.session_start.cache import sidecar_path
from iai_memory.session_start.decision import Decision, decide
from iai_memory.session_start.refresh import Trigger
from iai_memory.session_start.watermark import Watermark
from iai_memory.writing.changes import forget

YOUNG = 3600.0
"""A minimum interval that no test outlives."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One memory, rendered."""
    memory = opened(tmp_path_factory.mktemp("made") / "store")
    memory.ingest("the first fact")
    assert refresh(memory).action == "wrote"
    return memory.paths.root


@pytest.fixture
def memory(made: Path, tmp_path: Path) -> Memory:
    """A copy of it, opened, with nothing to wait for."""
    memory = opened(copied(made, tmp_path / "store"))
    assert memory.store.latest.count_pending() == 1
    return memory


def patient(memory: Memory) -> Memory:
    """The same store for a process whose interval is an hour."""
    return opened(memory.paths.root, interval=YOUNG)


def test_row_1_a_store_that_cannot_be_asked_renders_nothing_and_keeps_the_page(
    memory: Memory,
) -> None:
    before = page(memory)
    with unreadable_newest_version(memory.paths):
        outcome = refresh(memory)

    assert (outcome.action, outcome.reason, outcome.watermark) == ("skipped", "probe_failed", None)
    assert page(memory) == before
    memory.ingest("after the disk came back")
    assert refresh(memory).reason == "watermark_changed"


def test_row_1_comes_before_row_2(memory: Memory) -> None:
    cache(memory).unlink()
    with unreadable_newest_version(memory.paths):
        assert refresh(memory).reason == "probe_failed"
        assert refresh(memory, force_rebuild=True).reason == "probe_failed"


def test_a_spool_that_is_no_folder_stops_no_refresh_and_is_said_on_the_page(
    memory: Memory,
) -> None:
    memory.ingest("new")
    memory.paths.spool.write_text("not a folder")
    assert refresh(memory).reason == "watermark_changed"
    assert "what is said now is not kept" in page(memory)


def test_row_2_a_missing_page_is_rendered_though_nothing_changed(memory: Memory) -> None:
    before = page(memory)
    cache(memory).unlink()
    outcome = refresh(patient(memory))
    assert (outcome.action, outcome.reason) == ("wrote", "cache_absent")
    assert page(memory) == before


LIVE: list[Trigger] = ["periodic_wake", "wake_sequence"]
LAST: list[Trigger] = ["manual", "shutdown", "sleep_pipeline"]


@pytest.mark.parametrize("trigger", LIVE)
def test_row_3_a_young_page_waits(memory: Memory, trigger: Trigger) -> None:
    before = page(memory)
    memory.ingest("new")
    outcome = refresh(patient(memory), trigger)
    assert (outcome.action, outcome.reason) == ("skipped", "min_interval_not_elapsed")
    assert page(memory) == before


def test_row_3_delays_and_never_drops(memory: Memory) -> None:
    waiting = patient(memory)
    memory.ingest("seen inside the interval")
    assert refresh(waiting).reason == "min_interval_not_elapsed"
    assert refresh(waiting).reason == "min_interval_not_elapsed"
    set_age(cache(memory), YOUNG + 1)
    assert refresh(waiting).reason == "watermark_changed"
    assert "seen inside the interval" in page(memory)


def test_row_3_an_age_of_exactly_the_interval_is_old_enough() -> None:
    assert not decide(_mark(1), _mark(0), cache_age_sec=59.999, min_interval_sec=60).refresh
    assert decide(_mark(1), _mark(0), cache_age_sec=60, min_interval_sec=60).refresh


def test_row_3_a_modification_time_in_the_future_counts_as_old(memory: Memory) -> None:
    memory.ingest("new")
    set_age(cache(memory), -86_400)
    assert refresh(patient(memory)).reason == "watermark_changed"


def test_row_3_comes_before_row_4(memory: Memory) -> None:
    sidecar_path(cache(memory)).unlink()
    assert refresh(patient(memory)).reason == "min_interval_not_elapsed"
    set_age(cache(memory), YOUNG + 1)
    assert refresh(patient(memory)).reason == "meta_absent"


def test_who_cannot_come_back_later_does_not_wait_for_the_interval(memory: Memory) -> None:
    impatient = patient(memory)
    for trigger in LAST:
        memory.ingest(f"before {trigger}")
        assert refresh(impatient, trigger).reason == "watermark_changed"
        assert f"before {trigger}" in page(memory)


def test_what_was_forgotten_leaves_a_young_page_at_once(memory: Memory) -> None:
    [gone] = memory.ingest("a secret that slipped in").results
    assert gone.id is not None
    refresh(memory)
    forget(memory.store, [gone.id])  # as another version does, which leaves the page to a refresh
    assert refresh(patient(memory)).reason == "watermark_changed"
    assert "a secret that slipped in" not in page(memory)


def test_what_was_superseded_leaves_a_young_page_at_once(memory: Memory) -> None:
    [old] = memory.ingest("staging listens on 5433").results
    assert old.id is not None
    refresh(memory)
    memory.supersede(old.id, "staging listens on 5544")
    assert refresh(patient(memory)).reason == "watermark_changed"
    assert "5433" not in page(memory)
    assert "5544" in page(memory)


def test_an_older_removal_beside_a_newer_one_is_seen(memory: Memory) -> None:
    ids = [one.id or "" for one in memory.ingest(["one", "two", "three"]).results]
    memory.forget(ids[:1])
    refresh(memory)
    memory.forget(ids[1:2])
    assert refresh(patient(memory)).action == "wrote"
    assert "note: two" not in page(memory)
    memory.restore(ids[1:2])
    memory.forget(ids[2:])
    assert refresh(patient(memory)).action == "wrote"
    assert "note: three" not in page(memory)
    assert "note: two" in page(memory)


def test_a_young_page_does_not_keep_what_another_process_forgot(memory: Memory) -> None:
    [gone] = memory.ingest("said to another process").results
    refresh(memory)
    opened(memory.paths.root).forget([gone.id or ""])
    assert refresh(patient(memory)).action == "wrote"
    assert "said to another process" not in page(memory)


DAMAGES: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"format": 1, "day": "\xff"}',
    "not an object": b"[1, 2]",
    "a number": b"7",
    "nested beyond reading": b"[" * 100_000,
    "of no format": b"{}",
    "a NUL": b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_row_4_a_sidecar_that_cannot_be_used_is_none(memory: Memory, damage: str) -> None:
    path, content = sidecar_path(cache(memory)), DAMAGES[damage]
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    outcome = refresh(memory)
    assert (outcome.action, outcome.reason) == ("wrote", "meta_absent")
    assert refresh(memory).reason == "no_new_records"


@pytest.mark.parametrize(
    "fields",
    [
        {"format": 2},
        {"format": "1"},
        {"table_version": "7"},
        {"records_count": True},
        {"records_count": None},
        {"max_vec_label": 3},
        {"day": None},
        {"rendered_sha256": "0" * 64},
        {"rendered_sha256": None},
    ],
    ids=str,
)
def test_row_4_a_sidecar_of_another_shape_is_none(memory: Memory, fields: dict[str, int]) -> None:
    rewrite_sidecar(memory, **fields)
    assert refresh(memory).reason == "meta_absent"


def test_row_4_a_page_that_the_sidecar_does_not_know_is_rendered_again(memory: Memory) -> None:
    before = page(memory)
    cache(memory).write_text("something else stands here")
    assert refresh(memory).reason == "meta_absent"
    assert page(memory) == before


def test_row_4_an_empty_page_is_no_page_to_keep(memory: Memory) -> None:
    cache(memory).write_bytes(b"")
    assert refresh(memory).reason == "meta_absent"
    assert "the first fact" in page(memory)


def test_row_5_nothing_new_renders_nothing(memory: Memory) -> None:
    before = written_at(cache(memory))
    assert refresh(memory).reason == "no_new_records"
    assert written_at(cache(memory)) == before


def test_row_5_what_is_stored_already_renders_nothing(memory: Memory) -> None:
    memory.ingest("the first fact")
    before = written_at(cache(memory))
    assert refresh(memory).reason == "no_new_records"
    assert written_at(cache(memory)) == before


def test_row_5_a_restored_memory_that_was_never_shown_without_renders_its_page_again(
    memory: Memory,
) -> None:
    [one] = memory.ingest("in and out").results
    refresh(memory)
    forget(memory.store, [one.id or ""])
    memory.restore([one.id or ""])
    assert refresh(memory).reason == "watermark_changed"
    assert "in and out" in page(memory)


def test_row_6_each_kind_of_change_is_seen(memory: Memory) -> None:
    memory.ingest("another fact")
    assert refresh(memory).reason == "watermark_changed"
    [old] = memory.ingest({"text": "of last year", "created_at": "2001-01-01"}).results
    assert old.id is not None
    assert refresh(memory).reason == "watermark_changed"
    memory.pin(old.id)
    assert refresh(memory).reason == "watermark_changed"
    memory.pin(old.id, add_tags=["identity"])
    assert refresh(memory).reason == "watermark_changed"
    memory.forget([old.id])
    assert refresh(memory).reason == "cache_absent"
    memory.restore([old.id])
    assert refresh(memory).reason == "watermark_changed"
    memory.supersede(old.id, "of this year")
    assert refresh(memory).reason == "watermark_changed"
    ring(memory, "said a moment ago")
    assert refresh(memory).reason == "watermark_changed"
    memory.drain()
    assert refresh(memory).reason == "watermark_changed"
    assert refresh(memory).reason == "no_new_records"


def test_row_6_an_import_of_old_dates_moves_the_watermark(memory: Memory) -> None:
    before = sidecar(memory)
    memory.ingest({"text": "of last year", "created_at": "2001-01-01", "role": "user"})
    assert refresh(memory).reason == "watermark_changed"
    after = sidecar(memory)
    assert after["max_vec_label"] > before["max_vec_label"]
    assert after["max_created_at"] == before["max_created_at"]


def test_row_6_a_new_day_and_another_embedder_render_again(memory: Memory) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    rewrite_sidecar(memory, day=yesterday)
    assert refresh(memory).reason == "watermark_changed"
    rewrite_sidecar(memory, embedder="another model")
    assert refresh(memory).reason == "watermark_changed"
    assert refresh(memory).reason == "no_new_records"


def test_a_table_that_was_put_back_at_the_same_version_is_not_taken_for_the_same(
    tmp_path: Path,
) -> None:
    one = opened(tmp_path / "one")
    _ = one.store
    other = opened(shutil.copytree(one.paths.root, tmp_path / "other"))
    one.ingest("of this store")
    other.ingest("of the backup")
    refresh(one)
    assert one.store.version == other.store.version
    exchange_tables(one.paths, other.paths.database)

    back = opened(tmp_path / "one")

    assert refresh(back).reason == "watermark_changed"
    assert "of the backup" in page(back)


@pytest.mark.parametrize(
    "said", ["garbage", "-1", "-0.001", "", "nan", "inf", "-inf", "1e999", "60s"]
)
def test_an_interval_that_is_no_duration_means_60_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC", said)
    assert load_settings(store=tmp_path).session_cache_refresh_min_sec == 60


@pytest.mark.parametrize(("said", "seconds"), [("0", 0), ("0.0", 0), ("5", 5), (" 7.5 ", 7.5)])
def test_an_interval_that_is_a_duration_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, seconds: float
) -> None:
    monkeypatch.setenv("IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC", said)
    assert load_settings(store=tmp_path).session_cache_refresh_min_sec == seconds


def test_without_a_setting_a_young_page_waits_up_to_60_seconds(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC", "soon")
    memory.ingest("new")
    server = Memory(settings=load_settings(store=memory.paths.root, model=None))
    set_age(cache(memory), 30)
    assert refresh(server).reason == "min_interval_not_elapsed"
    set_age(cache(memory), 61)
    assert refresh(server).reason == "watermark_changed"


def _mark(version: int = 0, **fields: int | str) -> Watermark:
    base = Watermark(
        table_version=version,
        table_stamp=str(version),
        records_count=3 + version,
        records_total=5 + version,
        max_vec_label="018f",
        max_created_at="2026-05-08T00:00:00Z",
        max_updated_at="2026-05-08T00:00:00Z",
        content_version=6,
        removal_version=2,
        spool_bytes=0,
        day="2026-05-08",
        embedder="e",
        beside="b",
    )
    return replace(base, **fields)  # type: ignore[arg-type] # names and values come from the table


CHANGES: list[dict[str, int | str]] = [
    {"records_count": 9},
    {"records_total": 9},
    {"max_vec_label": "0190"},
    {"max_created_at": "2026-05-09T00:00:00Z"},
    {"max_updated_at": "2026-05-09T00:00:00Z"},
    {"content_version": 7},
    {"removal_version": 4},
    {"spool_bytes": 1},
    {"day": "2026-05-09"},
    {"embedder": "f"},
    {"beside": "c"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_any_field_of_the_content_is_a_change_once_the_page_is_old(
    change: dict[str, int | str],
) -> None:
    found = decide(_mark(0, **change), _mark(), cache_age_sec=60, min_interval_sec=60)
    assert found == Decision(True, "watermark_changed")


@pytest.mark.parametrize("change", [{"table_version": 99}, {"table_stamp": "x"}], ids=str)
def test_version_and_stamp_alone_are_no_change(change: dict[str, int | str]) -> None:
    found = decide(_mark(0, **change), _mark(), cache_age_sec=60, min_interval_sec=60)
    assert found == Decision(False, "no_new_records")


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_inside_the_interval_only_a_removal_is_rendered(change: dict[str, int | str]) -> None:
    found = decide(_mark(0, **change), _mark(), cache_age_sec=1, min_interval_sec=60)
    removed = "removal_version" in change
    assert found.refresh is removed
    assert found.reason == ("watermark_changed" if removed else "min_interval_not_elapsed")


def test_inside_the_interval_fewer_rows_are_a_removal() -> None:
    found = decide(_mark(0, records_total=4), _mark(), cache_age_sec=1, min_interval_sec=60)
    assert found == Decision(True, "watermark_changed")


@pytest.mark.parametrize(
    ("probed", "cached", "age", "interval", "expected"),
    [
        (None, None, None, 0, Decision(False, "probe_failed")),
        (None, 0, 1e9, 0, Decision(False, "probe_failed")),
        (0, None, None, 60, Decision(True, "cache_absent")),
        (0, 0, None, 60, Decision(True, "cache_absent")),
        (0, None, 0, 60, Decision(False, "min_interval_not_elapsed")),
        (0, 0, 0, 60, Decision(False, "min_interval_not_elapsed")),
        (1, 0, 0, 60, Decision(False, "min_interval_not_elapsed")),
        (0, None, 0, 0, Decision(True, "meta_absent")),
        (0, None, -1, 60, Decision(True, "meta_absent")),
        (0, None, 60, 60, Decision(True, "meta_absent")),
        (0, 0, 0, 0, Decision(False, "no_new_records")),
        (0, 0, -1, 60, Decision(False, "no_new_records")),
        (0, 0, 1e9, 60, Decision(False, "no_new_records")),
        (1, 0, 0, 0, Decision(True, "watermark_changed")),
        (1, 0, -1, 60, Decision(True, "watermark_changed")),
        (0, 1, 60, 60, Decision(True, "watermark_changed")),
    ],
)
def test_the_table_first_match_wins(
    probed: int | None,
    cached: int | None,
    age: float | None,
    interval: float,
    expected: Decision,
) -> None:
    found = decide(
        None if probed is None else _mark(probed),
        None if cached is None else _mark(cached),
        cache_age_sec=age,
        min_interval_sec=interval,
    )
    assert found == expected


def test_a_sidecar_reads_back_as_what_was_written() -> None:
    mark = _mark(7, embedder="modèle")
    assert Watermark.from_fields(json.loads(json.dumps(mark.to_fields()))) == mark


def test_each_row_that_skips_quietly_leaves_no_event(memory: Memory) -> None:
    before = events(memory)
    refresh(memory)
    memory.ingest("new")
    refresh(patient(memory))
    assert events(memory) == before
