"""What words find in memory is what they find in the table, and the scores are those of BM25."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.any_order import FILTERS, served, some_memory, steps, vector_of, without_its_data

from iai_memory import Memory
from iai_memory.store.filter import Filter
from iai_memory.store.reader import TableReader
from iai_memory.store.snapshot import merge_policy
from iai_memory.store.snapshot.inverted_index import InvertedIndex, LivePostings, Postings
from iai_memory.text.analyzer import document_terms, query_terms

QUESTIONS = [
    "Who paints a lighthouse?",
    "the heron, the aunt and the ferry of Brest",
    "port",
    "the",
    "zebra",
    "🙈",
    "?",
    "",
]
LIVE = Filter(include_superseded=True)
EVERY = 1_000
SAMPLED = 5  # filters of all, after each step: what is wrong after one is wrong after the next
ROUNDED = 1e-5

Texts = Sequence[Sequence[str] | None]


@pytest.fixture
def root(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    return tmp_path / "store"


def copied(memory: Memory) -> TableReader:
    """The memory's reader, once it answers from memory: so it does from its second search on."""
    latest = memory.store.latest
    for _ in range(2):
        latest.nearest(vector_of(memory, "a search"), LIVE, 1, nprobes=50)
    return latest


def bm25(texts: Texts, wanted: Sequence[str]) -> list[float]:
    """Of each text by the textbook; 0.0 of None and of no words, which do not count."""
    held = [text for text in texts if text]
    length = sum(map(len, held)) / max(len(held), 1)
    scores = [0.0] * len(texts)
    for term in wanted:
        frequency = sum(term in text for text in held)
        weight = math.log(1 + (len(held) - frequency + 0.5) / (frequency + 0.5))
        for at, text in enumerate(texts):
            if text and term in text:
                times, norm = text.count(term), 0.25 + 0.75 * len(text) / length
                scores[at] += weight * 2.2 * times / (times + 1.2 * norm)
    return scores


def bm25_of_live(table: TableReader, question: str) -> dict[str, float]:
    """Of every record that is not forgotten, by id."""
    live = [record for record in table.get(table.ids()) if record.is_live()]
    texts = [document_terms(record.text) for record in live]
    scores = bm25(texts, query_terms(question))
    return {record.id: score for record, score in zip(live, scores, strict=True)}


def assert_found(
    latest: TableReader, table: TableReader, questions: Sequence[str], filters: Sequence[Filter]
) -> None:
    """The same ids as in the table, the scores of live rows, the newest of equals first."""
    for question in questions:
        scores = bm25_of_live(table, question)
        for where in filters:
            found = latest.matching(question, where, EVERY)
            assert set(found) == set(table.matching(question, where, EVERY)), (question, where)
            if where.as_of is None and not where.tags and not where.include_tombstoned:
                assert found == pytest.approx({id_: scores[id_] for id_ in found}, rel=ROUNDED)
                best_first = sorted(found.items(), key=lambda one: (one[1], one[0]), reverse=True)
                assert list(found.items()) == best_first
                for limit in (1, 3):
                    few = latest.matching(question, where, limit)
                    assert list(few.items()) == best_first[:limit]


@pytest.mark.parametrize(
    ("seed", "rounds"), [(0, 10), *(pytest.param(n, 20, marks=pytest.mark.slow) for n in range(3))]
)
def test_two_processes_find_by_words_what_the_table_holds(
    root: Path, seed: int, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_policy, "_SMALL_ROWS", 2)  # there are several segments
    chance = random.Random(seed)
    memories = [served(root), served(root)]
    memories[0].ingest([some_memory(chance) for _ in range(8)])
    for memory in memories:
        copied(memory)
    names = list(steps(chance, memories[0]))
    for _ in range(rounds):
        memory = chance.choice(memories)
        name = chance.choice([*names, *names[:6] * 3])
        steps(chance, memory)[name]()
        for one in chance.sample(memories, chance.choice([1, 2])):
            questions, filters = chance.sample(QUESTIONS, 2), chance.sample(FILTERS, SAMPLED)
            assert_found(copied(one), one.store.pinned_reader(), questions, filters)


def test_scores_and_order_are_those_of_lancedb_where_all_rows_are_live_and_indexed(
    root: Path,
) -> None:
    chance = random.Random(5)
    memory = served(root)
    memory.ingest([some_memory(chance) for _ in range(60)])
    memory.ingest(["...", "A heron. " * 300])
    memory.store.compact(keep=timedelta(0))
    latest, table = copied(memory), memory.store.pinned_reader()
    for question in QUESTIONS:
        for where in (LIVE, replace(LIVE, project="p"), replace(LIVE, roles=("user",))):
            found = latest.matching(question, where, EVERY)
            expected = table.matching(question, where, EVERY)
            assert found == pytest.approx(expected, rel=ROUNDED), (question, where)
            in_its_order = [found[id_] for id_ in expected]
            assert in_its_order == pytest.approx(list(found.values()), rel=ROUNDED)


