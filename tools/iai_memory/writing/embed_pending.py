"""Vectors for memories: of the whole text and of its passages, at once or when there is a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from ..embedding.encoder import Encoder
from ..embedding.passages import Passages, Span, may_have_several, split
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row, Vector
from ..text.speakers import utterance

# One commit of waiting texts: some seconds of work, as long as a request may share the cores.
_CHARACTERS_AT_ONCE: Final = 200_000


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of a text.

    Attributes:
        vector: Of the whole text, float32, (dim,), unit length.
        passages: None for a text of one passage.
    """

    vector: Vector
    passages: Passages | None


def embedded(encoder: Encoder, texts: Sequence[str]) -> list[Embedded]:
    """Vectors of what is said, without who says it, of each whole text and of its passages.

    A name in front pulls all of a person's sentences together. Without it, and with the name in
    the question read as "I", cosine alone has the right one among its first ten for .674 instead
    of .580 of the LoCoMo questions.

    Raises:
        ModelFault: The model could not run.
    """
    cuts = [_cut(encoder, text) for text in texts]
    wholes = [utterance(text).words for text in texts]
    parts = [text[slice(*span)] for text, spans in zip(texts, cuts, strict=True) for span in spans]
    vectors = encoder.encode([*wholes, *parts])
    ends = accumulate((len(spans) for spans in cuts), initial=len(texts))
    return [
        Embedded(
            vectors[at],
            Passages(vectors[end : end + len(spans)], tuple(spans)) if spans else None,
        )
        for at, (end, spans) in enumerate(zip(ends, cuts, strict=False))
    ]


def embed_pending(store: Store, encoder: Encoder, *, limit: int = 256) -> int:
    """Gives at most `limit` pending memories their vectors, in one commit; returns how many.

    Fewer where they are long; 0 only where none is pending.
    """
    waiting = _a_portion(store.latest.pending(limit))
    if not waiting:
        return 0
    vectors = embedded(encoder, [record.text for record in waiting])
    made = {record.id: one for record, one in zip(waiting, vectors, strict=True)}
    with store.writing() as writer:
        at = writer.now()
        rows = [
            Row(
                replace(record, embedder=encoder.identity.key),
                made[record.id].vector,
                made[record.id].passages,
            )
            for record in writer.reader.get(list(made))
            if record.embedder is None
        ]
        return len(writer.update(rows, at))


def reembed(
    store: Store, encoder: Encoder, progress: Callable[[int, int], None] | None = None
) -> int:
    """Replaces every vector by one of this encoder; returns how many.

    First all records become pending in one go, then the store is declared to be this encoder's,
    then they are embedded: whenever it is interrupted, no vector of two generations is searched.
    """
    with store.writing() as writer:
        writer.drop_vectors()
        store.set_embedder(encoder.identity.key)
    total = left = store.contents().pending
    while done := embed_pending(store, encoder):
        left -= done
        if progress is not None:
            progress(total - left, total)
    return total - left


def _cut(encoder: Encoder, text: str) -> list[Span]:
    return split(text, encoder.token_spans(text)) if may_have_several(text) else []


def _a_portion(records: Sequence[Record]) -> list[Record]:
    """The first of them that can be embedded at once, and at least one where there is any."""
    sizes = accumulate(len(record.text) for record in records)
    within = sum(size <= _CHARACTERS_AT_ONCE for size in sizes)
    return list(records[: max(1, within)])
