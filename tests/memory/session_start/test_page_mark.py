"""`.page-behind`: what the table has and a page lacks is never served from the cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.pages import cache, opened, page, refresh, ring, set_age

from iai_memory import Memory
from iai_memory.base.locks import held
from iai_memory.base.page_mark import NAME, clear_page_mark, hasten_page, page_mark
from iai_memory.errors import StoreBusy, StoreUnavailable


def test_each_mark_is_another_one(memory: Memory) -> None:
    hasten_page(memory.paths)
    first = page_mark(memory.paths)
    hasten_page(memory.paths)
    assert page_mark(memory.paths) != first
    assert (memory.paths.root / NAME).stat().st_mode & 0o777 == 0o600


def test_only_the_mark_that_was_read_is_taken_away(memory: Memory) -> None:
    hasten_page(memory.paths)
    seen = page_mark(memory.paths)
    hasten_page(memory.paths)
    clear_page_mark(memory.paths, seen)
    assert page_mark(memory.paths) is not None
    clear_page_mark(memory.paths, None)
    assert page_mark(memory.paths) is not None
    clear_page_mark(memory.paths, page_mark(memory.paths))
    assert page_mark(memory.paths) is None
    clear_page_mark(memory.paths, seen)


def test_a_mark_that_somebody_sets_just_now_stays(memory: Memory) -> None:
    hasten_page(memory.paths)
    with held(memory.paths.lock("page-mark"), timeout=0):
        clear_page_mark(memory.paths, page_mark(memory.paths))
    assert page_mark(memory.paths) is not None


def test_a_drain_that_stored_turns_marks_the_pages_before_it_answers(memory: Memory) -> None:
    refresh(memory)
    ring(memory, "plan the garden")
    memory.drain()
    assert page_mark(memory.paths) is not None
    assert "plan the garden" not in page(memory)
    assert refresh(memory).action == "wrote"
    assert page_mark(memory.paths) is None
    assert "plan the garden" in page(memory)


def test_a_drain_that_stored_nothing_new_but_read_turns_marks_too(memory: Memory) -> None:
    """The one before it may have been killed between its commit and its mark."""
    ring(memory, "plan the garden")
    memory.drain()
    refresh(memory)
    (memory.paths.spool / "sessions.json").unlink()
    ring(memory, "")
    assert memory.drain().stored == 0
    assert page_mark(memory.paths) is not None
    assert refresh(memory).reason == "no_new_records"
    assert page_mark(memory.paths) is None


def test_a_marked_page_does_not_wait_for_the_interval(memory: Memory) -> None:
    patient = opened(memory.paths.root, interval=3600)
    refresh(patient)
    ring(memory, "plan the garden")
    memory.drain()
    assert refresh(patient).action == "wrote"
    assert "plan the garden" in page(patient)
    memory.ingest("not captured")
    assert refresh(patient).reason == "min_interval_not_elapsed"


def test_a_turn_that_arrives_during_a_refresh_leaves_its_mark(memory: Memory) -> None:
    memory.ingest("a fact")
    other = opened(memory.paths.root)
    for step in ("watermark", "rendered", "written"):
        memory.ingest(f"before {step}")

        def arrive(passed: str, wanted: str = step) -> None:
            if passed == wanted:
                ring(other, f"during {wanted}", session_id=wanted)
                other.drain()

        memory.page_manager(on_step=arrive).refresh("periodic_wake")
        assert f"during {step}" in page(memory) or page_mark(memory.paths) is not None
        refresh(memory)
        assert f"during {step}" in page(memory)
        assert page_mark(memory.paths) is None


def test_a_page_that_cannot_be_written_stays_marked(memory: Memory) -> None:
    ring(memory, "plan the garden")
    memory.drain()
    cache(memory).mkdir()
    assert refresh(memory).action == "failed"
    assert page_mark(memory.paths) is not None


def test_every_project_page_is_true_once_the_mark_is_gone(memory: Memory, tmp_path: Path) -> None:
    folder = tmp_path / "garden"
    folder.mkdir()
    memory.ingest({"text": "a fact", "project": str(folder)})
    refresh(memory)
    ring(memory, "plan the garden", cwd=str(folder))
    memory.drain()
    refresh(memory)
    assert page_mark(memory.paths) is None
    pages = [path for path in (memory.paths.root / "session-start").glob("*.cached.md")]
    assert any("plan the garden" in path.read_text() for path in pages)


# --- forget ------------------------------------------------------------------------------------


def test_forget_takes_the_text_off_every_page_without_a_render(memory: Memory) -> None:
    [gone] = memory.ingest({"text": "sell the farm", "project": "p", "pinned": True}).results
    refresh(memory)
    assert "sell the farm" in page(memory)
    memory.forget([gone.id or ""])
    assert not [path for path in memory.paths.root.rglob("*.cached*") if "farm" in path.read_text()]
    assert page_mark(memory.paths) is not None
    refresh(memory)
    assert "sell the farm" not in page(memory)
    assert page_mark(memory.paths) is None


def test_a_refresh_that_began_before_the_forgetting_leaves_its_page_marked(memory: Memory) -> None:
    [gone] = memory.ingest("sell the farm").results

    def forget(step: str) -> None:
        if step == "rendered":
            opened(memory.paths.root).forget([gone.id or ""])

    memory.page_manager(on_step=forget).refresh("periodic_wake")
    assert "sell the farm" in page(memory)  # written after it was taken off
    assert page_mark(memory.paths) is not None  # and so no hook serves it
    refresh(memory)
    assert "sell the farm" not in page(memory)


def test_a_command_that_forgets_leaves_a_page(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "store")
    [gone] = memory.ingest("sell the farm").results
    memory.session_start(refresh=True)
    memory.forget([gone.id or ""])
    assert "holds no memory yet" in page(memory)
    assert page_mark(memory.paths) is None


def test_forgetting_nothing_leaves_the_pages_alone(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    set_age(cache(memory), 100)
    before = cache(memory).stat()
    assert memory.forget(["01900000-0000-7000-8000-000000000000"]).forgotten == []
    assert cache(memory).stat() == before


def test_a_mark_that_cannot_be_set_is_named(memory: Memory) -> None:
    (memory.paths.root / NAME).mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=NAME):
        hasten_page(memory.paths)
    # What stands there is no mark that a refresh could take away: the live command serves.
    assert page_mark(memory.paths) == b""


def test_a_mark_that_another_process_sets_for_long_is_waited_for(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iai_memory.base.page_mark._WAIT_SEC", 0.0)
    with held(memory.paths.lock("page-mark"), timeout=0), pytest.raises(StoreBusy):
        hasten_page(memory.paths)
