"""Memories that were embedded without token vectors get them, and nothing else of them changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.model_folders import run_python

from iai_memory import Memory, load_settings
from iai_memory.embedding.encoder import Encoder
from iai_memory.errors import StoreMismatch
from iai_memory.store.row_digest import verify
from iai_memory.store.vector_rows import Row
from iai_memory.writing.embed_pending import EmbeddingElsewhere
from iai_memory.writing.fill_tokens import token_step

SAID = ["The ferry leaves at nine.", "Ann: I moved the boat to Bergen. It leaks a bit.", "Gulls?"]


def encoder_of(memory: Memory) -> Encoder:
    encoder = memory.encoder
    assert encoder is not None
    return encoder


def rows_of(memory: Memory) -> dict[str, Row]:
    return {row.record.text: row for row in memory.store.latest.all_rows()}


def lacking(memory: Memory) -> int:
    key = encoder_of(memory).token_key
    assert key is not None
    return memory.store.latest.count_lacking_tokens(key)


def drop_tokens(memory: Memory, key: str | None = None) -> None:
    """As a version left the table that knew no token vectors, or made others."""
    value = "NULL" if key is None else f"'{key}'"
    table = memory.store._table  # pyright: ignore[reportPrivateUsage]
    table.update(values_sql={"token_vectors": value, "token_key": value, "row_digest": "NULL"})


@pytest.fixture
def told(tmp_path: Path, model_folder: Path) -> Memory:
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    memory = Memory(settings=settings, on_commit=lambda: None)
    memory.ingest([*SAID])
    return memory


def test_what_is_stored_has_the_vectors_of_its_tokens_at_once(told: Memory) -> None:
    assert lacking(told) == 0
    ids = {row.record.id: text for text, row in rows_of(told).items()}
    found = told.store.latest.token_vectors(list(ids), encoder_of(told).token_key or "")
    words = {
        "".join(ids[id_][start:end] for start, end in one.spans.tolist())
        for id_, one in found.items()
    }
    assert words == {"Theferryleavesatnine", "ImovedtheboattoBergenItleaksabit", "Gulls"}


def test_vectors_of_another_model_are_not_read(told: Memory) -> None:
    ids = [row.record.id for row in rows_of(told).values()]
    assert told.store.latest.token_vectors(ids, "another/tokens-1") == {}


@pytest.mark.parametrize("key", [None, "another model/tokens-1"])
def test_missing_ones_are_made_and_no_other_field_changes(told: Memory, key: str | None) -> None:
    before = rows_of(told)
    drop_tokens(told, key)
    assert lacking(told) == len(SAID)
    assert token_step(told.store, encoder_of(told)) == len(SAID)
    assert token_step(told.store, encoder_of(told)) == 0
    for text, row in rows_of(told).items():
        assert row.record == before[text].record
        assert row.tokens == before[text].tokens
        assert np.array_equal(row.vector, before[text].vector)  # type: ignore[arg-type]
    rows = told.store._table.search().limit(None).to_arrow()  # pyright: ignore[reportPrivateUsage]
    assert verify(rows).damaged == []


def test_a_sleep_makes_missing_ones(told: Memory) -> None:
    drop_tokens(told)
    told.sleep()
    assert lacking(told) == 0


def test_an_answer_is_complete_without_them(told: Memory) -> None:
    whole = told.recall("when does the ferry leave?")
    drop_tokens(told)
    found = told.recall("when does the ferry leave?")
    assert [hit.id for hit in found.hits] == [hit.id for hit in whole.hits]
    assert found.coverage.complete
    assert told.store.statistics().pending == 0


def test_a_changed_memory_keeps_them_and_a_scrubbed_one_loses_them(told: Memory) -> None:
    [first, second, _] = [row.record.id for row in rows_of(told).values()]
    told.pin(first, pinned=True)
    told.forget([second])
    assert all(row.tokens is not None for row in rows_of(told).values())
    told.scrub("Bergen")
    assert [text for text, row in rows_of(told).items() if row.tokens is None] == [
        text for text in rows_of(told) if "boat" in text
    ]


def test_a_forgotten_memory_gets_none(told: Memory) -> None:
    [first, *_] = [row.record.id for row in rows_of(told).values()]
    told.forget([first])
    drop_tokens(told)
    assert token_step(told.store, encoder_of(told)) == len(SAID) - 1


class EncoderAmid(Encoder):
    """An encoder beside which something happens while it works."""

    def __init__(self, encoder: Encoder, event: Callable[[], object]) -> None:
        self.__dict__.update(encoder.__dict__)
        self._event = event

    def encode_with_tokens(self, texts: object) -> object:  # type: ignore[override]
        self._event()
        return super().encode_with_tokens(texts)  # type: ignore[arg-type]


def test_a_text_that_is_scrubbed_meanwhile_gets_no_vectors_of_what_it_was(told: Memory) -> None:
    drop_tokens(told)
    amid = EncoderAmid(encoder_of(told), lambda: told.scrub("Bergen"))
    assert token_step(told.store, amid) == len(SAID) - 1
    assert next(row for text, row in rows_of(told).items() if "boat" in text).tokens is None


def test_a_store_that_another_model_took_over_gets_none(told: Memory) -> None:
    drop_tokens(told)
    amid = EncoderAmid(encoder_of(told), lambda: told.store.set_embedder("another model"))
    with pytest.raises(StoreMismatch, match="start it again"):
        token_step(told.store, amid)


def test_one_process_makes_them_at_a_time(told: Memory) -> None:
    drop_tokens(told)

    def beside() -> None:
        with pytest.raises(EmbeddingElsewhere):
            token_step(told.store, encoder_of(told))

    assert token_step(told.store, EncoderAmid(encoder_of(told), beside)) == len(SAID)


def test_damaged_vectors_are_as_good_as_none(told: Memory) -> None:
    key, ids = encoder_of(told).token_key or "", [r.record.id for r in rows_of(told).values()]
    told.store._table.update(  # pyright: ignore[reportPrivateUsage]
        where=f"id = '{ids[0]}'", values_sql={"token_vectors": "'AAAA'"}
    )
    assert told.store.latest.token_vectors(ids, key).keys() == {*ids[1:]}


_KILLED = """
import os, sys
from pathlib import Path
from iai_memory import Memory, load_settings
import iai_memory.store.missing_tokens as missing
from iai_memory.writing.fill_tokens import token_step
memory = Memory(settings=load_settings(store=Path(sys.argv[1])))
missing.with_digests = lambda rows: os._exit(0)
token_step(memory.store, memory.encoder)
"""


@pytest.mark.slow
def test_killed_before_the_commit_nothing_is_lost(told: Memory) -> None:
    before = rows_of(told)
    drop_tokens(told)
    run_python(_KILLED, str(told.paths.root))
    assert lacking(told) == len(SAID)
    assert token_step(told.store, encoder_of(told)) == len(SAID)
    assert {text: row.tokens for text, row in rows_of(told).items()} == {
        text: row.tokens for text, row in before.items()
    }
