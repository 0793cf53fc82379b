"""Vectors of memories, of whole texts and of passages: at once, later in steps, by another model.

A step is about a second of processor time and one commit, so a process that lives two seconds moves
the work on, and one that is killed loses a step at most. A long text takes several: until its last
one it has the vector of the whole text and those of its first passages, by which it is found, and
no `embedder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

import numpy as np

from ..base.locks import held
from ..embedding.encoder import Encoder
from ..embedding.passages import Passages, Span, may_have_several, split
from ..errors import StoreBusy, StoreMismatch
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row, StoredTokens, Vector
from ..store.writer import Writer
from ..text.speakers import utterance
from .embedding_parts import Part, parts_of_step

MAX_AT_ONCE: Final = 20_000
"""Characters of a text whose vectors are made while its caller waits: half a second of work, or a
few on a slow machine. Those of a longer one follow in steps."""

STEP_MEMORIES: Final = 256
"""Maximum number of memories of a step."""

STEP_SECONDS: Final = 0.85
"""Processor time of the model in a step; tokens, texts and the commit come on top."""

_WAIT_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The vectors of one text.

    Attributes:
        whole: Of the whole text, float32, (dim,), unit length.
        passages: None for a text of one passage.
        embedder: Key of the model that made them.
        tokens: Of its tokens; None where the model makes none.
    """

    whole: Vector
    passages: Passages | None
    embedder: str
    tokens: StoredTokens | None = None

    def row(self, record: Record) -> Row:
        """Return the record with these vectors."""
        embedded = replace(record, embedder=self.embedder)
        return Row(embedded, self.whole, self.passages, self.tokens)


class EmbeddingElsewhere(StoreBusy):
    """Another process of the store is embedding."""


@dataclass(frozen=True, slots=True)
class EmbeddingStep:
    """What one step did.

    Attributes:
        finished: Memories that have all their vectors since.
        continued: Memories that got some of them, and wait for more.
    """

    finished: int
    continued: int


def embed_texts(encoder: Encoder, texts: Sequence[str]) -> list[TextVectors]:
    """Embed each whole text and its passages, without the speaker's name.

    A name in front pulls all sentences of one person together. Without it, and with the name in
    the question read as "I", cosine alone has the right one among its first ten for .674 instead
    of .580 of the LoCoMo questions.

    Raises:
        ModelFault: The model could not run.
    """
    spans_of = [_passage_spans(encoder, text) for text in texts]
    passages = [
        text[slice(*span)] for text, spans in zip(texts, spans_of, strict=True) for span in spans
    ]
    wholes, tokens = encode_wholes(encoder, texts)
    vectors = encoder.encode(passages)
    starts = accumulate((len(spans) for spans in spans_of), initial=0)
    return [
        TextVectors(
            wholes[number],
            Passages(vectors[start : start + len(spans)], tuple(spans)) if spans else None,
            encoder.identity.key,
            tokens[number],
        )
        for number, (start, spans) in enumerate(zip(starts, spans_of, strict=False))
    ]


def encode_wholes(
    encoder: Encoder, texts: Sequence[str]
) -> tuple[Vector, list[StoredTokens | None]]:
    """Return the vector of each whole text, and those of its tokens where the model makes them.

    Raises:
        ModelFault: The model could not run.
    """
    words, key = [utterance(text).words for text in texts], encoder.token_key
    if key is None:
        return encoder.encode(words), [None] * len(texts)
    vectors, tokens = encoder.encode_with_tokens(words)
    return vectors, [
        StoredTokens(of_text.moved(len(text) - len(spoken)).to_text(), key)
        for text, spoken, of_text in zip(texts, words, tokens, strict=True)
    ]


