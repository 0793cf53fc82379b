"""The benchmark measures what it says: metrics by hand, and a run over a tiny conversation."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks import locomo
from tests.benchmarks.baselines import Bm25, cosine_ranking, fused_by_rank
from tests.benchmarks.locomo_data import evidence_ids, load, session_time
from tests.benchmarks.metrics import ndcg, percentile, recall_all, recall_any, reciprocal_rank
from tests.benchmarks.tiny import tiny_data

RANKED = ["a", "b", "c", "d"]


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


def test_both_routes_and_the_baselines_answer_a_tiny_conversation(
    tmp_path: Path,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    out = tmp_path / "out.json"
    arguments = ["--data", str(_written(tmp_path)), "--conversations", "0-0", "--json", str(out)]
    assert locomo.main([*arguments, "--route", "both"]) == 0
    methods = json.loads(out.read_text())["methods"]
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


def _written(folder: Path) -> Path:
    path = folder / "tiny.json"
    path.write_text(json.dumps(tiny_data()), encoding="utf-8")
    return path
