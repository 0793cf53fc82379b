"""Topics: what a store is about, by project, in words of its own; kept in a private file."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.modules import modules_loaded_by
from tests.support.themes import THEMES, OpenMemory, corpus, topics_of

from iai_memory import Memory
from iai_memory.analysis.topic_file import load_topics, save_topics, topics_path
from iai_memory.analysis.topic_labels import label_phrases, label_words
from iai_memory.analysis.topics import TopicMap
from iai_memory.session_start.page_inputs import read_page_inputs
from iai_memory.text.filler_words import FILLER_WORDS


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    opened = open_memory()
    opened.ingest(corpus())
    return opened


def pages_of(memory: Memory) -> dict[str | None, Any] | None:
    topics = read_page_inputs(memory.paths).topics
    contents = memory.store.statistics()
    if topics is None or topics.predates_removal(contents.removal_version, contents.total):
        return None
    return dict(topics.lines)


def words_of(lines: tuple[str, ...]) -> set[str]:
    return {word for line in lines for word in line.partition(" (")[0].replace(",", "").split()}


# Topics


def test_each_subject_has_a_line_with_its_own_words_its_size_and_its_newest_date(
    memory: Memory,
) -> None:
    lines = topics_of(memory).lines[None]
    assert len(lines) == 3
    for own in ("beehive", "database", "weather"):
        [line] = [line for line in lines if own in words_of((line,))]
        assert line.endswith("(5 memories, newest 2026-05-05)")


def test_the_fact_of_a_topic_is_the_newest_that_the_user_noted(memory: Memory) -> None:
    model = Memory(memory.paths.root, origin="tool", on_commit=lambda: None)
    model.ingest({"text": "The weather station of Bo is new.", "created_at": "2026-06-01"})
    topics = topics_of(memory)
    [line] = [at for at, one in enumerate(topics.lines[None]) if "weather" in one]
    [fact] = memory.store.latest.get([topics.facts[None][line]])
    assert fact.text == THEMES["station"][4]


@pytest.mark.parametrize("seed", range(3))
def test_equal_memories_give_an_equal_map_in_whatever_order_and_batches_they_came(
    open_memory: OpenMemory, memory: Memory, seed: int
) -> None:
    rng, items = random.Random(seed), corpus()
    rng.shuffle(items)
    other = open_memory("other")
    while items:
        size = rng.randint(1, 6)
        other.ingest(items[:size])
        items = items[size:]
    assert topics_of(other).lines == topics_of(memory).lines
    assert topics_of(memory).lines == topics_of(memory).lines


def test_a_project_sees_topics_of_its_own_memories_and_of_no_project_and_of_no_other(
    memory: Memory,
) -> None:
    memory.ingest(
        [
            {"text": f"The login page has a {part} in dark mode.", "created_at": "2026-06-01"}
            for part in ("button", "form", "menu", "header")
        ]
    )
    lines = topics_of(memory).lines
    assert set(lines) == {None, *THEMES}
    login = set(label_words("The login page has in dark mode button form menu header"))
    for project, texts in THEMES.items():
        own = label_words(" ".join(texts)) | login
        assert len(lines[project]) == 2
        assert words_of(lines[project]) <= own


def test_two_memories_of_a_subject_are_no_topic(open_memory: OpenMemory) -> None:
    memory = open_memory("few")
    memory.ingest([{"text": text} for text in THEMES["bees"][:2]])
    assert topics_of(memory).lines[None] == ()


def test_two_memories_that_have_nothing_in_common_are_no_topic(open_memory: OpenMemory) -> None:
    memory = open_memory("unrelated")
    memory.ingest(["The staging database listens on port 5544.", "Bees dance in the dark."])
    assert topics_of(memory).lines[None] == ()


def test_at_most_eight_topics_stand_on_a_page_and_the_largest_is_first(
    open_memory: OpenMemory,
) -> None:
    subjects = (
        "beehive honey", "database migration", "guitar chord", "volcano eruption", "bread dough",
        "tax declaration", "bicycle tyre", "chess opening", "telescope mirror", "dental surgery",
    )  # fmt: skip
    memory = open_memory("many")
    memory.ingest(
        [
            f"{subject}, note {number} about the {subject}"
            for size, subject in enumerate(subjects)
            for number in range(3 + size)
        ]
    )
    lines = topics_of(memory).lines[None]
    assert len(lines) == 8
    assert {"dental", "surgery"} <= words_of(lines[:1])
    sizes = [int(line.partition(" (")[2].split()[0]) for line in lines]
    assert sizes == sorted(sizes, reverse=True)


def test_memories_without_a_vector_are_left_to_the_next_map(memory: Memory) -> None:
    with memory.store.writing() as writer:
        writer.drop_vectors()
    assert topics_of(memory).lines == {None: ()}


def test_what_was_superseded_is_in_no_topic(memory: Memory) -> None:
    for hit in memory.timeline(project="bees").records:
        memory.supersede(hit.id, "Left empty on purpose: see the other notes.")
    assert "beehive" not in " ".join(topics_of(memory).lines[None])


def test_words_of_a_forgotten_memory_are_never_served(memory: Memory) -> None:
    memory.sleep()
    served = pages_of(memory)
    assert served is not None
    assert "beehive" in words_of(served[None])

    bees = [record.id for record in memory.timeline(project="bees").records]
    memory.forget(bees[:1])
    assert pages_of(memory) is None

    memory.forget(bees)
    memory.sleep()
    served = pages_of(memory)
    assert served is not None
    assert b"beehive" not in topics_path(memory.paths).read_bytes()
    assert {"database", "weather"} <= words_of(served[None])


def test_a_map_made_before_a_purge_is_cold(memory: Memory) -> None:
    memory.sleep()
    contents = memory.store.statistics()
    topics = read_page_inputs(memory.paths).topics
    assert topics is not None
    assert not topics.predates_removal(contents.removal_version, contents.total)
    assert topics.predates_removal(contents.removal_version, contents.total - 1)


def test_new_memories_alone_leave_the_last_map_in_use(memory: Memory) -> None:
    memory.sleep()
    before = pages_of(memory)
    memory.ingest("Something about nothing in particular.")
    assert pages_of(memory) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The database, please: use port_5544 on v2!", {"database"}),
        ("Ärger mit dem Überlauf der Größe", {"ärger", "überlauf", "grösse"}),
        ("L'été et l'hiver", {"lété", "lhiver"}),
        ("Резервная копия базы", {"резервная", "копия", "базы"}),
        ("数据库备份", {"数据", "据库", "库备", "备份"}),
        ("データベースの移行", {"データベース", "移行"}),
        ("डेटाबेस सर्वर", {"डेटाबेस", "सर्वर"}),
        ("don't can't it's", set[str]()),
        ("a1b2c3 0xdeadbeef 1234", set[str]()),
        ("‮hidden​mark", {"hidden", "mark"}),
        ("x" * 31, set[str]()),
    ],
)
def test_label_words_are_words_of_any_script_without_numbers_names_and_grammar(
    text: str, expected: set[str]
) -> None:
    assert label_words(text) == {word.casefold() for word in expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The shadow branch moved.", {"shadow branch", "shadow branch moved", "branch moved"}),
        ("Please run tests, update pre-commit hooks.", {"pre-commit hooks"}),
        ("I'd love that, don't we", set[str]()),
        ("walking.\nSkeleton (first) of the app", set[str]()),
        ("see tools/memory/page.py and lib_two x2 files", set[str]()),
        ("Die Praxis der Ärztin öffnet", {"ärztin öffnet"}),
    ],
)
def test_a_phrase_is_of_words_that_stand_together(text: str, expected: set[str]) -> None:
    assert label_phrases(text) == expected


def test_words_that_every_topic_has_name_none(open_memory: OpenMemory) -> None:
    memory = open_memory("common")
    memory.ingest(
        [
            f"{verb} it: {subject} {number}, then run, test and check it"
            for subject in ("honey", "volcano", "guitar")
            for number, verb in enumerate(("look at", "go on with", "come back to", "stay with"))
        ]
    )
    named = words_of(topics_of(memory).lines[None])
    assert named <= {"honey", "volcano", "guitar"}
    assert named


@given(st.text())
def test_no_text_whatever_puts_more_than_letters_into_a_label(text: str) -> None:
    for term in label_words(text) | label_phrases(text):
        assert term not in FILLER_WORDS
        term = term.replace(" ", "")
        assert not set(term) & set("<>#`|()[]{}\n\r\t \x1b,;:")


def test_stop_words_are_written_as_words_are_made() -> None:
    assert all(word == word.casefold() and "'" not in word for word in FILLER_WORDS)


# The file


def test_the_map_comes_back_from_its_private_file_as_it_was_saved(memory: Memory) -> None:
    topics = TopicMap(
        7,
        3,
        20,
        "model/384",
        {None: ("a (3 memories)",), "näme": (), "null": ("b",)},
        {None: ("0198",), "näme": (), "null": ("",)},
    )
    save_topics(memory.paths, topics)
    assert load_topics(memory.paths) == topics
    assert topics_path(memory.paths).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"format": 99}',
        b'{"format": 1}',
        b'{"format": 1, "content_version": true, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [], "projects": {}}',
        b'{"format": 1, "content_version": 1, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [1], "projects": {}}',
        b'{"format": 1, "content_version": 1, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [], "projects": {"a": "b"}}',
    ],
)
def test_a_file_that_is_no_map_is_no_map(memory: Memory, content: bytes) -> None:
    topics_path(memory.paths).write_bytes(content)
    assert load_topics(memory.paths) is None
    assert pages_of(memory) is None


def test_importing_the_topics_does_not_load_the_community_library() -> None:
    assert "graspologic_native" not in modules_loaded_by("iai_memory.analysis.topics")
