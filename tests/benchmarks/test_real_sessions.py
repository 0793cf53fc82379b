"""The benchmark of real sessions counts what it says, on a set of our own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks import outcomes, real_sessions, recall_pairs, sessions_fit
from tests.benchmarks.intervals import mean_with_interval
from tests.benchmarks.own_sessions import LANGUAGES, own_set, write_own_set
from tests.benchmarks.real_data import Turns, load_set, own_questions, told_to
from tests.benchmarks.real_report import Asked, Count, report
from tests.benchmarks.reliability import reliability
from tests.benchmarks.tiny_sessions import write_tiny_set
from tests.benchmarks.written_sessions import write_written_set
from tests.support.benchmarks import run_benchmark
from tests.support.records import record

from iai_memory import Memory, load_settings


def test_a_set_is_read_with_its_sessions_its_days_and_its_languages(tmp_path: Path) -> None:
    found = load_set(write_tiny_set(tmp_path / "tiny"))
    assert {name: len(lines) for name, lines in found.sessions.items()} == {"aaaa": 5, "bbbb": 4}
    assert [one.language for one in found.questions] == ["en", "en", "en", "es", "en", "en", "en"]
    on_the_day, yesterday = found.questions[4:6]
    assert on_the_day.evidence == yesterday.evidence == {f"dbbbb-{n}" for n in range(4)}
    assert yesterday.now is not None
    assert [one.is_content for one in found.questions] == [True] * 3 + [False] * 4


def test_a_folder_without_questions_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_sessions.main([str(tmp_path)]) == 2
    assert f"{tmp_path} is no set of real sessions" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["real-dev", "real-dev-cli"])
def test_own_questions_are_read_for_the_set_they_are_about(name: str) -> None:
    asked = own_questions(name, _EveryTurn())
    assert len(asked) >= 45
    assert len({one.text for one in asked}) == len(asked)
    assert all(one.own and one.now is None for one in asked)
    assert all(bool(one.evidence) != (one.kind == "none") for one in asked)
    assert {one.language for one in asked} > {"en", "de", "fr", "ru"}
    assert own_questions("a set that nobody asked about", ()) == []


def test_own_questions_about_turns_that_a_set_lacks_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="own-c001 names the turn"):
        own_questions("real-dev-cli", ())


class _EveryTurn(frozenset[str]):
    """The ids of a set that has every turn."""

    def __contains__(self, _id: object) -> bool:
        return True


def test_pairs_and_exchanges_are_those_of_one_session() -> None:
    said = [("u0", "user"), ("n1", "assistant"), ("a2", "assistant"), ("u3", "user")]
    turns = Turns(
        [record(id_, "x", role=role, session_id="s", turn_id=f"t-{id_}") for id_, role in said]
    )
    ordered = [one.id for one in turns.records]
    assert ordered == ["a2", "n1", "u0", "u3"]  # all of one time: by their ids
    assert turns.pair("n1") == {"a2", "n1", "u0"}
    assert turns.exchange("a2") == {"a2", "n1"}
    assert turns.exchange("u3") == {"u0", "u3"}
    assert turns.first_of_each_exchange(["u3", "n1", "u0", "a2"]) == ["u3", "n1"]
    assert turns.of({"u3"}) == {"t-u3"}


def test_what_is_said_and_what_is_right_are_set_side_by_side() -> None:
    rows = reliability([0.9, 0.9, 0.06, 0.06], [True, False, False, False])
    assert rows["0.0 to 0.1"][:2] == [2, "0.06"]
    assert rows["0.8 to 1.0"][:2] == [2, "0.90"]
    # Half of the four miss by .06, the other half by .4.
    assert rows["all, error 0.230"][0] == 4
    with pytest.raises(ValueError, match="no calibration"):
        reliability([], [])


def test_intervals_of_differences_and_of_counts_are_told_from_those_of_shares() -> None:
    assert str(mean_with_interval([4.0, 4.0])) == "4.00 4.00-4.00"
    assert str(mean_with_interval([-0.25, -0.25])) == "-.250 -.250..-.250"


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_a_tiny_set_is_stored_asked_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = write_tiny_set(tmp_path / "one"), write_tiny_set(tmp_path / "two")
    kept = tmp_path / "kept.jsonl"
    asked = run_benchmark(real_sessions, tmp_path, f"{first}:{second}", "--outcomes", str(kept))
    ours = [one for one in asked if one["method"] == "iai-mcp" and one["set"] == "one"]
    kinds = ["incident", "fact", "decision", "lang-es", "time", "time", "none"]
    assert [one["kind"] for one in ours] == [*kinds, *["foreign"] * 3]
    content = ours[:3]
    assert all(one["right"]["exchange"][0] for one in content)
    assert all(0 < one["tokens"] <= 450 for one in content)
    assert all(all(one["right"]["turn"]) and one["right"]["turn"] for one in ours[4:6])
    assert ours[6]["right"]["turn"] == []
    fused = [one for one in asked if one["method"] == "rank fusion of both"]
    assert len(fused) == 8  # the questions with evidence in both sets, but for those of a time
    outcome = outcomes.read(kept)[0]
    assert (outcome.set, outcome.part, outcome.group) == ("Sessions, one", "incident", "2026-03-02")
    assert outcome.any(1) == 1.0
    assert len(outcomes.read(kept)) == len(asked)
    shown = capsys.readouterr().out
    for title in (
        "# one and two",
        "content questions, exchange counted",
        "iai-mcp less rank fusion of both, folded",
        "iai-mcp, words only: by language, exchange",
        "iai-mcp: time questions",
        "iai-mcp: confidence of first hits",
    ):
        assert title in shown


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_the_confidence_of_sessions_is_fitted_on_two_sets_and_judged_on_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [write_tiny_set(tmp_path / name) for name in ("one", "two")]
    arguments = [*map(str, sets), "--stores", str(tmp_path / "stores")]
    first = run_benchmark(sessions_fit, tmp_path, *arguments)
    assert set(first["HIT_IN_SESSIONS"]) == {"bias", "unknown", "score", "rank"}
    assert first["ANSWER_BY_TOKENS"].keys() - first["ANSWER_IN_SESSIONS"] == {"nearness"}
    shown = capsys.readouterr().out
    assert shown.count("emptied below") == shown.count("minimum and share") == 3
    # The stores are kept: asked again they say the same.
    assert run_benchmark(sessions_fit, tmp_path, *arguments) == first


def test_a_hit_counts_among_the_first_k_only(tmp_path: Path) -> None:
    question = load_set(write_tiny_set(tmp_path / "tiny")).questions[0]
    right: dict[Count, list[bool]] = {
        "turn": [False, True],
        "pair": [True, True],
        "exchange": [True, True],
    }
    one = Asked("iai-mcp", "tiny", question, False, right, 0.5, [0.5, 0.1], 10)
    assert (one.any("turn", 1), one.any("turn", 5), one.any("pair", 1)) == (0.0, 1.0, 1.0)
    assert "2.00 2.00-2.00" in report("tiny", [one])


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_two_checkouts_recall_from_one_store_in_turns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, here = write_tiny_set(tmp_path / "tiny"), Path(__file__).parents[2]
    arguments = ["--other", str(here), "--data", str(data), "--rounds", "2", "--warm-up", "0.1"]
    kept = run_benchmark(recall_pairs, tmp_path, *arguments)
    assert set(kept) == {"clock median", "clock p95", "processor median", "processor p95"}
    assert all(low <= ratio <= high for ratio, low, high in kept.values())
    assert "all 12 recalls" in capsys.readouterr().out


def test_a_ratio_of_equal_times_is_one_and_of_twice_as_long_ones_two() -> None:
    times = np.linspace(1.0, 9.0, 40)
    assert recall_pairs.ratios(times, times, 0.95) == (1.0, 1.0, 1.0)
    assert recall_pairs.ratios(2 * times, times, 0.5) == (2.0, 2.0, 2.0)


def test_the_own_set_is_the_same_each_time_and_asks_in_every_language(tmp_path: Path) -> None:
    made = own_set(turns=1_000)
    assert made == own_set(turns=1_000)
    assert 900 < len(made["lines"]) < 1_200
    found = load_set(write_own_set(tmp_path / "own", turns=1_000))
    texts = {json.loads(line)["uuid"]: line for of in found.sessions.values() for line in of}
    for language in ("en", "de", "es", "fr"):
        asked = [one for one in found.questions if one.language == language]
        assert sum(one.kind == "none" for one in asked) == 6
        assert sum(one.is_content for one in asked) == 42
    assert all(one.evidence <= set(texts) for one in found.questions)
    for session in found.sessions.values():
        times = [json.loads(line)["timestamp"] for line in session]
        assert times == sorted(times)


def test_a_question_of_the_own_set_has_other_words_than_what_answers_it() -> None:
    made = own_set()
    texts = {line["uuid"]: line["message"]["content"] for line in made["lines"]}
    for one in made["questions"]:
        words = set(re.findall(r"\w{4,}", one["question"].lower()))
        for language in LANGUAGES:
            words -= {word for thing in language.things for word in thing.lower().split()}
        for at in one["evidence"][1:]:
            assert not words & set(re.findall(r"\w{4,}", texts[at["uuid"]].lower())), one


def test_the_written_sessions_are_stored_as_a_host_writes_them(tmp_path: Path) -> None:
    found = load_set(write_written_set(tmp_path / "written"))
    assert (len(found.sessions), len(found.questions)) == (9, 66)
    memory = Memory(settings=load_settings(store=tmp_path / "store", model=None))
    stored = told_to(memory, found.sessions, tmp_path / "transcripts")
    turns = {one.turn_id for one in stored.records}
    assert all(one.evidence <= turns for one in found.questions)
    assert all(bool(one.evidence) != (one.kind == "none") for one in found.questions)
    by_role = [sum(one.role == role for one in stored.records) for role in ("user", "assistant")]
    assert by_role == [95, 105], "calls of tools and their results are no turns"
    assert sum(one.language == "de" and one.is_content for one in found.questions) == 15
