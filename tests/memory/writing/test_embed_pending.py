"""Vectors that follow in steps: of bounded work, each committed, for long texts and short ones."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.model_folders import found_model
from tests.support.talking import child_environment

from iai_memory import Memory, load_settings
from iai_memory.embedding.encoder import MAX_TOKENS, Encoder, load_encoder
from iai_memory.embedding.passages import Passages
from iai_memory.errors import StoreMismatch
from iai_memory.maintenance.sleep import sleep
from iai_memory.store.filter import Filter
from iai_memory.store.vector_rows import Row, Vector
from iai_memory.text.speakers import utterance
from iai_memory.writing.embed_pending import (
    MAX_AT_ONCE,
    EmbeddingElsewhere,
    EmbeddingStep,
    embed_step,
    embed_texts,
)
from iai_memory.writing.embedding_parts import Part, parts_of_step
from iai_memory.writing.ingest import ingest
from iai_memory.writing.new_memory import NewMemory

FIRST = "My grandmother keeps seven bees in a hat on the balcony."
LAST = "The tide tables hang behind the door of the boat house."
QUESTION_FIRST = "who owns insects that live in headgear?"
QUESTION_LAST = "where can I look up when the sea rises?"
BETWEEN = [f"In week {number} the committee put off the budget once more." for number in range(60)]
LONG = " ".join([FIRST, *BETWEEN, LAST])
LONG_TOKENS = 300
"""Of a step in which `LONG`, with its 900 tokens, is long."""

STEPS = """
import sys

from iai_memory import Memory
from iai_memory.writing.embed_pending import embed_step

memory = Memory(sys.argv[1], on_commit=lambda: None)
print("ready", flush=True)
sys.stdin.readline()
while step := embed_step(memory.store, memory.encoder, tokens=int(sys.argv[2]), wait_sec=60):
    print(step.finished, step.continued, flush=True)
