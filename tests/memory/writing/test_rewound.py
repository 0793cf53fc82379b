"""Turns that the user took back: kept, tagged, ranked below what replaced them, on no page."""

from __future__ import annotations

from typing import Any

import pytest

from iai_memory import Memory
from iai_memory.base.clock import parse_time
from iai_memory.store.idempotency import TurnIdentity
from iai_memory.writing.new_memory import NewMemory

HOST = "claude-code"


def told(number: int, text: str, **more: Any) -> NewMemory:
    """A turn of a transcript whose id is this number."""
    at = parse_time(f"2026-05-08T10:{number:02}:00Z", "at")
    identity = TurnIdentity.of_id(HOST, str(number))
    fields: dict[str, Any] = {"session_id": "s", "project": "p", **more}
    return NewMemory(text, "user", at, turn_id=str(number), host=HOST, identity=identity, **fields)


def keys(*ids: str, host: str = HOST) -> list[str]:
    """The idempotency keys of turns with these ids."""
    return [TurnIdentity.of_id(host, id_).key("") for id_ in ids]


@pytest.fixture
def memory(memory: Memory) -> Memory:
    memory.ingest(
        [
            told(1, "the staging database listens on port 5544"),
            told(2, "the staging database listens on port 6001"),
            told(3, "and the mail server waits in Brest", session_id="t"),
        ]
    )
    return memory


def tags(memory: Memory) -> dict[str, list[str]]:
    """The tags of each turn by the end of its text."""
    return {one.text.split()[-1]: one.tags for one in memory.timeline(turns=True).records}


def test_a_turn_that_was_taken_back_is_tagged_and_its_history_says_since_when(
    memory: Memory,
) -> None:
    version = memory.store.version
    assert memory.tag_rewound(keys("2", "unknown"), keys("1", "3")) == 1
    assert memory.store.version == version + 1
    assert tags(memory) == {"5544": [], "6001": ["rewound"], "Brest": []}
    [record] = [one for one in memory.store.latest.get(memory.store.latest.ids()) if one.tags]
    assert [(change.field, change.before) for change in record.history] == [("tags", ())]


def test_a_turn_that_holds_again_loses_the_tag_and_keeps_its_others(memory: Memory) -> None:
    [record] = [one for one in memory.timeline(turns=True).records if one.text.endswith("6001")]
    memory.pin(record.id, pinned=False, add_tags=["port"])
    memory.tag_rewound(keys("2"), [])
    assert memory.tag_rewound([], keys("1", "2")) == 1
    assert tags(memory)["6001"] == ["port"]


def test_tagging_what_is_tagged_or_of_another_host_changes_nothing(memory: Memory) -> None:
    memory.tag_rewound(keys("2"), [])
    version = memory.store.version
    assert memory.tag_rewound(keys("2"), keys("1")) == 0
    assert memory.tag_rewound(keys("1", host="codex"), keys("2", host="codex")) == 0
    assert memory.tag_rewound([], []) == 0
    assert tags(memory)["6001"] == ["rewound"]
    assert memory.store.version <= version + 2  # an empty commit may be one


def test_a_turn_that_is_both_counts_as_taken_back(memory: Memory) -> None:
    assert memory.tag_rewound(keys("1"), keys("1", "2")) == 1
    assert tags(memory)["5544"] == ["rewound"]


@pytest.mark.parametrize(("taken_back", "first"), [("1", "6001"), ("2", "5544")])
def test_what_was_taken_back_ranks_below_what_replaced_it_and_says_so(
    memory: Memory, taken_back: str, first: str
) -> None:
    memory.tag_rewound(keys(taken_back), [])
    hits = memory.recall("which port does the staging database listen on?", min_confidence=0).hits
    assert [hit.text.split()[-1] for hit in hits[:2]] == [
        first,
        {"6001": "5544"}.get(first, "6001"),
    ]
    assert hits[1].tags == ["rewound"]
    assert "- rewound 0.350" in hits[1].reason
    assert "rewound" not in hits[0].reason


def test_what_was_taken_back_is_still_found_by_its_own_words(memory: Memory) -> None:
    memory.tag_rewound(keys("3"), [])
    found = memory.recall("where does the mail server wait?")
    assert found.hits[0].text == "and the mail server waits in Brest"
    assert found.hits[0].tags == ["rewound"]


def test_no_section_of_the_page_shows_what_was_taken_back(memory: Memory) -> None:
    notes = [{"text": f"note {number}", "project": "p"} for number in range(3)]
    memory.ingest(notes)
    taken_back = [
        told(10 + n, f"wrong turn {n}", pinned=True, tags=("identity",)) for n in range(40)
    ]
    memory.ingest(taken_back)
    memory.tag_rewound(keys(*(str(10 + n) for n in range(40))), [])
    page = memory.session_start().payload
    assert "wrong turn" not in page
    assert "note 2" in page
    assert "port 6001" in page
