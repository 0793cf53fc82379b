"""A sentence is found wherever in a text it stands, and its passage goes where its record goes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.stored import stored

from iai_memory import Memory
from iai_memory.embedding.passages import (
    MAX_PASSAGES,
    MAX_TOKENS,
    Passages,
    may_have_several,
    split,
)
from iai_memory.store.filter import Filter
from iai_memory.store.vector_rows import Row, Vector
from iai_memory.text.speakers import utterance

FILLER = "The committee looked at the budget of the library and put off the decision once more. "
NEEDLE = "My grandmother keeps seven bees in a hat on the balcony."
LONG = FILLER * 170 + NEEDLE
QUESTION = "who owns insects that live in headgear?"


def vector_of(memory: Memory, question: str) -> Vector:
    assert memory.encoder is not None
    vector: Vector = memory.encoder.encode([question])[0]
    return vector


def nearest(memory: Memory, question: str, where: Filter | None = None) -> dict[str, float]:
    """What `TableReader.nearest` says of a question."""
    return memory.store.latest.nearest(
        vector_of(memory, question), where or Filter(), 10, nprobes=50
    )


def row_of(memory: Memory, id_: str) -> Row:
    [row] = memory.store.latest.rows([id_])
    return row


def best_passage(memory: Memory, id_: str, question: str) -> str:
    """The text of the passage that is nearest to a question."""
    one = row_of(memory, id_)
    assert one.passages is not None
    start, end = one.passages.spans[
        int(np.argmax(one.passages.vectors @ vector_of(memory, question)))
    ]
    return one.record.text[start:end]


def same(one: Passages | None, other: Passages | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.spans == other.spans and np.array_equal(one.vectors, other.vectors)


def words_of(text: str) -> list[tuple[int, int]]:
    """A tokenizer of our own: words, and each mark by itself."""
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text, words_of(text))]


def test_a_sentence_at_the_end_of_a_long_text_is_found(memory: Memory) -> None:
    assert memory.encoder is not None
    assert len(memory.encoder.token_spans(LONG)) > 2_500
    late = stored(memory, LONG)
    stored(memory, FILLER * 170 + "It rained.")
    assert next(iter(nearest(memory, QUESTION))) == late
    assert NEEDLE in best_passage(memory, late, QUESTION)


def test_one_of_two_sentences_counts_with_its_own_cosine(memory: Memory) -> None:
    both = stored(memory, f"{FILLER}{NEEDLE}")
    alone = stored(memory, NEEDLE)
    scores = nearest(memory, QUESTION)
    assert scores[both] == pytest.approx(scores[alone], abs=2e-3)
    assert best_passage(memory, both, QUESTION) == NEEDLE
    assert row_of(memory, alone).passages is None


def test_a_filter_holds_for_passages_too(memory: Memory) -> None:
    mine = stored(memory, LONG, project="p", tags=["bees"])
    stored(memory, LONG, project="q")
    assert list(nearest(memory, QUESTION, Filter(project="p"))) == [mine]
    assert list(nearest(memory, QUESTION, Filter(tags=("bees",)))) == [mine]
    memory.forget([mine])
    assert nearest(memory, QUESTION, Filter(project="p")) == {}


def test_a_speakers_name_is_part_of_no_passage(memory: Memory) -> None:
    id_ = stored(memory, f"Ann: {NEEDLE} We had tea afterwards.")
    passages = row_of(memory, id_).passages
    assert passages is not None
    assert passages.spans[0] == (5, 5 + len(NEEDLE))


def test_passages_are_unit_vectors_of_their_own_text(memory: Memory) -> None:
    one = row_of(memory, stored(memory, LONG))
    assert one.passages is not None
    assert one.passages.vectors.dtype == np.float32
    assert np.linalg.norm(one.passages.vectors, axis=1) == pytest.approx(1.0, abs=1e-3)
    start, end = one.passages.spans[-1]
    [alone] = [vector_of(memory, one.record.text[start:end])]
    assert float(alone @ one.passages.vectors[-1]) == pytest.approx(1.0, abs=1e-3)


def test_passages_stay_when_their_record_changes(memory: Memory) -> None:
    id_ = stored(memory, LONG)
    before = row_of(memory, id_).passages
    memory.pin(id_, add_tags=["x"])
    assert same(row_of(memory, id_).passages, before)
    memory.forget([id_])
    memory.restore([id_])
    assert same(row_of(memory, id_).passages, before)
    new = memory.supersede(id_, "It was the hat of my aunt. The bees moved out in May.").new_id
    assert same(row_of(memory, id_).passages, before)
    after = row_of(memory, new).passages
    assert after is not None
    assert len(after.spans) == 2
    memory.store.compact(keep=timedelta(0))
    assert same(row_of(memory, id_).passages, before)


def unit_vectors(chance: np.random.Generator, count: int) -> Vector:
    vectors: Vector = chance.standard_normal((count, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def test_indexed_passages_are_found_like_compared_ones_and_new_ones_too(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iai_memory.store.indexes.VECTOR_INDEX_ROWS", 400)
    monkeypatch.setattr("iai_memory.store.indexes.PASSAGE_INDEX_ROWS", 400)
    chance = np.random.default_rng(5)
    memory.ingest([f"Short text {n}." for n in range(60)])
    [short, *_] = memory.store.latest.all_rows()
    for count in (400, 30):
        with memory.store.writing() as writer:
            rows = [
                Row(
                    replace(short.record, idem=f"{count} {n}"),
                    unit_vectors(chance, 1)[0],
                    Passages(unit_vectors(chance, 3), ((0, 4), (5, 9), (6, 10))),
                )
                for n in range(count)
            ]
            writer.insert(rows)
        if count == 400:
            memory.store.compact(keep=timedelta(0))
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    assert {"vector", "passages"} <= {name for i in table.list_indices() for name in i.columns}
    best: dict[str, float] = {}
    query = unit_vectors(chance, 1)[0]
    for row in memory.store.latest.all_rows():
        cosines = [] if row.vector is None else [float(row.vector @ query)]
        cosines += [] if row.passages is None else (row.passages.vectors @ query).tolist()
        best[row.record.id] = max(cosines)
    found = memory.store.pinned_reader().nearest(query, Filter(), 100, nprobes=50)
    expected = sorted(best.values(), reverse=True)[:20]
    # As deep as a recall asks: of random directions an index of one bit a component is least sure.
    assert list(found.values())[:20] == pytest.approx(expected, abs=2e-3)


def test_reembedding_makes_passages_anew(memory: Memory) -> None:
    id_ = stored(memory, LONG)
    before = row_of(memory, id_)
    with memory.store.writing() as writer:
        writer.drop_vectors()
    dropped = row_of(memory, id_)
    assert (dropped.vector, dropped.passages) == (None, None)
    assert nearest(memory, QUESTION) == {}
    assert memory.reembed() == 1
    after = row_of(memory, id_)
    assert same(after.passages, before.passages)
    assert after.vector is not None
    assert before.vector is not None
    assert after.vector == pytest.approx(before.vector, abs=1e-6)


def test_passages_go_through_an_export_as_they_are(memory: Memory, tmp_path: Path) -> None:
    ids = [stored(memory, LONG), stored(memory, NEEDLE)]
    lines = list(memory.export_lines(vectors=True))
    other = Memory(tmp_path / "other")
    list(other.import_lines(lines))
    assert other.store.statistics().pending == 0
    for id_ in ids:
        assert same(row_of(other, id_).passages, row_of(memory, id_).passages)
    assert list(other.export_lines(vectors=True)) == lines


def test_vectors_of_a_text_that_is_redacted_on_its_way_in_are_made_anew(
    memory: Memory, tmp_path: Path
) -> None:
    stored(memory, f"{NEEDLE} The word is quartz today.")
    [line] = memory.export_lines(vectors=True)
    other = Memory(tmp_path / "other")
    list(other.import_lines([line.replace("quartz", "ghp_" + "a1B2" * 9)]))
    assert other.store.statistics().pending == 1
    assert other.embed_pending() == 1
    [hit] = other.recall(QUESTION).hits
    assert "ghp_" not in hit.text
    assert NEEDLE in best_passage(other, hit.id, QUESTION)


def test_a_scrubbed_text_loses_its_passages_with_its_words(memory: Memory) -> None:
    id_ = stored(memory, LONG)
    memory.scrub("bees")
    assert row_of(memory, id_).passages is None
    assert memory.embed_pending() == 1
    one = row_of(memory, id_)
    assert one.passages is not None
    assert one.passages.spans[-1][1] == len(one.record.text)


def test_what_waits_for_its_passages_is_found_by_its_vector_meanwhile(memory: Memory) -> None:
    id_ = stored(memory, LONG)
    with memory.store.writing() as writer:
        [row] = writer.reader.rows([id_])
        pending = replace(row, record=replace(row.record, embedder=None), passages=None)
        writer.update([pending], writer.now())
    assert memory.status().pending == 1
    before = nearest(memory, QUESTION)
    assert list(before) == [id_]
    assert memory.embed_pending() == 1
    assert nearest(memory, QUESTION)[id_] > before[id_]
    assert memory.status().pending == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One sentence alone.", []),
        ("It is v2.13.1 of e.g. Mr. Smith, J. Doe.", []),
        (
            "Use v2.13.1 for now. It costs 3.50 a day!",
            ["Use v2.13.1 for now.", "It costs 3.50 a day!"],
        ),
        ("Wow! That was good. Did it rain?", ["Wow! That was good.", "Did it rain?"]),
        ("That was all there is. Ok.", []),
        (
            "He said “Stop it now!” And then he left.",
            ["He said “Stop it now!”", "And then he left."],
        ),
        ("今天天气很好。我们去公园吧。", ["今天天气很好。", "我们去公园吧。"]),
        (
            "def first(one, two):\n    return one + two\n",
            ["def first(one, two):", "return one + two"],
        ),
        ("Ann: I came home late. It was dark.", ["I came home late.", "It was dark."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_text_of_many_sentences_has_about_eight_passages() -> None:
    text = " ".join(f"This is the sentence with the number {n}." for n in range(40))
    assert 8 <= len(sentences(text)) <= 12


def test_a_line_without_an_end_is_cut_into_overlapping_parts() -> None:
    found = sentences("word " * 300)
    assert [len(part.split()) for part in found] == [126, 126, 80]


def test_of_a_text_with_too_many_passages_some_are_kept_from_begin_to_end() -> None:
    text = "word " * 300_000
    spans = split(text, words_of(text))
    assert len(spans) == MAX_PASSAGES
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text.rstrip())


TEXTS = st.lists(
    st.sampled_from(
        [
            "word",
            "Ann:",
            ".",
            "!",
            "? ",
            "\n",
            " ",
            "e.g. ",
            "3.14",
            "。",
            "東京",
            "()",
            "…",
            "\t",
            "x" * 40,
        ]
    ),
    max_size=400,
).map("".join)


@given(TEXTS | st.text(max_size=200))
@example("word " * 1_000)
@example("a. " * 500)
def test_passages_are_in_order_small_and_cover_every_word(text: str) -> None:
    tokens = words_of(text)
    spans = split(text, tokens)
    assert spans == sorted(spans)
    assert len(spans) != 1
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(not text[start].isspace() and not text[end - 1].isspace() for start, end in spans)
    said = len(text) - len(utterance(text).words)
    for start, end in spans:
        assert said <= start
        assert sum(start <= token < end for token, _ in tokens) <= MAX_TOKENS
    if spans:
        assert may_have_several(text)
        covered = np.zeros(len(text), bool)
        for start, end in spans:
            covered[start:end] = True
        assert all(text[at].isspace() for at in range(said, len(text)) if not covered[at])
