"""What the benchmarks keep, what is printed of it, and how confidence is fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks import confidence_fit, evaluation, outcomes
from tests.benchmarks.evaluation_sections import report
from tests.benchmarks.intervals import mean_with_interval
from tests.benchmarks.outcomes import BM25, COSINE, FUSION, OURS, Outcome

from iai_memory import Memory, load_settings
from iai_memory.recall.calibration import Evidence, Logit


def _outcome(*right: bool, evidence: int = 1, poisoned: tuple[bool, ...] = ()) -> Outcome:
    return Outcome("set", "part", OURS, "?", "group", right, evidence, poisoned)


def test_an_outcome_counts_as_by_hand() -> None:
    one = _outcome(False, True, False, True, evidence=3)
    assert (one.any(1), one.any(2), one.all(10), one.is_empty) == (0.0, 1.0, 0.0, False)
    # Gains at the places 2 and 4, where 1, 2 and 3 would have been best: 1.0616 of 2.1309.
    assert one.ndcg(10) == pytest.approx(0.4982, abs=1e-4)
    assert _outcome(True, True, evidence=2).all(10) == 1.0
    assert _outcome().is_empty


def test_poison_below_what_is_right_does_not_count() -> None:
    assert _outcome(True, False, poisoned=(False, True)).poisoned_within(5) == 0.0
    late = _outcome(False, True, poisoned=(True, False))
    assert (late.poisoned_within(1), late.poisoned_within(5)) == (1.0, 1.0)
    assert _outcome(False, False, poisoned=(False, True)).poisoned_within(1) == 0.0


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    first = _outcome(True, False, poisoned=(False, True))
    second = Outcome("s", "p", "m", "é?", "g", (), 0, (), 0.25, (None, 0.5), 7)
    outcomes.write(tmp_path / "new" / "kept.jsonl", [first, second])
    assert outcomes.read(tmp_path / "new" / "kept.jsonl") == [first, second]
    (tmp_path / "other").write_text("{}\n")
    with pytest.raises(ValueError, match="no outcome"):
        outcomes.read(tmp_path / "other")


def test_an_interval_over_groups_is_wider_where_questions_of_a_group_are_alike() -> None:
    values = [1.0] * 50 + [0.0] * 50
    alike = [str(number // 10) for number in range(100)]
    mixed = [str(number % 10) for number in range(100)]
    each = mean_with_interval(values)
    over = mean_with_interval(values, groups=alike)
    assert each.low is not None
    assert over.low is not None
    assert (over.value, over.n) == (0.5, 100)
    assert over.low < each.low - 0.05
    assert str(mean_with_interval(values, groups=mixed)) == ".500 .500-.500"


def _asked(method: str, right_at: list[int | None], *, of: str, part: str) -> list[Outcome]:
    """Questions of two groups, each with its right hit at a place from 0, or at none."""
    return [
        Outcome(of, part, method, f"{number}?", f"day {number % 2}", _hits(place), tokens=40)
        for number, place in enumerate(right_at)
    ]


def _hits(place: int | None) -> tuple[bool, ...]:
    return tuple(number == place for number in range(8))


def test_the_tables_tell_every_method_of_a_set_and_where_ours_is_behind() -> None:
    set_, part = "Sessions, ours", "incident"
    ours = _asked(OURS, [0, 0, 3, None], of=set_, part=part)
    fused = _asked(FUSION, [1, 0, None, None], of=set_, part=part)
    words = _asked(BM25, [0, 0, 0, 0], of=set_, part=part)
    shown = report([*ours, *fused, *words], {}, "Measured by hand.")
    assert shown.startswith("Measured by hand.\n\nLeft out, because not given or not run: ")
    assert "Languages: XQuAD" in shown.splitlines()[2]
    assert "| **iai-mcp** | .500 [.50, .50] | .750 [.50, 1.0] | .750 [.50, 1.0] |" in shown
    assert "| ours | rank fusion of both | 4 | +.25 [+.00, +.50] |" in shown
    assert "| Sessions, ours | content | @1 | 4 | plain BM25 | -.50 [-.50, -.50] |" in shown
    assert "| Sessions, ours | 4 | 8.0 | .094 [.06, .12] | .750 [.50, 1.0] | 40 |" in shown


def test_where_nothing_is_behind_the_last_section_says_so() -> None:
    set_, part = "XQuAD", "de"
    ours, theirs = [_asked(m, [0, 0], of=set_, part=part) for m in (OURS, COSINE)]
    shown = report([*ours, *theirs], {"time": {"900": 0.5}}, "Now.")
    assert shown.endswith("Nowhere in what was run.")
    assert "| language | n | iai-mcp @1 | iai-mcp nDCG@10 | plain cosine nDCG@10 |" in shown
    assert f"| de | 2 |{' 1.00 [1.0, 1.0] |' * 3}" in shown
    assert "| 900 | .500 |" in shown


def test_the_tables_stand_between_the_marks_of_a_document_and_nothing_else_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, document = tmp_path / "results", tmp_path / "page.md"
    outcomes.write(results / "one.jsonl", _asked(OURS, [0], of="XQuAD", part="zh"))
    document.write_text(f"before\n{evaluation.BEGIN}\nyesterday\n{evaluation.END}\nafter\n")
    arguments = ["--results", str(results), "--into", str(document)]
    for _again in range(2):
        assert evaluation.main(arguments) == 0
        text = document.read_text()
        assert text.startswith(f"before\n{evaluation.BEGIN}\n\nMeasured on ")
        assert text.endswith(f"\n\n{evaluation.END}\nafter\n")
        assert ("yesterday" in text, text.count("| zh |")) == (False, 1)
    document.write_text("no marks")
    assert evaluation.main(arguments) == 2
    assert evaluation.BEGIN in capsys.readouterr().err
    assert evaluation.main(["--results", str(tmp_path / "nowhere")]) == 2
    assert "run `make eval`" in capsys.readouterr().err


def test_the_page_of_figures_has_both_marks() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert page.count(evaluation.BEGIN) == page.count(evaluation.END) == 1


def test_a_regression_finds_the_coefficients_that_made_its_examples() -> None:
    draw = np.random.default_rng(5)
    made = Logit(-1.0, 4.0, 2.0, -3.0, 0.0, 0.0)
    cases: list[confidence_fit.Case] = []
    for _ in range(4_000):
        similarity, coverage, unknown = draw.random(), draw.random(), float(draw.random() < 0.3)
        evidence = Evidence(similarity, coverage, unknown, 0.0, 1)
        right = draw.random() < made.probability(evidence)
        hits = (evidence,)
        cases.append(confidence_fit.Case("notes", False, "current", "s", (right,), evidence, hits))
    found = confidence_fit.fitted(cases, hits=False)
    assert found["similarity"] == pytest.approx(4.0, abs=0.6)
    assert found["coverage"] == pytest.approx(2.0, abs=0.6)
    assert found["unknown"] == pytest.approx(-3.0, abs=0.5)
    assert found["candidates"] == 0.0  # all alike
    assert "all, error 0.0" in confidence_fit.judged("itself", cases, made, made)


@pytest.mark.usefixtures("model")
def test_what_calibration_weighs_is_heard_of_the_answer_and_of_every_hit(tmp_path: Path) -> None:
    memory = Memory(settings=load_settings(store=tmp_path / "store"), on_commit=lambda: None)
    boat, _ = memory.ingest([{"text": "The red boat leaks."}, {"text": "Goats eat hats."}]).results
    before = Logit.probability
    asked = confidence_fit.Asked("a leaking boat", frozenset({str(boat.id)}), "current", False)
    [case] = confidence_fit.ask(memory, [asked], "notes", "one")
    assert Logit.probability is before
    assert case.right[0]
    assert len(case.hits) == len(case.right)
    assert case.answer is not None
    assert case.answer.similarity == max(one.similarity for one in case.hits)
