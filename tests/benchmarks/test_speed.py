"""The benchmarks of speed and size run at tiny sizes and measure what they say."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks import (
    context_cost,
    embedding,
    figures,
    first_recall,
    growth,
    import_speed,
    memory,
    recall_scale,
    writes,
)
from tests.benchmarks.flops import encoder_operations
from tests.benchmarks.processes import cpu_seconds_at_the_end, folder_size, rss_bytes
from tests.benchmarks.scale_store import (
    encoder_of,
    exact_neighbours,
    memory_of,
    probes,
    scale_store,
)
from tests.benchmarks.talk import Talk
from tests.benchmarks.timings import timed, timing
from tests.support.benchmarks import run_benchmark
from tests.support.checkout import ROOT

from iai_memory.errors import ModelMissing
from iai_memory.store.connection import TABLE_NAME
from iai_memory.store.vector_rows import Row, Vector

pytestmark = pytest.mark.usefixtures("model")

RECORDS = 40
OTHER_ENCODER = """#!{python}
import json, sys
sets = json.loads(sys.stdin.readline())
print(json.dumps({{"torch": "stand-in"}}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    took = 1e6 if asked["threads"] == 1 else 2e6
    print(json.dumps([took] * len(sets[asked["set"]]) if asked["singly"] else took), flush=True)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of stores for all tests of this file."""
    return tmp_path_factory.mktemp("cache")


def test_a_timing_is_a_median_and_a_p95_of_what_was_measured() -> None:
    found = timing([float(number) for number in range(1, 101)])
    assert (found.n, found.median, found.p95) == (100, 50.0, 95.0)
    result, taken = timed(lambda: sum(range(10)))
    assert result == 45
    assert taken > 0


def test_talk_is_the_same_for_a_seed_and_as_long_as_people_talk() -> None:
    first, second = Talk(1), Talk(1)
    turns = [first.turn() for _ in range(500)]
    assert turns == [second.turn() for _ in range(500)]
    assert turns != [Talk(2).turn() for _ in range(500)]
    lengths = [len(turn.split()) for turn in turns]
    # Half of LoCoMo's turns have 24 words or more, a tenth 48 or more.
    assert 20 <= statistics.median(lengths) <= 28
    assert 42 <= statistics.quantiles(lengths, n=10)[-1] <= 54
    assert len(Talk(1).text_of_bytes(2_000).encode()) == 2_000


def test_made_up_words_are_a_share_of_a_text_and_some_come_far_more_often() -> None:
    talk = Talk(1)
    known = set(re.findall(r"\w+", " ".join(talk.turn() for _ in range(3_000)).lower()))
    words = re.findall(r"\w+", " ".join(talk.turn(rare=0.25) for _ in range(1_000)).lower())
    made_up = [word for word in words if word not in known]
    assert 0.15 < len(made_up) / len(words) < 0.35
    most_common = statistics.mode(made_up)
    assert made_up.count(most_common) > 20 * len(made_up) / len(set(made_up))


@pytest.mark.slow
def test_a_store_is_built_once_and_what_one_run_writes_never_shows_in_the_next(
    cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    store = scale_store(cache, RECORDS, tmp_path / "first")
    [kept] = cache.glob(f"store-{RECORDS}-*")
    before = kept.stat().st_ino
    memory_of(store).ingest("only in this copy")
    again = memory_of(scale_store(cache, RECORDS, tmp_path / "second"))
    assert kept.stat().st_ino == before
    contents = again.store.statistics()
    assert (contents.live, contents.pending) == (RECORDS, 0)
    probe = probes(RECORDS)[0]
    assert probe.text in {hit.text for hit in again.recall(probe.question).hits}


def test_exact_neighbours_are_those_of_a_full_comparison(cache: Path, tmp_path: Path) -> None:
    store = scale_store(cache, RECORDS, tmp_path)
    opened = memory_of(store)
    rows = list(opened.store.latest.all_rows())
    assert any(row.passages for row in rows)
    assert not all(row.passages for row in rows)
    questions = [probe.question for probe in probes(RECORDS)]
    queries = encoder_of(opened).encode(questions)
    expected = [
        {row.record.id for row in sorted(rows, key=lambda row: -_cosine(row, query))[:10]}
        for query in queries
    ]
    assert exact_neighbours(store, queries, 10) == expected
    # Nothing is indexed at this size, so the search that is measured compares all vectors too.
    assert recall_scale.index_recall(opened, questions) == 1.0


def test_the_operations_of_the_encoder_are_counted_as_by_hand() -> None:
    # 6 layers; for 10 tokens 8 * 10 * 384^2, 4 * 10 * 384 * 1536 and 4 * 10^2 * 384 each.
    assert encoder_operations([10]) == 6 * (11_796_480 + 23_592_960 + 153_600)
    assert encoder_operations([10, 3]) == encoder_operations([10]) + encoder_operations([3])


def test_memory_time_and_files_are_what_the_system_says(tmp_path: Path) -> None:
    # An interpreter with numpy takes more than 10 MB and less than 100 GB.
    assert 10e6 < rss_bytes(os.getpid()) < 100e9
    child = subprocess.Popen([sys.executable, "-c", "sum(range(3_000_000))"])
    assert 0 < cpu_seconds_at_the_end(child.pid) < 60
    child.wait()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    size = folder_size(tmp_path)
    assert (size.bytes, size.files) == (8, 2)


@pytest.mark.slow
def test_first_recall_counts_the_processor_time_of_both_servers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_benchmark(first_recall, tmp_path, "--rounds", "1", "--records", "10")
    ours, echo = found[first_recall.OURS], found["SDK, echo"]
    assert ours["goal_cpu_ms"] == 1_200
    assert ours["cpu"]["n"] == 1
    # Ours loads the SDK too, and LanceDB and the model with it.
    assert echo["ratio"] > 1
    assert "spawn to first answer, 10 records" in capsys.readouterr().out


@pytest.mark.slow
def test_embedding_says_what_is_missing_and_measures_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    asked = ["--texts", "6", "--rounds", "1", "--threads", "1", "--reference", nowhere]
    found = run_benchmark(embedding, tmp_path, *asked)
    assert found["torch"] is None
    assert len(found["rows"]) == 3
    assert all(row["torch"] is None and row["gflops"] > 0 for row in found["rows"].values())
    assert found["peaks"]["share"]["1"] > 0
    assert found["alone_or_in_a_batch"] < 1e-5
    shown = capsys.readouterr().out
    assert "run `make bench-reference` once" in shown
    assert "alone and in a batch" in shown


def test_embedding_takes_turns_with_the_other_encoder(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(OTHER_ENCODER.format(python=sys.executable))
    other.chmod(0o700)
    sets = {embedding.TURNS: ["one turn"], embedding.QUERY: ["where?", "when?"]}
    rows, torch = embedding.measure(sets, [1, 2], 2, other)
    assert torch == "stand-in"
    slower = rows["turns, threads: 1"], rows["turns, threads: 2"]
    assert [row.torch.median for row in slower if row.torch] == [1e6, 2e6]
    queries = rows["a short query, threads: 1"]
    # Two rounds of two queries, each by itself.
    assert (queries.texts, queries.ours.n, queries.torch and queries.torch.n) == (1, 4, 4)
    assert queries.of_torch is not None
    assert queries.of_torch < 0.2


@pytest.mark.slow
def test_imported_turns_are_as_long_as_peoples_and_each_way_of_storing_them_is_timed(
    tmp_path: Path,
) -> None:
    lengths = {
        role: statistics.median(
            len(text) for said, text in import_speed.texts_of(1_000) if said == role
        )
        for role in ("user", "assistant")
    }
    assert lengths == {"user": pytest.approx(60, rel=0.2), "assistant": pytest.approx(250, rel=0.2)}
    found = tmp_path / "import.json"
    assert import_speed.main(["--turns", "20", "--json", str(found)]) == 0
    rows = json.loads(found.read_text())
    assert rows["words and vectors"]["seconds"] == pytest.approx(
        rows["words"]["seconds"] + rows["vectors"]["seconds"], abs=0.01
    )
    assert all(row["seconds"] > 0 for row in rows.values())


def test_a_missing_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path))
    with pytest.raises(ModelMissing, match="make setup"):
        embedding.encoder_with(0)


@pytest.mark.slow
def test_recall_is_held_against_echo_and_embedding_at_every_size(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--sizes", f"20,{RECORDS}", "--queries", "3", "--cache", str(cache)]
    rows = run_benchmark(recall_scale, tmp_path, *asked)
    assert [row["records"] for row in rows] == [20, RECORDS]
    for row in rows:
        served, inside = row["served"], row["inside"]
        assert served["recall"]["n"] == served["reference"]["n"] == 3
        by_p95 = served["recall"]["p95"] / served["reference"]["p95"]
        assert served["ratio"] == pytest.approx(by_p95, abs=0.001)
        assert inside["index_recall"] == 1.0
        assert all(inside[part]["median"] > 0 for part in ("lexical", "dense", "encode", "added"))
    assert "recall in the library, by records" in capsys.readouterr().out


@pytest.mark.slow
def test_writes_are_counted_through_the_server_and_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--writes", "5", "--batch", "3", "--batches", "1"]
    found = run_benchmark(writes, tmp_path, *asked)
    single, batches, disk = found["single"], found["batches"], found["disk"]
    assert single["writes"]["n"] == 5
    # Fewer than a hundred: the first and the last are the same ones.
    assert single["growth"] == single["mean_growth"] == 1.0
    assert single["growth_by_reference"] == pytest.approx(1.0, abs=0.01)
    assert single["slowest"] >= single["writes"]["p95"]
    assert [look["writes"] for look in single["looks"]] == [1, 2, 3, 4, 5]
    assert single["most_versions"] == single["looks"][-1]["versions"] > writes.WARM_UP
    assert (batches["size"], batches["writes"]["n"]) == (3, 1)
    assert disk["raw_bytes"] > (5 + writes.WARM_UP) * 4 * 384
    assert disk["store_bytes"] > disk["table_bytes"] > disk["raw_bytes"]
    assert disk["versions"] < found["disk_before_sleep"]["versions"]
    assert disk["ratio"] < found["disk_before_sleep"]["ratio"]
    assert 0 < disk["versions"] < disk["files"]
    assert "after one sleep" in capsys.readouterr().out


def test_versions_are_those_that_the_table_has(cache: Path, tmp_path: Path) -> None:
    store = scale_store(cache, RECORDS, tmp_path)
    opened = memory_of(store)
    before = writes.versions_of(store)
    opened.ingest("one more version")
    assert writes.versions_of(store) == before + 1
    assert (opened.paths.database / f"{TABLE_NAME}.lance").is_dir()


@pytest.mark.slow
def test_memory_is_looked_at_from_the_handshake_until_it_is_given_back(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "DROWSY_SEC", 1.0)
    asked = ["--records", str(RECORDS), "--recalls", "3", "--cache", str(cache)]
    rows = run_benchmark(memory, tmp_path, *asked)
    assert list(rows) == [
        "after the handshake",
        "idle, page rendered",
        "after 1 recall",
        "after 3 recalls",
        "at rest after them",
        "drowsy",
    ]
    assert [row["goal_mb"] for row in rows.values()] == [None, 200, None, 350, None, None]
    if Path("/proc/self/status").exists():
        assert all(0 < row["anonymous_mb"] < row["rss_mb"] for row in rows.values())
    # LanceDB and the model are loaded by the time a page is there.
    assert rows["idle, page rendered"]["of_before"] > 1
    # The model alone takes more than a twentieth.
    assert rows["drowsy"]["rss_mb"] < 0.95 * rows["after 3 recalls"]["rss_mb"]


@pytest.mark.slow
def test_context_cost_is_that_of_the_served_tools_and_of_whole_answers(tmp_path: Path) -> None:
    rows = run_benchmark(context_cost, tmp_path, "--texts", "3", "--queries", "2")
    tools, whole = rows["names, descriptions, inputs"], rows["the whole tools/list"]
    assert 1_000 < tools["characters"] < whole["characters"]
    hits, answer = rows["texts of a recall's hits"], rows["a recall's whole answer"]
    assert 0 < hits["tokens"] <= hits["tokens_p95"] <= 1_500
    assert answer["tokens"] > hits["tokens"]


@pytest.mark.slow
def test_growth_is_printed_and_drawn_where_matplotlib_is_there(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, told = tmp_path / "growth.png", tmp_path / "growth.json"
    asked = ["--sizes", str(RECORDS), "--queries", "2", "--writes", "1", "--cache", str(cache)]
    code = growth.main([*asked, "--picture", str(picture), "--json", str(told)])
    points = json.loads(told.read_text())
    assert [point["records"] for point in points] == [RECORDS]
    assert all(point["writes_per_second"] > 0 and point["disk_mb"] > 0 for point in points)
    # `make setup` leaves matplotlib out, `make bench` brings it.
    has_matplotlib = importlib.util.find_spec("matplotlib") is not None
    assert (code, picture.exists()) == (int(not has_matplotlib), has_matplotlib)
    assert ("run `make bench`" in capsys.readouterr().out) is not has_matplotlib


def test_figures_take_the_long_run_where_there_is_one(tmp_path: Path) -> None:
    point = {"records": 1_000, "writes_per_second": 151.7, "rss_mb": 99.96, "disk_mb": 1.5}
    large = {**point, "records": 1_000_000, "disk_mb": 2_345.6}
    (tmp_path / "growth.json").write_text(json.dumps([point]))
    (tmp_path / "growth-large.json").write_text(json.dumps([{**point, "disk_mb": 1.75}, large]))
    rows = dict(_rows_of(figures.markdown(tmp_path)))
    assert rows["memories written a second"][0] == "152"
    assert rows["disk, MiB"] == ["1.75", figures.NOT_MEASURED, figures.NOT_MEASURED, "2,346"]
    assert rows["index recall@10"] == [figures.NOT_MEASURED] * 4


def test_the_page_on_scaling_has_the_rows_that_are_measured(tmp_path: Path) -> None:
    page = _rows_of((ROOT / "docs" / "scaling.md").read_text(encoding="utf-8"))
    measured = _rows_of(figures.markdown(tmp_path))
    assert [row for row, _ in page][: len(measured)] == [row for row, _ in measured]


def test_make_bench_runs_modules_that_exist() -> None:
    named = re.findall(r"\$\(BENCHMARK\)\.(\w+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {"embedding", "growth", "recall_scale"} <= set(named)
    for name in named:
        assert (ROOT / "tests" / "benchmarks" / f"{name}.py").is_file(), name


def _cosine(row: Row, query: Vector) -> float:
    """Of the text or its best passage, whichever is nearer."""
    assert row.vector is not None
    passages = [] if row.passages is None else list(row.passages.vectors)
    return max(float(one @ query / np.linalg.norm(one)) for one in [row.vector, *passages])


def _rows_of(text: str) -> list[tuple[str, list[str]]]:
    """The first cell of each row of the tables in a Markdown text, and the other cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(first, others) for first, *others in cells]
