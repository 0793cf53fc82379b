"""The outline of a page answers as the table does, whatever part of it is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iai_memory import Memory, load_settings
from iai_memory.session_start import outline
from iai_memory.store.filter import Filter

ROLES = ("user", "note", "assistant", "tool")


@pytest.mark.parametrize("held", [4, 4_000])
@pytest.mark.parametrize("where", [{}, {"roles": ("user",)}, {"roles": ROLES, "origins": ("cli",)}])
def test_the_outline_of_a_page_is_what_the_table_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, where: dict[str, Any]
) -> None:
    monkeypatch.setattr(outline, "_ROWS", held)
    memory = Memory(settings=load_settings(store=tmp_path / "store", model=tmp_path))
    for origin in ("cli", "tool"):
        said = [
            {"text": f"{role} {at} {origin}", "role": role, "project": "p" if at else "q"}
            for at in range(3)
            for role in ROLES
        ]
        memory.ingest(said, origin=origin)
    ids = [str(one.id) for one in memory.timeline(limit=5).records]
    memory.forget(ids[:2])
    mine = Filter(project="p")
    reader = memory.store.pinned_reader()
    page = outline.PageOutline(reader, mine)

    asked = replace(mine, include_superseded=True, include_tombstoned=True, **where)
    for limit in (2, 5, 100):
        expected = reader.outline(asked, limit)
        assert page.newest(asked, limit)["id"].to_pylist() == expected["id"].to_pylist()
        assert len(expected)
    assert page.newest(mine, 100)["id"].to_pylist() == reader.outline(mine, 100)["id"].to_pylist()
