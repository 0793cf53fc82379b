"""What makes one memory stand above another, and that the reason given is the reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.records import candidate, record

from iai_memory import Memory, Record
from iai_memory.recall.candidates import CandidateSet
from iai_memory.recall.query import Query
from iai_memory.recall.ranked import Ranked
from iai_memory.recall.scoring import score
from iai_memory.recall.weights import CONVERSATION, NOTES
from iai_memory.store.candidate import term_matrix
from iai_memory.store.filter import Filter
from iai_memory.store.session_order import SessionOrder
from iai_memory.store.similarity import Similarity
from iai_memory.text.speakers import in_first_person, subject, utterance
from iai_memory.text.tokens import cut_to_tokens, estimate_tokens, fits


def alike(cosines: dict[str, float]) -> dict[str, Similarity]:
    return {id: Similarity(cosine, cosine, None) for id, cosine in cosines.items()}


def ranking(
    records: list[Record],
    *,
    bm25: dict[str, float] | None = None,
    cosines: dict[str, float] | None = None,
    sessions: dict[str, SessionOrder] | None = None,
    question: str = "what?",
    own_project: str | None = None,
    conversation: bool = False,
    cutoff: float = 0.0,
) -> list[Ranked]:
    found = CandidateSet(
        candidates=[candidate(one) for one in records],
        bm25=bm25 or {},
        similarities=alike(cosines or {}),
        sessions=sessions or {},
        has_vectors=True,
        is_conversation=conversation,
        cutoff=cutoff,
    )
    query = Query(question, 50, 100_000, Filter(), own_project)
    return score(found, query, CONVERSATION if conversation else NOTES)


def order(cosines: dict[str, float], lexical: dict[str, float], **records: Record) -> list[str]:
    ranked = ranking(
        [records[id] for id in {**cosines, **lexical}],
        bm25=lexical,
        cosines=cosines,
        question="which words?",
        own_project="mine",
    )
    return [one.record.id for one in ranked]


def test_a_memory_that_both_searches_find_stands_above_one_that_one_finds() -> None:
    records = {id: record(id) for id in "abc"}
    assert order({"a": 0.9, "b": 0.8, "c": 0.1}, {"b": 9.0}, **records)[0] == "b"


def test_the_best_match_of_words_counts_as_far_as_it_holds_what_is_asked() -> None:
    def words_of(question: str) -> float:
        ranked = ranking(
            [record("a", "the harbour"), record("b")], bm25={"a": 5.0}, question=question
        )
        return {one.record.id: one.parts["words"] for one in ranked}["a"]

    assert words_of("harbour") == NOTES.words > words_of("harbour lights at night") > 0.0


def test_what_is_no_nearer_than_where_the_search_broke_off_has_no_meaning() -> None:
    def meanings(cutoff: float) -> dict[str, float]:
        ranked = ranking(
            [record(id) for id in "abc"], cosines={"a": 0.8, "b": 0.5, "c": 0.2}, cutoff=cutoff
        )
        return {one.record.id: one.parts["meaning"] for one in ranked}

    assert meanings(0.5)["b"] == meanings(0.5)["c"] == 0.0
    assert meanings(0.0)["b"] > meanings(0.0)["c"] > 0.0


def test_equal_scores_go_to_the_newer_one() -> None:
    records = {"a": record("a", day=1), "b": record("b", day=2), "c": record("c", day=0)}
    assert order({"a": 0.5, "b": 0.5, "c": 0.5}, {}, **records) == ["b", "a", "c"]


def test_the_own_project_decides_a_near_tie_and_no_more() -> None:
    near = {"a": record("a", project="other"), "b": record("b", project="mine")}
    assert order({"a": 0.60, "b": 0.50}, {}, **near, c=record("c"))[0] == "a"
    tie = {**near, "c": record("c")}
    assert order({"a": 0.500, "b": 0.4999, "c": 0.1}, {}, **tie)[0] == "b"
    assert order({"a": 0.6, "b": 0.4, "c": 0.1}, {}, **tie)[0] == "a"


@given(
    scores=st.dictionaries(
        st.sampled_from("abcdefgh"), st.floats(-1, 1, allow_nan=False), min_size=1
    ),
    words=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 50, allow_nan=False)),
)
@example(scores={"a": 5e-324, "b": -1.0}, words={})
def test_the_parts_of_a_reason_add_up_to_its_score(
    scores: dict[str, float], words: dict[str, float]
) -> None:
    texts = {"a": "Ann: yes?", "b": "last week", "c": "Bob: no"}
    records = {
        id: record(id, texts.get(id, "words"), session_id=id if id < "e" else "s", project="mine")
        for id in "abcdefgh"
    }
    ranked = ranking(
        [records[id] for id in {**scores, **words}],
        bm25=words,
        cosines=scores,
        sessions={"s": SessionOrder(tuple("efgh"))},
        question="When did Ann go?",
        own_project="mine",
        conversation=True,
        cutoff=0.1,
    )
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    for one in ranked:
        assert one.score == pytest.approx(sum(one.parts.values()), abs=1e-9)
        left, right = one.reason.rsplit(" = ", 1)
        told = sum(
            float(f"{sign}{number}")
            for sign, number in re.findall(r"(?:^|([+-]) )[a-z ]+ (\d+\.\d+)", left)
        )
        assert told == pytest.approx(float(right), abs=1e-9)


@pytest.mark.parametrize(
    ("text", "speaker", "words"),
    [
        ("Ann: we ship on Friday", "Ann", "we ship on Friday"),
        ("Ann Lee: hi", "Ann Lee", "hi"),
        ("Émile: salut", "Émile", "salut"),
        ("note: lower case is no name", None, "note: lower case is no name"),
        ("https://example.org/x: y", None, "https://example.org/x: y"),
        ("12:30 lunch", None, "12:30 lunch"),
        ("Just a sentence", None, "Just a sentence"),
        ("", None, ""),
    ],
)
def test_a_name_and_a_colon_in_front_is_who_says_it(
    text: str, speaker: str | None, words: str
) -> None:
    assert utterance(text) == utterance(text).__class__(speaker, words)


@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("What did Ann say to Cy?", "Ann"),
        ("What did Ann say to Bob?", "Ann"),
        ("What does Ann think of Bob's plan?", "Ann"),
        ("How is Ann's plan seen by Bob?", "Bob"),
        ("What do Ann and Bob share?", None),
        ("Are Ann's dog and Bob's cat friends?", None),
        ("What did Annabel say?", None),
    ],
)
def test_of_several_people_a_query_is_about_the_one_who_acts(query: str, about: str | None) -> None:
    assert subject(query, {"Ann", "Bob"}) == about


def test_a_query_about_one_speaker_is_asked_in_the_first_person() -> None:
    assert in_first_person("Is Ann's dog where Ann is?", "Ann") == "Is my dog where I is?"


def test_who_said_it_wins_over_who_was_spoken_of(memory: Memory) -> None:
    memory.ingest(
        [
            "Bob: Ann, did you ever paint a sunrise over the lake?",
            "Ann: I painted a sunrise in 2022, it hangs in the hall.",
            "Bob: My sister paints sunrises over a lake, too.",
        ]
    )
    assert memory.recall("When did Ann paint a sunrise?").hits[0].text.startswith("Ann: I painted")


@given(st.text(max_size=300), st.integers(0, 60))
def test_a_cut_text_never_costs_more_than_its_budget(text: str, budget: int) -> None:
    cut = cut_to_tokens(text, budget, " … [cut]")
    assert estimate_tokens(cut) <= max(budget, 0)
    assert cut == text or cut == "" or cut.endswith(" … [cut]")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("one blank each", 3),
        ("two  blanks", 3),
        (" " * 16, 2),
        ("a line\n   and another", 5),
        ("exactly", 1),
        ("exact" * 2 + "o", 3),
        ("123 1234 1234567", 6),
        ("a+b!", 4),
        ("день", 4),
        ("🙂 \uffff", 3),
    ],
)
def test_the_tokens_of_a_text_are_those_of_its_pieces(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(max_size=60), st.integers(-1, 80))
@example("🙂" * 10, 19)
def test_a_text_fits_where_its_tokens_do(text: str, budget: int) -> None:
    assert fits(text, budget) == (estimate_tokens(text) <= budget)


@given(st.lists(st.text("ab cé", max_size=20)), st.lists(st.text("abcé", min_size=1, max_size=2)))
def test_all_candidates_together_hold_the_terms_that_each_holds(
    texts: list[str], terms: list[str]
) -> None:
    candidates = [candidate(record(str(at), text)) for at, text in enumerate(texts)]
    held = term_matrix(candidates, terms)
    assert held.shape == (len(texts), len(terms))
    assert held.tolist() == [[one.has_term(term) for term in terms] for one in candidates]


@pytest.mark.parametrize("budget", [50, 60, 200, 1500])
def test_the_hits_together_never_exceed_the_budget(words_only: Memory, budget: int) -> None:
    words_only.ingest([f"port {n} " + "a long explanation of it " * (n * 10) for n in range(12)])
    found = words_only.recall("port", limit=12, budget_tokens=budget)
    assert found.hits
    assert sum(estimate_tokens(hit.text) for hit in found.hits) == found.tokens <= budget
    cut = [hit for hit in found.hits if hit.text.endswith("[cut]")]
    assert budget >= 1500 or cut
    assert all(words_only.record(hit.id).text.startswith(hit.text[:-8]) for hit in cut)
