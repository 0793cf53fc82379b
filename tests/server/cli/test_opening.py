"""What a command opens is closed when it has ended, also in a process that runs several."""

from __future__ import annotations

import gc

import pytest
from tests.support.pages import opened, page, refresh

from iai_memory import Memory
from iai_server.cli import opening
from iai_server.cli.main import run


def test_a_command_keeps_nothing_of_the_memory_that_it_opened(memory: Memory) -> None:
    memory.ingest("a fact")
    assert run(["status"]) == 0
    before = [found for found in gc.get_objects() if isinstance(found, Memory)]
    frozen = gc.get_freeze_count()
    assert run(["status"]) == 0
    gc.collect()
    after = [found for found in gc.get_objects() if isinstance(found, Memory)]
    assert [found for found in after if not any(found is held for held in before)] == []
    assert gc.get_freeze_count() <= frozen


def test_a_command_leaves_a_true_page_within_the_interval(memory: Memory) -> None:
    pages = opened(memory.paths.root, interval=3600)
    pages.ingest("a fact")
    refresh(pages)
    assert run(["ingest", "the moment before"]) == 0
    assert "the moment before" in page(pages)


def test_what_cannot_be_closed_is_told_and_the_command_has_succeeded(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", "a fact"]) == 0
    capsys.readouterr()
    changed = opening.open_memory()
    changed.ingest("another one")
    changed.store.set_embedder("other-model/fp32")
    assert run(["--version"]) == 0
    assert "holds vectors of other-model/fp32" in capsys.readouterr().err