def embed_step(
    store: Store,
    encoder: Encoder,
    *,
    limit: int = STEP_MEMORIES,
    tokens: int | None = None,
    seconds: float | None = None,
    wait_sec: float = 0,
) -> EmbeddingStep | None:
    """Embed some of what is pending, in one commit; return what was done, None if nothing waits.

    One process of a store embeds at a time, so that no two make the same vectors.

    Args:
        store: Whose memories.
        encoder: Of the model whose vectors the store holds.
        limit: Maximum number of memories.
        tokens: How many the model reads, about; None is as many as take it a second of processor
            time, the commit included, as measured in the step before.
        seconds: Processor time of the model in place of that, where it is less.
        wait_sec: How long to wait for another process that embeds.

    Raises:
        EmbeddingElsewhere: Another process embeds.
        StoreMismatch: The store holds another model's vectors by now.
        ModelFault: The model could not run.
        StoreFault: The store could not be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(store.paths.lock("embed"), timeout=wait_sec))
        except StoreBusy as exc:
            raise EmbeddingElsewhere(str(exc)) from exc
        time = STEP_SECONDS if seconds is None else min(seconds, STEP_SECONDS)
        parts = parts_of_step(
            store.latest, encoder, tokens=tokens or encoder.tokens_within(time), limit=limit
        )
        if not parts:
            return None
        made = _encoded(encoder, parts)
        with store.writing(shown=False) as writer:
            _check_embedder(writer, encoder)
            at = writer.now()
            rows = [
                row
                for before in writer.reader.rows(list(made))
                if (row := made[before.record.id].onto(before)) is not None
            ]
            stored = writer.update(rows, at)
    finished = sum(record.embedder is not None for record in stored)
    return EmbeddingStep(finished, len(stored) - finished)


def reembed(
    store: Store, encoder: Encoder, progress: Callable[[int, int], None] | None = None
) -> int:
    """Replace every vector by one of this encoder; return how many.

    First all records become pending in one commit, then the store is declared to be this encoder's,
    then they are embedded: wherever it is interrupted, no vectors of two models are searched.

    Args:
        store: Whose vectors.
        encoder: Of the new model.
        progress: Called with the number of memories done and the total.

    Raises:
        ModelFault: The model could not run.
        StoreFault: The store could not be written.
    """
    with store.writing() as writer:
        writer.drop_vectors()
        store.set_embedder(encoder.identity.key)
    done, total = 0, store.statistics().pending
    while step := embed_step(store, encoder, wait_sec=_WAIT_SEC):
        done += step.finished
        if progress is not None:
            progress(min(done, total), total)
    return total  # servers that run may have done some of it


@dataclass(frozen=True, slots=True)
class _PartVectors:
    """A part of a text with its vectors.

    Attributes:
        part: The part.
        whole: Of the whole text; None where it has one.
        passages: float32, (n, dim), of the part's passages.
        embedder: Key of the model that made them.
        tokens: Those of the text's tokens; None where it has them, or the model makes none.
    """

    part: Part
    whole: Vector | None
    passages: Vector
    embedder: str
    tokens: StoredTokens | None

    def onto(self, row: Row) -> Row | None:
        """Return the row with these vectors; None where it is not the row they were made for.

        In the meantime another process may have embedded it, or scrubbed its text.
        """
        part = self.part
        if row.record.embedder is not None or row.record.text != part.record.text:
            return None
        stored = row.passages
        if part.begin and (stored is None or stored.spans != part.spans[: part.begin]):
            return None
        vectors = self.passages
        if part.begin and stored is not None:
            vectors = np.concatenate([stored.vectors, vectors])
        return Row(
            replace(row.record, embedder=self.embedder if part.finishes else None),
            row.vector if self.whole is None else self.whole,
            Passages(vectors, part.spans[: part.end]) if part.spans else None,
            self.tokens if part.begin == 0 else row.tokens,
        )


def _encoded(encoder: Encoder, parts: Sequence[Part]) -> dict[str, _PartVectors]:
    """Return the vectors of each part by the record's id, from two calls of the encoder."""
    begun = [part for part in parts if part.begin == 0]
    wholes, tokens = encode_wholes(encoder, [part.record.text for part in begun])
    of_whole = {
        part.record.id: (whole, of_tokens)
        for part, whole, of_tokens in zip(begun, wholes, tokens, strict=True)
    }
    vectors = encoder.encode([text for part in parts for text in part.passages()])
    ends = list(accumulate(part.end - part.begin for part in parts))
    found = dict[str, _PartVectors]()
    for part, start, end in zip(parts, [0, *ends], ends, strict=False):
        whole, of_tokens = of_whole.get(part.record.id, (None, None))
        found[part.record.id] = _PartVectors(
            part, whole, vectors[start:end], encoder.identity.key, of_tokens
        )
    return found


def _check_embedder(writer: Writer, encoder: Encoder) -> None:
    """Refuse to mix vectors of two models.

    Raises:
        StoreMismatch: `model reembed` ran with another model while this one was loaded.
    """
    if writer.embedder != encoder.identity.key:
        raise StoreMismatch(
            f"the store holds vectors of {writer.embedder} by now, and this process loaded "
            f"{encoder.identity.key}: start it again"
        )


def _passage_spans(encoder: Encoder, text: str) -> list[Span]:
    return split(text, encoder.token_spans(text)) if may_have_several(text) else []
