"""Which texts say the same, and which only look alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import record
from tests.support.themes import OpenMemory, corpus, store_all

from iai_memory import Memory
from iai_memory.projects.names import ProjectNames
from iai_memory.recall.deduplication import cheap_key
from iai_memory.store.copies import copy_digest
from iai_memory.text.saying import normalised_text


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    opened = open_memory()
    opened.ingest(corpus())
    return opened


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staging listens on port 5544.", "Staging listens on port 6000."),
        ("Deploy to staging works.", "Deploy to staging does not work."),
        ("You can merge it.", "You can't merge it."),
        ("You cannot merge it", "You can merge it"),
        ("Never use tabs", "Use tabs"),
        ("Ann reports to Bob", "Bob reports to Ann"),
        ("We moved from A to B", "We moved to A from B"),
        ("We moved to B", "We moved from B"),
        ("The build is green.", "The build is green?"),
        ("It costs 1.5", "It costs 15"),
        ("It costs 5 $", "It costs 5 €"),
        ("offset -5", "offset 5"),
        ("Write it in C++", "Write it in C#"),
        ("Write it in C", "Write it in C++"),
        ("a == b", "a != b"),
        ("Set userId here", "Set userid here"),
        ("ship it to US", "ship it to us"),
        ("read .env", "read env"),
        ("version 1.2.3", "version 1.2.4"),
        ("use foo_bar", "use foo_baz"),
        ("if x:\n  a\n  b", "if x:\n  a\nb"),
        ("rm -rf *", "rm -rf"),
        ("5!", "5"),
        ("do it or not", "do it"),
    ],
)
def test_texts_that_differ_in_what_they_say_never_say_the_same(one: str, other: str) -> None:
    assert normalised_text(one) != normalised_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staging listens on port 5544.", "staging listens on port 5544"),
        ("Run the tests again", "Please run tests again!"),
        ("Use 'ripgrep' here", "use ripgrep here."),
        ("  a   b ", "a b"),
        ("Staging listens on port 5544.", '"Staging listens on port 5544"'),
        ("Staging listens on port 5544.", "“Staging listens on port 5544.”"),
        ("read user_id", "read 'user_id'."),
        ("«v1.2» it is", "v1.2 it is"),
        ("one\n\ntwo", "one\n\ntwo  \n"),
    ],
)
def test_blanks_quotes_a_full_stop_and_a_capital_say_nothing(one: str, other: str) -> None:
    assert normalised_text(one) == normalised_text(other)


WORDS = st.lists(
    st.sampled_from(["deploy", "staging", "port", "user_id", "--force", "beehive", "v1.2", "x"]),
    min_size=1,
    max_size=8,
)


@given(WORDS, st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_another_number_anywhere_is_another_saying(
    words: list[str], one: int, other: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(words)))
    texts = [" ".join([*words[:at], str(number), *words[at:]]) for number in (one, other)]
    assert (normalised_text(texts[0]) == normalised_text(texts[1])) == (one == other)


@given(
    WORDS, st.sampled_from(["not", "no", "never", "without", "don't", "Not", "nicht"]), st.data()
)
def test_a_negation_anywhere_is_another_saying(
    words: list[str], negation: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(words)))
    assert normalised_text(" ".join([*words[:at], negation, *words[at:]])) != normalised_text(
        " ".join(words)
    )


def test_repetitions_are_shown_once_and_every_wording_stays_recallable(
    memory: Memory,
) -> None:
    wordings = [
        "The release train leaves on Tuesday",
        "the release train leaves on Tuesday.",
        "The release train leaves on Tuesday!",
    ]
    items = [
        {"text": text, "created_at": f"2026-07-{day:02}"} for day, text in enumerate(wordings, 1)
    ]
    other = {"text": "The release train leaves on Thursday.", "created_at": "2026-07-09"}
    newest, middle, oldest, _ = store_all(memory, [*reversed(items), other])
    before = memory.store.statistics()

    memory.sleep()

    assert memory.store.statistics() == before
    assert {memory.record(id).text for id in (newest, middle, oldest)} == set(wordings)
    for text in wordings:
        hits = memory.recall(text, limit=10).hits
        assert [hit.text in wordings for hit in hits].count(True) == 1
        assert "; 2 more say the same" in next(h for h in hits if h.text in wordings).reason


def test_what_is_one_hit_is_what_a_change_of_it_changes(words_only: Memory) -> None:
    text = "The release train leaves on Tuesday."
    ids = store_all(
        words_only,
        [
            {"text": text, "created_at": "2026-07-01"},
            {"text": text, "created_at": "2026-07-02", "project": "shop"},
            {"text": text, "created_at": "2026-07-03", "role": "user", "session_id": "s"},
            {"text": f"  the {text[4:-1]}", "created_at": "2026-07-04", "role": "assistant"},
            {"text": text, "created_at": "2026-07-05", "tags": ["decision"]},
        ],
    )
    of_shop, [of_none] = (
        [hit for hit in words_only.recall("release train").hits if hit.project == project]
        for project in ("shop", None)
    )
    assert [hit.id for hit in of_shop] == [ids[1]]
    assert set(of_none.ids) == {*ids} - {ids[1]}
    assert set(words_only.forget([of_none.id]).forgotten) == set(of_none.ids)


SAYING = st.lists(st.sampled_from(["rødgrød", "nord", "o'donnell", "irony", "don't"]), min_size=1)
NAMES = ProjectNames()
WITHOUT_MEANING = st.lists(st.sampled_from(["the", "please", "the,", "'please'", "“the”", "\t"]))


@given(SAYING, st.lists(WITHOUT_MEANING), st.sampled_from(["{}", "{},", "'{}'", "“{}”", "{} "]))
def test_what_says_the_same_has_the_same_cheap_key(
    words: list[str], between: list[list[str]], decorated: str
) -> None:
    plain = record("a", " ".join(words).capitalize())
    others = [*between, *([[]] * len(words))]
    adorned = [decorated.format(word) for word in words]
    filled = [part for at, word in enumerate(adorned) for part in (*others[at], word)]
    same = record("b", " ".join(filled))
    assert copy_digest(plain, NAMES) == copy_digest(same, NAMES)
    assert cheap_key(plain, NAMES) == cheap_key(same, NAMES)


def test_repetitions_are_one_hit_with_a_count(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    memory = Memory(tmp_path / "store")
    memory.ingest(
        [
            {"text": "The port is 5544.", "created_at": "2026-05-01"},
            {"text": "the port is 5544", "created_at": "2026-05-02"},
            {"text": "The port is 6000.", "created_at": "2026-05-03"},
        ]
    )
    hits = memory.recall("which port?").hits
    assert {hit.text.strip(".").lower() for hit in hits} == {"the port is 5544", "the port is 6000"}
    assert [hit.reason.endswith("; 1 more say the same") for hit in hits].count(True) == 1


def test_the_same_words_of_two_projects_are_two_hits(words_only: Memory) -> None:
    words_only.ingest(
        [{"text": "The port is 5544.", "project": name} for name in ("heron", "gull")]
    )
    assert {hit.project for hit in words_only.recall("port").hits} == {"heron", "gull"}
