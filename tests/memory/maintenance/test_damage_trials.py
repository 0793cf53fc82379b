"""No damage to a file of the table is silent: it is harmless, mended, or named by a full look."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from random import Random

import pytest
from tests.support.damage import emptied, removed, truncated
from tests.support.damage_trials import (
    Trials,
    every_index,
    flipped,
    make_store,
    spread,
    table_files,
)


@pytest.fixture
def whole(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    make_store(tmp_path / "whole", 40)
    return tmp_path / "whole"


@pytest.fixture(autouse=True)
def with_every_index() -> Generator[None]:
    with every_index():
        yield


@pytest.mark.slow
def test_no_single_bit_of_any_file_is_silent(whole: Path, tmp_path: Path) -> None:
    trials = Trials(whole, tmp_path)
    files = spread(whole, 60, Random(1))
    found = [trials.trial(file, flipped, at) for at, file in enumerate(files)]
    assert [one for one in found if one.outcome == "silent"] == []
    assert {one.outcome for one in found} >= {"harmless", "named"}


@pytest.mark.slow
def test_no_file_that_was_cut_emptied_removed_or_exchanged_is_silent(
    whole: Path, tmp_path: Path
) -> None:
    trials = Trials(whole, tmp_path)
    kinds: dict[str, list[str]] = {}
    for file in table_files(whole):
        kinds.setdefault(f"{Path(file).parts[-2]} {Path(file).suffix}", []).append(file)
    some = [file for files in kinds.values() for file in (files[0], files[-1])]
    damages = (truncated, emptied, removed)
    found = [trials.trial(file, damages[at % 3], 0) for at, file in enumerate(some)]
    data = [file for file in table_files(whole) if "/data/" in file]
    found.append(trials.exchange(data[0], data[1]))
    assert [one for one in found if one.outcome == "silent"] == []
    assert {one.outcome for one in found} >= {"harmless", "mended", "named"}
