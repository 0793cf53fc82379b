"""The benchmark measures what it says: metrics by hand, and a run over a tiny conversation."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks import (
    ceiling,
    contradictions,
    known_item,
    known_item_sets,
    locomo,
    longitudinal,
    time_questions,
)
from tests.benchmarks.abstention import NOTHING, area_under_roc, share_under, threshold_that_loses
from tests.benchmarks.answers import Answer
from tests.benchmarks.baselines import Bm25, cosine_ranking, fused_by_rank
from tests.benchmarks.intervals import mean_with_interval
from tests.benchmarks.known_item_sets import KnownItems, long_texts
from tests.benchmarks.locomo_data import evidence_ids, load, pooled, session_time
from tests.benchmarks.longitudinal_texts import STRANGERS, SUBJECTS
from tests.benchmarks.longitudinal_world import (
    World,
    check_no_rare_word_is_shared,
    counted,
    make_world,
    stems,
)
from tests.benchmarks.metrics import ndcg, percentile, recall_all, recall_any, reciprocal_rank
from tests.benchmarks.tiny import tiny_data
from tests.support.benchmarks import run_benchmark

from iai_memory import Memory, load_settings
from iai_memory.recall.weights import Weights

RANKED = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def world() -> World:
    """The longitudinal world that `make eval` tells."""
    return make_world()


def test_recall_any_wants_one_and_recall_all_wants_every_relevant_id_within_k() -> None:
    assert recall_any(RANKED, {"c", "x"}, 3) == 1.0
    assert recall_any(RANKED, {"c"}, 2) == 0.0
    assert recall_all(RANKED, {"a", "c"}, 3) == 1.0
    assert recall_all(RANKED, {"a", "d"}, 3) == 0.0
    assert recall_all(RANKED, {"a", "x"}, 4) == 0.0


def test_reciprocal_rank_is_one_over_the_rank_of_the_first_relevant_id() -> None:
    assert reciprocal_rank(RANKED, {"c", "d"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKED, {"x"}) == 0.0
    assert reciprocal_rank([], {"x"}) == 0.0


def test_ndcg_divides_the_discounted_gain_by_that_of_the_ideal_ranking() -> None:
    assert ndcg(RANKED, {"a", "b"}, 4) == 1.0
    assert ndcg(RANKED, {"b"}, 4) == pytest.approx(1 / math.log2(3))
    # Gained at ranks 1 and 3: 1 + 1/2. Ideal at ranks 1, 2 and 3: 1 + 0.63093 + 1/2.
    assert ndcg(RANKED, {"a", "c", "x"}, 4) == pytest.approx(1.5 / 2.1309297)
    # Of three relevant ids only two fit into k, so two at the top are ideal.
    assert ndcg(RANKED, {"a", "b", "c"}, 2) == 1.0


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0
    with pytest.raises(ValueError, match="measure at least one"):
        percentile([], 0.5)


def test_bm25_scores_as_computed_by_hand() -> None:
    bm25 = Bm25(["red boat", "red red car park", "green hill"], k1=1.2, b=0.75)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    mean = 8 / 3
    short, long = 1.2 * (0.25 + 0.75 * 2 / mean), 1.2 * (0.25 + 0.75 * 4 / mean)
    expected = [idf * 1 * 2.2 / (1 + short), idf * 2 * 2.2 / (2 + long), 0.0]
    assert bm25.scores("RED?") == pytest.approx(expected)
    assert bm25.ranking("red") == [1, 0]
    assert bm25.ranking("absent") == []


def test_cosine_ranks_by_dot_product_and_fusion_adds_reciprocal_ranks() -> None:
    vectors = np.asarray([[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    assert cosine_ranking(np.asarray([1.0, 0.0], dtype=np.float32), vectors) == [1, 2, 0]
    # 1: 1/61 + 1/62; 2: 1/61 + 1/63; 3: 1/62; 0: 1/63.
    assert fused_by_rank([[1, 3, 2], [2, 1]]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("strings", "ids"),
    [
        (["D8:6; D9:17"], ["D8:6", "D9:17"]),
        (["D:11:26"], ["D11:26"]),
        (["D1:1", "D2:03"], ["D1:1", "D2:3"]),
        (["D9:1 D4:4 D4:6"], ["D9:1", "D4:4", "D4:6"]),
        (["D"], []),
        ([], []),
    ],
)
def test_evidence_is_read_however_it_was_typed(strings: list[str], ids: list[str]) -> None:
    assert evidence_ids(strings) == ids


def test_session_times_are_read_at_noon_and_at_midnight_too() -> None:
    assert session_time("1:56 pm on 8 May, 2023") == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert session_time("12:09 am on 13 September, 2023").hour == 0
    assert session_time("12:09 pm on 13 September, 2023").hour == 12


def test_turns_keep_their_order_and_carry_speaker_and_caption(tmp_path: Path) -> None:
    [conversation] = load(_written(tmp_path))
    times = [turn.created_at for turn in conversation.turns]
    assert times == sorted(set(times))
    assert (
        conversation.turns[2].text
        == "Ines: Look at the harbour. [shows a photo of a red sailing boat]"
    )
    assert [turn.session_id for turn in conversation.turns] == ["1"] * 3 + ["2"] * 3
    assert len(conversation.questions) == 4
    assert conversation.left_out == 1


def test_a_file_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"text": "x"}]')
    with pytest.raises(ValueError, match=r"other\.json is not in LoCoMo's shape"):
        load(path)


@pytest.mark.slow
def test_in_no_language_the_model_finds_less_than_the_words_alone(tmp_path: Path) -> None:
    items = known_item_sets.multilingual()
    found: dict[str | None, dict[str, float]] = {}
    ids: list[str] = []
    for model, settings in (("with", {}), (None, {"model": None})):
        chosen = load_settings(store=tmp_path / "store", **settings)
        memory = Memory(settings=chosen, on_commit=lambda: None)
        if model is not None:
            ids = [str(one.id) for one in memory.ingest([{"text": t} for t in items.texts]).results]
            while memory.embed_pending():
                pass
        first: dict[str, list[bool]] = {}
        for case in items.cases[::2]:  # the others say the same
            hits = memory.recall(case.query, limit=1).hits
            right = ids[case.right] in [id_ for hit in hits for id_ in (hit.id, *hit.ids)]
            first.setdefault(case.group, []).append(right)
        found[model] = {group: sum(each) / len(each) for group, each in first.items()}
    assert len(found[None]) > 20
    worse = {group: found["with"][group] - share for group, share in found[None].items()}
    assert not {group: less for group, less in worse.items() if less < 0}


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_both_routes_and_the_baselines_answer_a_tiny_conversation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(_written(tmp_path)), "--conversations", "0-0", "--route", "both"]
    methods = run_benchmark(locomo, tmp_path, *arguments)["methods"]
    assert list(methods) == ["library", "server", *locomo.BASELINES]
    for route in ("library", "server"):
        # Six memories and limit 10: everything comes back, so every answer is among the ten.
        assert methods[route]["overall"]["n"] == 4
        assert methods[route]["overall"]["all@10"] == 1.0
        assert methods[route]["records_per_second"] > 0
    assert methods["library"]["overall"]["MRR"] == methods["server"]["overall"]["MRR"]
    shown = capsys.readouterr().out
    assert "4 questions asked, 1 left out" in shown
    assert "multi-hop" in shown


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_leaving_out_asks_without_every_arm_and_levels_and_pooling_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(_written(tmp_path)), "--route", "library"]
    found = run_benchmark(locomo, tmp_path, *arguments, "--all-in-one", "--leave-one-out")
    arms = {name.removeprefix("without ") for name in found["arms"]} - {"all arms"}
    assert {"meaning", "words"} <= arms <= {field.name for field in fields(Weights)}
    assert found["arms"]["all arms"]["overall"] | {"p50 ms": 0, "p95 ms": 0} == (
        found["methods"]["library"]["overall"] | {"p50 ms": 0, "p95 ms": 0}
    )
    assert found["methods"]["library"]["sessions"]["overall"]["all@10"] == 1.0
    assert found["conversations"] == ["all in one"]
    shown = capsys.readouterr().out
    assert "session: overall" in shown
    assert "arms: multi-hop" in shown


@pytest.mark.usefixtures("model")
def test_the_ceiling_tells_what_is_found_and_in_which_order_at_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(_written(tmp_path)), "--route", "library", "--ceiling"]
    assert locomo.main(arguments) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("an oracle")]
    assert len(rows) == 1
    assert rows[0].split()[-8] == "1.00"  # the first of six turns that are all among the fifty


def test_the_parts_of_a_reason_are_read_back_and_must_add_up() -> None:
    reason = "meaning 0.350 + whole text 0.100 - a question 0.110 = 0.340; 1 more say the same"
    assert ceiling.parts_of(reason) == {"meaning": 0.35, "whole text": 0.1, "a question": -0.11}
    with pytest.raises(ValueError, match="do not add up"):
        ceiling.parts_of("meaning 0.350 = 0.340")


def test_weighing_anew_finds_the_arm_that_tells_the_answers() -> None:
    hits = [
        ceiling.Hits(["right", "wrong"], [{"good": 0.1, "bad": 0.1}, {"good": 0.0, "bad": 0.3}])
        for _ in range(3)
    ]
    assert ceiling.reweighed(hits, [{"right"}] * 3) == [["right", "wrong"]] * 3


def test_a_session_stands_where_its_best_turn_stands() -> None:
    answer = Answer(1, ["D2:1", "D1:4", "D2:7", "x/D3:1"], frozenset({"D1:1", "x/D3:9"}), None)
    assert answer.at("turn") is answer
    assert answer.at("session").ranked == ["D2", "D1", "x/D3"]
    assert answer.at("session").evidence == {"D1", "x/D3"}


def test_pooled_conversations_keep_their_turns_and_sessions_apart(tmp_path: Path) -> None:
    [one] = load(_written(tmp_path))
    both = pooled([one, replace(one, name="other")])
    assert len({turn.dia_id for turn in both.turns}) == 12
    assert {turn.session_id for turn in both.turns} == {"tiny/1", "tiny/2", "other/1", "other/2"}
    known = {turn.dia_id for turn in both.turns}
    assert all(question.evidence <= known for question in both.questions)
    assert (len(both.questions), both.left_out) == (8, 2)


def test_an_interval_holds_its_mean_and_is_the_same_each_time() -> None:
    values = [1.0] * 30 + [0.0] * 70
    first = mean_with_interval(values)
    assert first == mean_with_interval(values)
    assert first.value == 0.3
    assert first.low is not None
    assert first.high is not None
    # Half the width is 1.96 times the standard error of .0458, give or take the resampling.
    assert first.low == pytest.approx(0.3 - 0.0898, abs=0.02)
    assert first.high == pytest.approx(0.3 + 0.0898, abs=0.02)
    assert str(mean_with_interval([1.0, 1.0])) == "1.00 1.00-1.00"
    assert str(mean_with_interval([])) == "-"


def test_abstention_counts_as_by_hand() -> None:
    answerable, unanswerable = [0.9, 0.8, 0.5, 0.3], [0.5, 0.2, NOTHING]
    # Of twelve pairs ten are the right way round, .3 loses to .5, and one is a tie.
    assert area_under_roc(answerable, unanswerable) == pytest.approx(10.5 / 12)
    assert threshold_that_loses(answerable, 0.0) == 0.3
    assert threshold_that_loses(answerable, 0.25) == 0.5
    assert share_under(unanswerable, 0.5) == pytest.approx(2 / 3)
    assert share_under(answerable, 0.5) == 0.25
    assert share_under([], 0.5) == 0.0


def test_poison_is_what_is_false_and_stands_above_what_is_right() -> None:
    def answer(*ranked: str) -> longitudinal.Answer:
        poison = frozenset({"old"})
        return longitudinal.Answer("m", "tuning", "kind", "?", list(ranked), "new", poison)

    assert answer("new", "old").poisoned(5) == 0.0
    assert (answer("old", "new").poisoned(1), answer("old", "new").poisoned(5)) == (1.0, 1.0)
    assert (answer("x", "old").poisoned(1), answer("x", "old").poisoned(5)) == (0.0, 1.0)
    assert answer().poisoned(5) == 0.0
    assert (answer("x", "new").found(1), answer("x", "new").found(5)) == (0.0, 1.0)


def test_two_hundred_facts_change_one_to_four_times_over_a_thousand_sessions(world: World) -> None:
    assert len(world.facts) >= 200
    assert len({(fact.kind.name, fact.subject) for fact in world.facts}) == len(world.facts)
    assert {len(fact.chain) - 1 for fact in world.facts} == {1, 2, 3, 4}
    assert {one.session for one in world.said} == set(range(1_000))
    times = {one.key: one.at for one in world.said}
    for fact in world.facts:
        told = [times[key] for key in fact.chain]
        assert told == sorted(set(told))
    counts = counted(world.said)
    assert counts["near miss"] == len(world.facts)
    assert counts["noise"] > counts["fact"]
    assert counts["injected"] > 50


def test_every_change_replaces_the_telling_before_it(world: World) -> None:
    said = {one.key: one for one in world.said}
    for fact in world.facts:
        assert [said[key].replaces for key in fact.chain] == [None, *fact.chain[:-1]]
        assert {said[key].origin for key in fact.injected} <= {"import"}
        if fact.kind.about != "self":
            assert all(fact.subject.lower() in said[key].text.lower() for key in fact.chain)


def test_the_halves_share_neither_a_fact_nor_a_kind_of_fact(world: World) -> None:
    kinds = {
        half: {fact.kind.name for fact in world.facts if fact.half == half}
        for half in ("tuning", "held-out")
    }
    assert not kinds["tuning"] & kinds["held-out"]
    assert all(q.half == q.fact.half for q in world.questions if q.fact is not None)
    asked = {
        half: {q.text for q in world.questions if q.half == half} for half in ("tuning", "held-out")
    }
    assert not asked["tuning"] & asked["held-out"]


def test_the_same_seed_makes_the_same_world_and_another_seed_another(world: World) -> None:
    assert make_world() == world
    assert make_world(7, sessions=60, kinds=3) == make_world(7, sessions=60, kinds=3)
    assert make_world(7, sessions=60, kinds=3) != make_world(8, sessions=60, kinds=3)


def test_a_question_that_shares_a_rare_word_with_its_answer_is_refused(world: World) -> None:
    check_no_rare_word_is_shared(world)
    question = next(q for q in world.questions if q.fact and q.fact.kind.name == "home town")
    assert question.fact is not None
    town = next(
        town
        for town in question.fact.kind.values
        if any(one.key == question.fact.chain[0] and town in one.text for one in world.said)
    )
    spoilt = replace(question, text=f"{question.text} Is it {town}?")
    with pytest.raises(ValueError, match="shares the rare"):
        check_no_rare_word_is_shared(replace(world, questions=[spoilt]))


def test_no_text_mentions_a_stranger_and_every_subject_has_much_said_of_it(world: World) -> None:
    words = [stems(one.text) for one in world.said]
    for sort, names in STRANGERS.items():
        for name in names:
            assert not any(stems(name) <= found for found in words), (sort, name)
    for name in (name for names in SUBJECTS.values() for name in names):
        assert sum(stems(name) <= found for found in words) >= 25, name


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_a_small_world_is_told_and_asked_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--kinds", "2", "--sessions", "8", "--failures", "1", "--ceiling"]
    found = run_benchmark(longitudinal, tmp_path, *arguments)
    ours = found["current, held-out"]["iai-mcp"]
    assert ours["@1"]["n"] == 12
    assert ours["@1"]["value"] <= ours["@5"]["value"]
    # What was superseded is not shown, so nothing outdated can stand above what holds.
    assert found["current, held-out"]["plain cosine, true now"]["poison@1"]["n"] == 12
    assert "top score" in found["abstention"]
    shown = capsys.readouterr().out
    assert "6 facts for tuning, 6 held out" in shown
    assert "as of a past moment, held-out" in shown
    assert "plain cosine among all that holds" in shown


def test_known_items_are_the_same_for_a_seed_and_no_query_fits_two_texts() -> None:
    assert long_texts(3) == long_texts(3)
    assert long_texts(3) != long_texts(4)
    for items in known_item_sets.all_sets():
        assert len(set(items.texts)) == len(items.texts)
        right: dict[tuple[str, str], int] = {}
        for case in items.cases:
            assert right.setdefault((case.group, case.query), case.right) == case.right


def test_long_texts_have_three_hundred_to_two_thousand_tokens_and_early_and_late_places(
    model_folder: Path,
) -> None:
    encoder = Memory(settings=load_settings().model_copy(update={"model": model_folder})).encoder
    assert encoder is not None
    items = long_texts()
    sizes = [len(encoder.token_spans(text)) for text in items.texts]
    assert min(sizes) >= 300
    assert max(sizes) <= 2_000
    assert sum(size > 1_000 for size in sizes) >= len(sizes) / 4
    for case in (one for one in items.cases if one.group.endswith("half a sentence")):
        text = items.texts[case.right]
        before = len(encoder.token_spans(text[: text.index(case.query)]))
        assert before < 256 if "early" in case.group else before >= 200, (case, before)


@pytest.mark.usefixtures("model")
def test_a_known_item_is_looked_for_by_every_method(tmp_path: Path) -> None:
    items = KnownItems("few", ["The red boat leaks.", "Goats eat hats.", "Snow fell."], [])
    cases = [known_item_sets.Case("boats", "leaking boat", 0)]
    answers = known_item.measure(replace(items, cases=cases), tmp_path / "store")
    assert answers[0].method == "iai-mcp"
    assert {answer.ranked[0] for answer in answers if answer.ranked} == {"0"}
    shown, plain = known_item.report("few", answers)
    assert "few, 1 queries" in shown
    assert plain["overall"]["iai-mcp"]["MRR"]["value"] == 1.0


@pytest.mark.usefixtures("model")
def test_projects_are_measured_apart(tmp_path: Path) -> None:
    measured = known_item.measure_projects(tmp_path)
    assert measured["leaks"].value == 0.0
    assert measured["filtered @1"].n == 48


@pytest.mark.usefixtures("model")
def test_the_benchmark_counts_as_by_hand(tmp_path: Path) -> None:
    scores = run_benchmark(contradictions, tmp_path, "--sessions", "40", "--kinds", "4")
    assert set(scores) == {"tuning", "held-out"}
    for score in scores.values():
        assert score["found"] <= score["right"] <= score["listed"]
        assert 0 < score["found"] <= score["changes"]
        assert score["recall"] == score["found"] / score["changes"]


def test_a_time_question_has_the_right_day_in_every_language_and_zone(tmp_path: Path) -> None:
    asked = time_questions.measure(900, tmp_path / "store")
    assert [one.question.text for one in asked if not one.whole] == []
    assert {one.question.language for one in asked} == {"en", "de", "es", "fr"}


def _written(folder: Path) -> Path:
    path = folder / "tiny.json"
    path.write_text(json.dumps(tiny_data()), encoding="utf-8")
    return path
