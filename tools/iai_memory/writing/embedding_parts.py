"""The choice of what one step embeds: whole memories, and a part of at most one long text.

Memories are taken in turns, the oldest arrival, the newest, the second oldest, and so on: what was
just said can be found by meaning a step later, however much waits, and what waits is done in the
order in which it came. A text that needs more than half a step is long. A step works on one long
text, the oldest, and gives it half, or as much as the others leave. So no text of 1 MB holds up the
turns behind it, and no stream of new turns keeps it waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, zip_longest
from typing import Final

from ..base.fifo_cache import FifoCache
from ..embedding.encoder import MAX_TOKENS, Encoder
from ..embedding.passages import Span, may_have_several, split, token_counts
from ..store.reader import TableReader
from ..store.record import Record
from ..store.vector_rows import Row

_SPECIAL_TOKENS: Final = 2
# English has four to five characters a token, and code three.
_CHARACTERS_A_TOKEN: Final = 3
_LONG_CHARACTERS: Final = 20_000
_CHARACTERS_REWRITTEN: Final = 250


@dataclass(frozen=True, slots=True)
class Part:
    """What a step embeds of one text.

    Attributes:
        record: The text's record, pending.
        spans: All passages of the text.
        begin: The first passage to embed; 0 embeds the whole text too.
        end: The passage behind the last one to embed.
        tokens: How many they have, about.
    """

    record: Record
    spans: tuple[Span, ...]
    begin: int
    end: int
    tokens: int

    @property
    def finishes(self) -> bool:
        """Whether the text has all its vectors afterwards."""
        return self.end == len(self.spans)

    def passages(self) -> list[str]:
        """Return the passages to encode."""
        return [self.record.text[slice(*span)] for span in self.spans[self.begin : self.end]]


def parts_of_step(reader: TableReader, encoder: Encoder, *, tokens: int, limit: int) -> list[Part]:
    """Return what to embed next; empty only where nothing is pending.

    Args:
        reader: Of the latest version.
        encoder: Its tokenizer says how long texts are.
        tokens: How many the parts have together, about; one part there is in any case.
        limit: Maximum number of memories.
    """
    parts: list[Part] = []
    long: _Work | None = None
    left = tokens
    for row in _in_turns(reader, limit):
        if long is not None and len(row.record.text) > tokens * _CHARACTERS_A_TOKEN:
            continue  # long too; to count its tokens would take long
        work = _work_on(encoder, row)
        if work.tokens > tokens // 2:
            if long is None:
                long = work
                left -= tokens // 2
            continue
        if parts and work.tokens > left:
            break
        parts.append(work.part(len(work.spans)))
        left -= work.tokens
    if long is not None:
        room = tokens // 2 + max(0, left) - _tokens_worth_of(long.record.text)
        parts.append(long.part_of(max(room, tokens // 4)))
    return parts


@dataclass(frozen=True, slots=True)
class _Work:
    """What is left to do for one text.

    Attributes:
        record: Its record.
        spans: All its passages.
        begin: The first passage that has no vector yet.
        sizes: Tokens of the whole text, 0 where it has its vector, and of each passage from
            `begin` on.
    """

    record: Record
    spans: tuple[Span, ...]
    begin: int
    sizes: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return sum(self.sizes)

    def part(self, end: int) -> Part:
        tokens = sum(self.sizes[: end - self.begin + 1])
        return Part(self.record, self.spans, self.begin, end, tokens)

    def part_of(self, tokens: int) -> Part:
        """Return as much as has so many tokens: one passage at least."""
        fitting = sum(size <= tokens for size in accumulate(self.sizes)) - 1
        return self.part(min(len(self.spans), self.begin + max(1, fitting)))


def _tokens_worth_of(text: str) -> int:
    """Return how many tokens could be read in the time that rewriting the text's row takes.

    A text of 1 MB is analysed for its words at each commit, for a third of a second.
    """
    return len(text) // _CHARACTERS_REWRITTEN


def _work_on(encoder: Encoder, row: Row) -> _Work:
    text = row.record.text
    if not may_have_several(text):
        return _Work(row.record, (), 0, (len(text) // _CHARACTERS_A_TOKEN + _SPECIAL_TOKENS,))
    passages = _passages_of(encoder, text)
    begin = _begun(row, passages.spans)
    whole = 0 if begin else passages.whole
    return _Work(row.record, passages.spans, begin, (whole, *passages.sizes[begin:]))


def _begun(row: Row, spans: Sequence[Span]) -> int:
    """Return how many of the passages have vectors; 0 where those there are belong to others."""
    if row.vector is None or row.passages is None:
        return 0
    stored = row.passages.spans
    return len(stored) if stored == tuple(spans[: len(stored)]) else 0


@dataclass(frozen=True, slots=True)
class _SizedPassages:
    """The passages of a text, and how many tokens the whole text and each of them is run with."""

    spans: tuple[Span, ...]
    whole: int
    sizes: tuple[int, ...]


# Splitting a text of 1 MB takes most of a second, and its steps follow one another.
_SPLIT: Final = FifoCache[tuple[str, str], _SizedPassages](2)


def _passages_of(encoder: Encoder, text: str) -> _SizedPassages:
    key = (encoder.identity.key, text)
    if len(text) < _LONG_CHARACTERS:
        return _split(encoder, text)
    if key not in _SPLIT.found([key]):
        _SPLIT.add([(key, _split(encoder, text))])
    return _SPLIT.found([key])[key]


def _split(encoder: Encoder, text: str) -> _SizedPassages:
    tokens = encoder.token_spans(text)
    spans = split(text, tokens)
    sizes = tuple(count + _SPECIAL_TOKENS for count in token_counts(spans, tokens))
    return _SizedPassages(tuple(spans), min(MAX_TOKENS, len(tokens) + _SPECIAL_TOKENS), sizes)


def _in_turns(reader: TableReader, limit: int) -> Iterator[Row]:
    """Yield at most `limit` pending rows: the oldest, the newest, the second oldest, and so on."""
    half = (limit + 1) // 2
    oldest = reader.pending(half)
    newest = oldest[::-1] if len(oldest) < half else reader.pending(half, newest=True)
    turns = chain.from_iterable(zip_longest(oldest, newest))
    rows = {row.record.id: row for row in turns if row is not None}
    yield from list(rows.values())[:limit]