def test_words_are_answered_without_the_table_and_what_changes_is_found(root: Path) -> None:
    memory = served(root)
    kept, changed = [
        str(one.id) for one in memory.ingest(["A heron waits.", "A gull sleeps."]).results
    ]
    latest = copied(memory)
    with without_its_data(memory):
        assert list(latest.matching("a waiting heron", LIVE, 5)) == [kept]
        assert list(latest.matching("gulls", Filter(), 5)) == [changed]
        assert latest.matching("lighthouse", Filter(), 5) == {}
    other = served(root)
    other.forget([changed])
    assert latest.matching("gulls", Filter(), 5) == {}
    other.restore([changed])
    assert list(latest.matching("gulls", Filter(), 5)) == [changed]
    replaced_by = str(other.supersede(changed, "A lighthouse sleeps.").new_id)
    assert latest.matching("gulls", Filter(), 5) == {}
    assert list(latest.matching("gulls", LIVE, 5)) == [changed]
    assert list(latest.matching("lighthouse", Filter(), 5)) == [replaced_by]


def test_of_equals_the_newest_come_first_however_the_copy_was_made(root: Path) -> None:
    grown = copied(memory := served(root))
    ids = [str(memory.ingest(f"heron {number}").results[0].id) for number in range(12)]
    for id_ in (ids[7], ids[2]):
        memory.pin(id_)
        assert len(grown.matching("heron", LIVE, EVERY)) == 12
    at_once = copied(served(root))
    for latest in (grown, at_once):
        assert list(latest.matching("heron", LIVE, EVERY)) == ids[::-1]
        assert list(latest.matching("heron", LIVE, 5)) == ids[:-6:-1]


def test_what_was_forgotten_weighs_nothing(root: Path, tmp_path: Path) -> None:
    kept = ["heron", "a heron near the ferry", "the ferry sleeps"]
    memory, never = served(root), served(tmp_path / "never")
    memory.ingest(kept)
    latest = copied(memory)
    lost = memory.ingest([f"herons again and again {number}" for number in range(9)])
    assert len(latest.matching("heron", LIVE, EVERY)) == 11
    memory.forget([str(one.id) for one in lost.results])
    never.ingest(kept)
    found = latest.matching("heron ferry", LIVE, EVERY)
    assert list(found.values()) == list(copied(never).matching("heron ferry", LIVE, EVERY).values())


WORDS = st.lists(st.sampled_from(["a", "b", "c", "ferry", "π"]), max_size=9)
TEXTS = st.lists(st.one_of(st.none(), WORDS), max_size=30)


def live_postings(texts: Texts, live: Sequence[bool] | None = None) -> LivePostings:
    """Of these texts; of all that there are, or those that are live."""
    column = [None if text is None else " ".join(text) for text in texts]
    postings = Postings.of(pa.array(column, pa.string()))
    found = [text is not None for text in texts] if live is None else live
    return LivePostings.of(postings, np.array(found, np.bool_))


def scored(
    parts: Sequence[LivePostings], live: Sequence[bool], wanted: Sequence[str]
) -> list[float]:
    scores = InvertedIndex(parts).scores(wanted)
    assert scores.dtype == np.float32
    return [score if is_live else 0.0 for score, is_live in zip(scores.tolist(), live, strict=True)]


@given(st.lists(TEXTS, min_size=1, max_size=9), st.randoms(use_true_random=False))
@example([[["a"] * 65_536, ["b"]]], random.Random(0))
@example([[None], []], random.Random(0))
def test_rows_are_scored_alike_however_they_came_and_whatever_follows(
    batches: list[list[list[str] | None]], chance: random.Random
) -> None:
    wanted, texts = ["a", "ferry", "zebra", "π"], list[list[str] | None]()
    grown, before = list[LivePostings](), list[tuple[list[LivePostings], list[bool], list[float]]]()
    for batch in batches:
        grown, texts = [*grown, live_postings(batch)], [*texts, *batch]
        live = [text is not None for text in texts]
        scores = scored(grown, live, wanted)
        assert scores == pytest.approx(bm25(texts, wanted), rel=1e-4)
        before.append((grown, live, scores))
    assert scored([], [], wanted) == []
    left = [text is not None and chance.random() < 0.7 for text in texts]
    held = [text if kept else None for text, kept in zip(texts, left, strict=True)]
    expected = bm25(held, wanted)
    joined = Postings.joined([one.postings for one in grown])
    kept = np.array(left, np.bool_)
    both = scored([LivePostings.of(joined, kept)], left, wanted)
    assert both == pytest.approx(expected, rel=1e-4)
    firsts = np.cumsum([0, *map(len, batches)])
    apart = [
        LivePostings.of(one.postings, kept[first : first + len(one.postings.lengths)])
        for one, first in zip(grown, firsts.tolist(), strict=False)
    ]
    assert scored(apart, left, wanted) == both
    packed = [live_postings_of(joined.only(kept)), live_postings([["a", "b"]])]
    all_of_them = [*(text for text, stays in zip(texts, left, strict=True) if stays), ["a", "b"]]
    everywhere = [True] * len(all_of_them)
    assert scored(packed, everywhere, wanted) == pytest.approx(bm25(all_of_them, wanted), rel=1e-4)
    for parts, live, scores in before:
        assert scored(parts, live, wanted) == scores


def live_postings_of(postings: Postings) -> LivePostings:
    return LivePostings.of(postings, np.ones(len(postings.lengths), np.bool_))