"""


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path) -> Memory:
    """An empty memory with the real model, as a server opens it: nothing follows a commit."""
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    return Memory(settings=settings, on_commit=lambda: None)


def said(memory: Memory, *texts: str) -> list[str]:
    """Stores the texts as words, and returns their ids."""
    report = ingest(memory.store, None, [NewMemory(text) for text in texts], origin="hook")
    return [one.id for one in report.results if one.id is not None]


def encoder_of(memory: Memory) -> Encoder:
    assert memory.encoder is not None
    return memory.encoder


def step(memory: Memory, tokens: int = LONG_TOKENS) -> EmbeddingStep | None:
    return embed_step(memory.store, encoder_of(memory), tokens=tokens)


def row_of(memory: Memory, id_: str) -> Row:
    [row] = memory.store.latest.rows([id_])
    return row


def passages_of(memory: Memory, id_: str) -> Passages:
    passages = row_of(memory, id_).passages
    assert passages is not None
    return passages


def rest(memory: Memory, tokens: int = 5_000) -> None:
    """Embeds until nothing waits."""
    for _ in range(100):
        if step(memory, tokens) is None:
            return
    pytest.fail("a hundred steps were not enough")


def half_embedded(memory: Memory) -> str:
    """The id of a long text after two of its steps."""
    [id_] = said(memory, LONG)
    assert step(memory) == step(memory) == EmbeddingStep(0, 1)
    return id_


def is_whole(memory: Memory, id_: str) -> bool:
    """Whether a memory has the vectors that its text has when it is embedded at once."""
    row = row_of(memory, id_)
    [whole] = embed_texts(encoder_of(memory), [row.record.text])
    if row.vector is None or row.record.embedder != whole.embedder:
        return False
    if whole.passages is None or row.passages is None:
        return row.passages is whole.passages and np.array_equal(row.vector, whole.whole)
    return (
        np.array_equal(row.vector, whole.whole)
        and row.passages.spans == whole.passages.spans
        # Passages are stored as float16.
        and np.array_equal(
            row.passages.vectors.astype(np.float16), whole.passages.vectors.astype(np.float16)
        )
    )


def nearest(memory: Memory, question: str) -> dict[str, float]:
    vector: Vector = encoder_of(memory).encode([question])[0]
    return memory.store.latest.nearest(vector, Filter(), 10, nprobes=50)


class EncoderAmid(Encoder):
    """The model of a process beside which something happens while it encodes."""

    def __init__(self, encoder: Encoder, event: Callable[[], object]) -> None:
        vars(self).update(vars(encoder))
        self._event = event

    def encode(self, texts: object) -> Vector:
        self._event()
        vectors: Vector = super().encode(texts)  # type: ignore[arg-type]
        return vectors


# Bounds of a step


def texts_of(part: Part) -> list[str]:
    whole = [] if part.begin else [utterance(part.record.text).words]
    return whole + part.passages()


def test_a_step_of_short_texts_has_no_more_tokens_than_it_may(memory: Memory) -> None:
    encoder = encoder_of(memory)
    said(memory, *(f"{sentence} It rained on day {n}." for n, sentence in enumerate(BETWEEN)))
    for _ in range(3):
        parts = parts_of_step(memory.store.latest, encoder, tokens=400, limit=256)
        texts = [text for part in parts for text in texts_of(part)]
        assert 200 < sum(len(encoder.token_spans(text)) + 2 for text in texts) <= 400
        assert step(memory, 400) == EmbeddingStep(len(parts), 0)


def test_a_step_of_a_long_text_has_no_more_tokens_than_it_may(memory: Memory) -> None:
    encoder = encoder_of(memory)
    said(memory, LONG)
    for tokens in (400, 300, 500):
        [part] = parts_of_step(memory.store.latest, encoder, tokens=tokens, limit=256)
        lengths = [min(MAX_TOKENS, len(encoder.token_spans(text)) + 2) for text in texts_of(part)]
        assert sum(lengths) <= tokens
        assert part.tokens == sum(lengths)
        step(memory, tokens)


def test_a_step_too_small_for_anything_still_moves_on(memory: Memory) -> None:
    ids = said(memory, LONG, "One sentence alone.")
    done = [step(memory, 1) for _ in range(3)]
    assert None not in done
    assert len(passages_of(memory, ids[0]).spans) == 3
    rest(memory, 1_000)
    assert all(is_whole(memory, id_) for id_ in ids)


def test_a_step_has_at_most_so_many_memories(memory: Memory) -> None:
    said(memory, *BETWEEN)
    done = []
    while one := embed_step(memory.store, encoder_of(memory), tokens=50_000, limit=25):
        done.append(one.finished)
    assert done == [25, 25, 10]


def test_a_step_grows_and_shrinks_with_the_measured_speed(model_folder: Path) -> None:
    encoder = load_encoder(found_model(model=model_folder), threads=1)
    before = encoder.tokens_within(1)
    assert encoder.tokens_within(0) == MAX_TOKENS
    encoder.encode([FIRST])
    assert encoder.tokens_within(1) == before
    encoder.encode([LONG] * 4)
    measured = encoder.tokens_within(10)
    assert measured != 10 * before
    assert encoder.tokens_within(20) == pytest.approx(2 * measured, abs=1)


# Long texts


def test_a_long_text_has_in_the_end_the_vectors_that_it_has_at_once(memory: Memory) -> None:
    [id_] = said(memory, LONG)
    counts = list[int]()
    while step(memory) == EmbeddingStep(0, 1):
        assert memory.status().pending == 1
        assert row_of(memory, id_).record.embedder is None
        counts.append(len(passages_of(memory, id_).spans))
    assert len(counts) > 2
    assert counts == sorted(set(counts))
    assert is_whole(memory, id_)
    assert memory.status().pending == 0
    assert step(memory) is None


def test_a_half_embedded_text_is_found_by_its_words_and_by_the_passages_that_it_has(
    memory: Memory,
) -> None:
    [id_, other] = said(memory, LONG, "A rowing boat needs a coat of paint.")
    step(memory)
    assert row_of(memory, other).record.embedder is not None
    assert row_of(memory, id_).record.embedder is None
    assert memory.recall("tide tables boat house").hits[0].id == id_
    first, last = (nearest(memory, question)[id_] for question in (QUESTION_FIRST, QUESTION_LAST))
    assert FIRST in {hit.id: hit.text for hit in memory.recall(QUESTION_FIRST).hits}[id_]
    rest(memory)
    assert nearest(memory, QUESTION_FIRST)[id_] == pytest.approx(first, abs=0.01)
    assert nearest(memory, QUESTION_LAST)[id_] > last + 0.05


def test_a_snapshot_follows_each_step(memory: Memory) -> None:
    [id_] = said(memory, LONG)
    memory.recall(QUESTION_LAST)
    best = list[float]()
    while step(memory) is not None:
        hits = {hit.id: hit.score for hit in memory.recall(QUESTION_LAST).hits}
        best.append(hits.get(id_, 0.0))
    assert best[-1] == max(best)
    assert best[-1] > best[0]


def test_passages_of_another_split_are_made_anew(memory: Memory) -> None:
    id_ = half_embedded(memory)
    with memory.store.writing() as writer:
        row = row_of(memory, id_)
        assert row.passages is not None
        moved = Passages(row.passages.vectors, tuple((a, b - 1) for a, b in row.passages.spans))
        writer.update([Row(row.record, row.vector, moved)], writer.now())
    had = len(passages_of(memory, id_).spans)
    step(memory)
    assert len(passages_of(memory, id_).spans) < had
    rest(memory)
    assert is_whole(memory, id_)


@pytest.mark.slow
def test_a_text_of_a_megabyte_is_stored_at_once_and_embedded_in_steps(memory: Memory) -> None:
    # A word of more than a hundred letters is one token.
    text = " ".join("x" * 120 for _ in range(8_200))
    report = memory.ingest(text)
    assert [one.status for one in report.results] == ["pending"]
    done = list[EmbeddingStep]()
    while one := step(memory, 8_000):
        done.append(one)
    assert done == [EmbeddingStep(0, 1)] * (len(done) - 1) + [EmbeddingStep(1, 0)]
    assert 3 <= len(done) <= 6
    assert is_whole(memory, str(report.results[0].id))


@pytest.mark.parametrize("text", ["Ok", "x" * 30_000, "🐝", "a\nb", "?!" * 1_000, "word " * 260])
def test_texts_without_several_passages_and_odd_ones_are_done_in_the_end(
    memory: Memory, text: str
) -> None:
    [id_] = said(memory, text)
    rest(memory, 1_000)
    assert is_whole(memory, id_)


# Fairness


def test_neither_a_long_text_waits_for_short_ones_nor_they_for_it(memory: Memory) -> None:
    [long] = said(memory, LONG)
    shorts = said(memory, *BETWEEN)
    before = 0
    for _ in range(3):
        done = step(memory)
        assert done is not None
        assert done.continued == 1
        assert done.finished >= 3
        now = len(passages_of(memory, long).spans)
        assert now > before
        before = now
    embedded = [id_ for id_ in shorts if row_of(memory, id_).record.embedder]
    assert shorts[0] in embedded
    assert shorts[-1] in embedded


@pytest.mark.slow
def test_no_stream_of_new_turns_keeps_a_long_text_waiting(memory: Memory) -> None:
    [long] = said(memory, LONG)
    for number in range(30):
        said(memory, *(f"Turn {number}, part {part}: {BETWEEN[part]}" for part in range(20)))
        step(memory)
        if row_of(memory, long).record.embedder:
            break
    assert is_whole(memory, long)
    assert memory.status().pending > 100


def test_what_was_just_said_is_embedded_in_the_next_step_however_much_waits(
    memory: Memory,
) -> None:
    said(memory, LONG, *BETWEEN, LONG + " Again.")
    for number in range(3):
        [id_] = said(memory, f"The new colour number {number} is teal.")
        step(memory)
        assert is_whole(memory, id_)


def test_of_two_long_texts_the_older_one_is_done_first(memory: Memory) -> None:
    older, newer = said(memory, LONG, LONG + " Again.")
    while row_of(memory, older).record.embedder is None:
        assert row_of(memory, newer).vector is None
        step(memory)
    rest(memory)
    assert is_whole(memory, older)
    assert is_whole(memory, newer)


@pytest.mark.long
@pytest.mark.parametrize("turns", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_short_turns_are_all_done(memory: Memory, turns: int) -> None:
    for start in range(0, turns, turns // 5):
        said(memory, *(f"Note {number}" for number in range(start, start + turns // 5)))
    done = 0
    while one := embed_step(memory.store, encoder_of(memory), tokens=turns):
        assert one.continued == 0
        done += one.finished
    assert done == turns
    assert memory.status().pending == 0


# What happens to a memory meanwhile


def test_a_text_that_was_forgotten_half_way_goes_on_when_it_comes_back(memory: Memory) -> None:
    id_ = half_embedded(memory)
    had = len(passages_of(memory, id_).spans)
    memory.forget([id_])
    assert step(memory) is None
    memory.restore([id_])
    step(memory)
    assert len(passages_of(memory, id_).spans) > had
    rest(memory)
    assert is_whole(memory, id_)


def test_a_text_that_was_superseded_half_way_is_embedded_to_the_end(memory: Memory) -> None:
    id_ = half_embedded(memory)
    had = len(passages_of(memory, id_).spans)
    memory.supersede(id_, "The budget was passed.")
    step(memory)
    assert len(passages_of(memory, id_).spans) > had
    rest(memory)
    assert is_whole(memory, id_)


def test_a_text_that_was_scrubbed_half_way_keeps_no_vector_of_the_old_one(memory: Memory) -> None:
    id_ = half_embedded(memory)
    memory.scrub("grandmother")
    assert row_of(memory, id_).vector is None
    assert row_of(memory, id_).passages is None
    rest(memory)
    assert "grandmother" not in row_of(memory, id_).record.text
    assert is_whole(memory, id_)


def test_a_text_that_is_scrubbed_while_it_is_encoded_gets_no_vector_of_the_old_one(
    memory: Memory,
) -> None:
    [long, short] = said(memory, LONG, f"Again: {FIRST}")
    amid = EncoderAmid(encoder_of(memory), lambda: memory.scrub("grandmother"))
    assert embed_step(memory.store, amid, tokens=300) == EmbeddingStep(0, 0)
    assert row_of(memory, long).vector is None
    assert row_of(memory, short).vector is None
    rest(memory)
    assert is_whole(memory, long)
    assert is_whole(memory, short)


def test_a_memory_that_is_changed_while_it_is_encoded_keeps_the_change_and_gets_its_vectors(
    memory: Memory,
) -> None:
    [one, gone] = said(memory, FIRST, LAST)

    def change() -> None:
        memory.pin(one, add_tags=["bees"])
        memory.forget([gone])

    embed_step(memory.store, EncoderAmid(encoder_of(memory), change), tokens=300)
    assert row_of(memory, one).record.tags == ("bees",)
    assert not row_of(memory, gone).record.is_live()
    memory.restore([gone])
    rest(memory)
    assert is_whole(memory, one)
    assert is_whole(memory, gone)


# Models


def test_a_store_that_had_no_model_gets_its_vectors_once_there_is_one(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    without = Memory(tmp_path / "store")
    without.ingest([FIRST, LONG])
    assert without.embed_pending() == 0
    assert without.status().pending == 2
    assert len(without.recall("seven bees").hits) == 2
    memory = Memory(settings=load_settings(store=tmp_path / "store", model=model_folder))
    while memory.embed_pending():
        pass
    assert memory.status().pending == 0
    assert memory.recall(QUESTION_FIRST).hits[0].text == FIRST


def test_a_model_that_was_replaced_in_the_middle_writes_no_vector_any_more(memory: Memory) -> None:
    id_, store = half_embedded(memory), memory.store

    def replace_model() -> None:
        with store.writing() as writer:
            writer.drop_vectors()
            store.set_embedder("another-model")

    with pytest.raises(StoreMismatch, match="holds vectors of another-model by now"):
        embed_step(store, EncoderAmid(encoder_of(memory), replace_model), tokens=300)
    [row] = store.latest.rows([id_])
    assert row.vector is None
    assert row.passages is None
    with pytest.raises(StoreMismatch, match="holds vectors of another-model, the model here is"):
        step(memory)


def test_reembedding_begins_a_half_embedded_text_anew(memory: Memory) -> None:
    id_ = half_embedded(memory)
    told = list[tuple[int, int]]()
    assert memory.reembed(lambda done, total: told.append((done, total))) == 1
    assert told[-1] == (1, 1)
    assert is_whole(memory, id_)


# Processes


@pytest.mark.slow
def test_a_process_killed_between_its_steps_loses_one_at_most(
    memory: Memory, model_folder: Path
) -> None:
    [id_] = said(memory, LONG)
    before = 0
    for _ in range(2):
        with stepping(memory, model_folder, tokens=100) as child:
            begin(child)
            assert child.stdout is not None
            for _ in range(2):
                assert child.stdout.readline().split() == ["0", "1"]
            child.send_signal(signal.SIGKILL)
        now = len(passages_of(memory, id_).spans)
        assert now >= before + 2
        before = now
    rest(memory)
    assert is_whole(memory, id_)


@pytest.mark.slow
def test_two_processes_make_each_vector_once(memory: Memory, model_folder: Path) -> None:
    ids = said(memory, LONG, *BETWEEN, LONG + " Again.")
    children = [stepping(memory, model_folder, tokens=250) for _ in range(2)]
    for child in children:
        begin(child)
    outputs = [child.communicate()[0].split("\n") for child in children]
    assert [child.returncode for child in children] == [0, 0]
    lines = [[int(word) for word in line.split()] for told in outputs for line in told if line]
    assert sum(finished for finished, _ in lines) == len(ids)
    assert all(sum(line) > 0 for line in lines)
    assert all(is_whole(memory, id_) for id_ in ids)


def test_who_finds_another_process_embedding_does_not_do_it_too(
    memory: Memory, model_folder: Path
) -> None:
    said(memory, LONG, FIRST)
    elsewhere = Memory(settings=memory.settings, on_commit=lambda: None)
    told = list[int]()

    def beside() -> None:
        told.append(elsewhere.embed_pending())
        with pytest.raises(EmbeddingElsewhere):
            embed_step(elsewhere.store, encoder_of(elsewhere))

    embed_step(memory.store, EncoderAmid(encoder_of(memory), beside))
    assert told == [0]
    assert elsewhere.embed_pending() > 0 or memory.status().pending == 0


def test_a_sleep_that_was_interrupted_goes_on_at_the_next_passage(memory: Memory) -> None:
    [id_] = said(memory, " ".join([LONG] * 4))
    steps = 0

    def committed() -> None:
        nonlocal steps
        steps += 1

    report = sleep(
        memory.store,
        memory._model,  # pyright: ignore[reportPrivateUsage]
        memory.page_manager(),
        memory.ledger,
        committed=committed,
        interrupted=lambda: steps == 1,
    )
    assert report.interrupted
    had = len(passages_of(memory, id_).spans)
    assert row_of(memory, id_).record.embedder is None
    assert had > 0
    assert memory.sleep().done[-1] == "refresh"
    assert is_whole(memory, id_)


# Ingest


@pytest.mark.slow
def test_a_text_that_would_keep_its_caller_waiting_is_left_pending(memory: Memory) -> None:
    long = BETWEEN[0] * (MAX_AT_ONCE // len(BETWEEN[0]) + 1)
    report = memory.ingest([FIRST, long, LAST])
    assert [one.status for one in report.results] == ["stored", "pending", "stored"]
    assert [one.reason for one in report.results] == [None, "not yet embedded", None]
    assert report.stored == 3
    assert memory.status().pending == 1
    found = memory.recall("the committee put off the budget").hits
    assert report.results[1].id in [hit.id for hit in found]
    rest(memory, 20_000)
    assert is_whole(memory, str(report.results[1].id))


def test_a_correction_that_would_keep_its_caller_waiting_is_left_pending(memory: Memory) -> None:
    [old] = memory.ingest(FIRST).results
    done = memory.supersede(str(old.id), BETWEEN[0] * (MAX_AT_ONCE // len(BETWEEN[0]) + 1))
    assert row_of(memory, done.new_id).vector is None
    assert memory.status().pending == 1


def stepping(memory: Memory, model_folder: Path, *, tokens: int) -> subprocess.Popen[str]:
    """Another process that will embed in steps of so many tokens, telling what each did."""
    return subprocess.Popen(
        [sys.executable, "-c", STEPS, str(memory.paths.root), str(tokens)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(memory.paths.root, model_folder),
        text=True,
    )


def begin(child: subprocess.Popen[str]) -> None:
    """Waits until the process has loaded, and lets it begin."""
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.stdin.write("\n")
    child.stdin.flush()
