"""Any value is only a value, in every filter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iai_memory import Memory
from iai_memory.store.filter import Filter
from iai_memory.store.names import stored_id, stored_place, stored_tags

NASTY = [
    "O'Reilly",
    "'; DROP TABLE memories; --",
    "') OR 1=1 --",
    'say "x"',
    "back\\slash'",
    "semi;colon",
    "null\x00byte",
    "new\nline",
    "emoji 🐙 and 東京",
    "%_*?",
    "timestamp '2020-01-01'",
    "${jndi}",
]


@pytest.mark.parametrize("value", NASTY)
def test_any_text_is_only_a_value_in_every_filter(memory: Memory, value: str) -> None:
    kept = memory.ingest(
        {"text": "kept", "project": value, "session_id": value, "tags": [value]}
    ).results[0]
    memory.ingest({"text": "other", "project": "p", "session_id": "s", "tags": ["t"]})
    project, session, tags = stored_place(value), stored_id(value), stored_tags([value])
    for where in (
        Filter(project=project),
        Filter(session_id=session),
        Filter(tags=tags),
        Filter(project=project, tags=tags, session_id=session),
    ):
        assert [record.id for record in memory.store.latest.newest(where, 10)] == [kept.id]
    assert memory.store.latest.by_column("project", [str(project)])[0].id == kept.id
    assert memory.store.statistics().total == 2


@pytest.mark.slow
@settings(max_examples=60)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_what_a_filter_names_is_what_it_finds(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    memory, tags = _shared_memory(tmp_path_factory), stored_tags([value])
    if not tags:
        return
    stored = memory.ingest({"text": f"about {value!r}", "tags": [value]}).results[0]
    found = {record.id for record in memory.store.latest.newest(Filter(tags=tags), 100)}
    assert stored.id in found
    everything = memory.store.latest.newest(Filter(), 10_000)
    [asked] = (tag.lower() for tag in tags)
    assert found == {one.id for one in everything if asked in map(str.lower, one.tags)}


_shared: list[Memory] = []


def _shared_memory(factory: pytest.TempPathFactory) -> Memory:
    if not _shared:
        _shared.append(Memory(factory.mktemp("filters") / "store"))
    return _shared[0]
