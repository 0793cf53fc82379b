"""A filter has three forms, and each of its fields is in all: SQL, `admits`, and the snapshot's."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import lancedb
import numpy as np
import pytest

from iai_memory import Memory
from iai_memory.embedding.identity import DIMENSION
from iai_memory.store.filter import EVERYTHING, Filter
from iai_memory.store.settled_times import SettledTimes

YEAR_2021 = datetime(2021, 1, 1, tzinfo=UTC)

NOTHING_AHEAD = SettledTimes(np.empty(0, np.int64), np.empty(0, np.int64), datetime.now(UTC))

HIDDEN = {"replaced", "forgotten"}
STORED = {"plain", "of p", "of q", "of s", "early", "tagged", "assistant's", "tool's", "pinned"}
SHOWN = STORED | {"successor"}

# By field, filters that set it and the records that they let through.
CASES: dict[str, list[tuple[Filter, set[str]]]] = {
    "project": [
        (Filter(project="p"), {"of p"}),
        (Filter(project="nobody's"), set()),
    ],
    "or_no_project": [(Filter(project="p", or_no_project=True), SHOWN - {"of q"})],
    "session_id": [(Filter(session_id="s"), {"of s"})],
    "not_session_id": [
        (Filter(not_session_id="s"), SHOWN - {"of s"}),
        (Filter(not_session_id="nobody's"), SHOWN),
    ],
    "same_project": [
        (Filter(project="p", same_project=("q",)), {"of p", "of q"}),
        (Filter(project="none", same_project=("p", "gone")), {"of p"}),
    ],
    "since": [(Filter(since=YEAR_2021), SHOWN - {"early"})],
    "until": [(Filter(until=YEAR_2021), {"early"})],
    "as_of": [(Filter(as_of=YEAR_2021), set())],
    "hindsight": [(Filter(as_of=YEAR_2021, hindsight=True), {"early"})],
    "times": [(Filter(as_of=YEAR_2021, times=NOTHING_AHEAD), set())],
    "tags": [(Filter(tags=("t",)), {"tagged"}), (Filter(tags=("t", "u")), set())],
    "roles": [(Filter(roles=("assistant",)), {"assistant's"})],
    "origins": [(Filter(origins=("tool", "hook")), {"tool's"})],
    "pinned": [(Filter(pinned=True), {"pinned"})],
    "embedded": [(Filter(embedded=True), set())],
    "include_superseded": [(Filter(include_superseded=True), SHOWN | {"replaced"})],
    "include_tombstoned": [(Filter(include_tombstoned=True), SHOWN | {"forgotten"})],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Memory, datetime]:
    """A record for each field of a filter, and the moment before two of them were hidden."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IAI_MCP_MODEL", "installed")
        memory = Memory(tmp_path_factory.mktemp("filter") / "store", on_commit=lambda: None)
    stored = memory.ingest(
        [
            {"text": "heron: plain"},
            {"text": "heron: of p", "project": "p"},
            {"text": "heron: of q", "project": "q"},
            {"text": "heron: of s", "session_id": "s"},
            {"text": "heron: early", "created_at": "2020-05-05"},
            {"text": "heron: tagged", "tags": ["t"]},
            {"text": "heron: assistant's", "role": "assistant"},
            {"text": "heron: pinned", "pinned": True},
            {"text": "heron: replaced"},
            {"text": "heron: forgotten"},
        ]
    ).results
    memory.ingest("heron: tool's", origin="tool")
    before = datetime.now(UTC)
    memory.supersede(str(stored[-2].id), "heron: successor")
    memory.forget([str(stored[-1].id)])
    return memory, before


def names_by_sql(memory: Memory, where: Filter) -> set[str]:
    table = lancedb.connect(memory.paths.database).open_table("memories")
    sql = where.to_sql()
    query = table.search().limit(100)
    rows = (query.where(sql) if sql else query).select(["text"]).to_list()
    return {row["text"].removeprefix("heron: ") for row in rows}


def names_admitted(memory: Memory, where: Filter) -> set[str]:
    latest = memory.store.latest
    admitted = [one for one in latest.get(latest.ids()) if where.admits(one)]
    return {one.text.removeprefix("heron: ") for one in admitted}


def names_found(memory: Memory, where: Filter) -> set[str]:
    """By a search of the latest version, which a snapshot answers from the second search on."""
    latest = memory.store.latest
    query = np.full(DIMENSION, DIMENSION**-0.5, np.float32)
    for _ in range(2):
        latest.nearest(query, Filter(), 1, nprobes=50)
    records = latest.get(list(latest.matching("heron", where, 100)))
    # As every caller does: what the search lets by too much goes.
    return {one.text.removeprefix("heron: ") for one in records if where.admits(one)}


def test_every_field_of_a_filter_has_a_case() -> None:
    assert CASES.keys() == {field.name for field in fields(Filter)}


@pytest.mark.parametrize("field", CASES)
def test_a_field_decides_the_same_in_sql_in_python_and_in_the_snapshot(
    store: tuple[Memory, datetime], field: str
) -> None:
    memory, _ = store
    for where, expected in CASES[field]:
        assert names_admitted(memory, where) == expected
        assert names_found(memory, where) == expected
        by_sql = names_by_sql(memory, where)
        assert by_sql == expected if where.as_of is None else by_sql >= expected


def test_a_filter_without_fields_shows_what_is_neither_forgotten_nor_superseded(
    store: tuple[Memory, datetime],
) -> None:
    memory, _ = store
    for names in (names_by_sql, names_admitted, names_found):
        assert names(memory, Filter()) == SHOWN
        assert names(memory, EVERYTHING) == SHOWN | HIDDEN


def test_as_of_shows_what_was_hidden_since_and_not_what_came_since(
    store: tuple[Memory, datetime],
) -> None:
    memory, before = store
    where = Filter(as_of=before)
    assert names_admitted(memory, where) == names_found(memory, where) == STORED | HIDDEN
    assert names_by_sql(memory, where) >= STORED | HIDDEN
