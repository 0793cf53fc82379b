"""What the benchmarks keep of each question, and the intervals over groups of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.benchmarks import outcomes
from tests.benchmarks.intervals import mean_with_interval
from tests.benchmarks.outcomes import OURS, Outcome


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
