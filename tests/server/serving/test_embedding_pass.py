"""The sidecar embeds in steps: page and capture have their turn between two of them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pages import until
from tests.support.talking import WAIT_SEC

from iai_memory import Memory, load_settings
from iai_memory.session_start.cache import cache_path
from iai_memory.writing.ingest import ingest
from iai_memory.writing.new_memory import NewMemory
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime

LONG = " ".join(f"In week {n} the bees of hive {n * 7} moved once more." for n in range(900))
FACT = "The spare key hangs behind the loom."


@pytest.fixture
def runtime(tmp_path: Path, model_folder: Path) -> Iterator[Runtime]:
    """A server's runtime on an empty store; the test starts the sidecar thread."""
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    settings = settings.model_copy(
        update={"refresh_tick_sec": 0.2, "session_cache_refresh_min_sec": 0.0}
    )
    runtime = Runtime(settings, tmp_path)
    runtime.start()
    yield runtime


def said(memory: Memory, *texts: str) -> list[str]:
    report = ingest(memory.store, None, [NewMemory(text) for text in texts], origin="hook")
    return [one.id for one in report.results if one.id is not None]


@pytest.mark.slow
def test_a_long_text_is_embedded_over_several_passes_and_the_page_follows_between_them(
    runtime: Runtime,
) -> None:
    memory = runtime.memory()
    [long] = said(memory, LONG)
    refresher = Refresher(runtime)
    refresher.start()
    try:
        begun = f"{long} has its first passages"
        until(begun, lambda: memory.store.latest.rows([long])[0].vector is not None)
        [fact] = said(memory, FACT)
        until(
            "the fact on the page",
            lambda: FACT in cache_path(memory.paths, None).read_text(encoding="utf-8"),
        )
        until("every vector", lambda: memory.store.latest.count_pending() == 0)
    finally:
        assert refresher.stop(WAIT_SEC)
    rows = {row.record.id: row for row in memory.store.latest.rows([long, fact])}
    assert rows[fact].record.embedder == rows[long].record.embedder is not None
    passages = rows[long].passages
    assert passages is not None
    assert passages.spans[-1][1] == len(LONG)


def test_a_server_that_ends_in_the_middle_leaves_the_rest_to_the_next(runtime: Runtime) -> None:
    memory = runtime.memory()
    [long] = said(memory, LONG)
    refresher = Refresher(runtime)
    refresher.start()
    until("a first step", lambda: memory.store.latest.rows([long])[0].vector is not None)
    assert refresher.stop(WAIT_SEC)
    [row] = memory.store.latest.rows([long])
    had = 0 if row.passages is None else len(row.passages.spans)
    assert had > 0
    again = Refresher(runtime)
    again.start()
    try:
        until("every vector", lambda: memory.store.latest.count_pending() == 0)
    finally:
        assert again.stop(WAIT_SEC)
    assert memory.status().pending == 0


@pytest.mark.slow
def test_a_drowsy_server_keeps_the_model_until_nothing_waits(
    tmp_path: Path, model_folder: Path
) -> None:
    # With a number of threads that no other test asks for, it has a model of its own to give back.
    settings = load_settings(store=tmp_path / "store", model=model_folder, threads=6)
    settings = settings.model_copy(update={"drowsy_after_sec": 0.0, "refresh_tick_sec": 0.2})
    runtime = Runtime(settings, tmp_path)
    runtime.start()
    memory = runtime.memory()
    said(memory, LONG)
    left = list[int]()
    weakref.finalize(memory.encoder, lambda: left.append(memory.store.latest.count_pending()))
    refresher = Refresher(runtime)
    refresher.start()
    try:
        until("the model is given back", lambda: left)
    finally:
        assert refresher.stop(WAIT_SEC)
    assert left == [0]
