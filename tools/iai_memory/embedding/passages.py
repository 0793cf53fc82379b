"""Passages of a text: its parts, embedded beside the whole, so that one sentence can be found.

The vector of a whole text is a mean over all its sentences. With the best passage beside it, cosine
alone has an nDCG@10 of .485 on LoCoMo instead of .427.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from ..text.speakers import utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS: Final = 126
"""Tokens of a passage. With longer ones less is found: of questions with half a sentence behind
the 300th token, .778 have the right text among the first ten with passages of 126 tokens, .562 with
the first 256 tokens of each text."""

MAX_PASSAGES: Final = 2_048
"""Passages of a text; about 800 kB of English. Longer texts keep this many, evenly spaced."""

_MAX_SINGLE_SENTENCES: Final = 8  # in a longer text a passage has several sentences
_MIN_TOKENS: Final = 16
_OVERLAP_TOKENS: Final = 16
_MIN_WORDS: Final = 3

# Latin, Arabic, Urdu and Devanagari; then the marks that no blank follows, fullwidth ones.
# Possessive, and begun only where a run of marks begins: a megabyte of dots is read once.
_MARK: Final = "[.!?\u2026\u061f\u06d4\u0964]"
_END: Final = re.compile(
    rf"(?<!{_MARK}){_MARK}++[\"'\u00bb\u201d\u2019)\]]*+(?=\s)"
    r"|[\u3002\uff01\uff1f\uff61]++[\u300d\u300f\u201d\u2019\uff09]*+"
    r"|[\r\n\u2028\u2029]++"
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\"'])(?:[A-HJ-Z]|(?i:mrs?|ms|dr|prof|st|vs|cf|ca|fig|approx|bzw|e\.g|i\.e|z\.b|d\.h))"
    r"\.\Z"
)
_MAX_ABBREVIATION: Final = 8
# A character of a script without blanks counts as a word.
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]++"
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of a text that has more than one.

    Attributes:
        vectors: float32, (k, dim), unit length up to the float16 in which they are stored.
        spans: Begin and end of each, as indexes into the stored text.
    """

    vectors: NDArray[np.float32]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, or a part of one that is too long."""

    start: int
    end: int
    tokens: int


def may_have_several(text: str) -> bool:
    """Return whether `split` may find passages; decided without tokens, so True if in doubt."""
    start = _start(text)
    return len(text) - start > MAX_TOKENS or len(_sentences(text, start)) > 1


def split(text: str, token_spans: Sequence[Span]) -> list[Span]:
    """Split a text into passages; a text of one sentence has none.

    Up to eight sentences are a passage each. Of more, consecutive ones are put together to about an
    eighth of the text and at most 126 tokens, and a short last one begins the next passage too. A
    sentence of more than 126 tokens is cut, each part repeating 16 tokens of the one before. A
    fragment of one or two words goes with its neighbour, and a speaker's name in front is left out.

    Passages cover everything but blanks. A text with more than 2,048 keeps that many, evenly
    spaced; sentences between those are found by their words only.

    Args:
        text: As it is stored.
        token_spans: Begin and end of each token of the text, from `Encoder.token_spans`.

    Returns:
        Begin and end of each passage, as indexes into the text, ascending.
    """
    starts = [start for start, _ in token_spans]
    sentences = _sentences(text, _start(text))
    pieces = [piece for one in sentences for piece in _pieces(text, one, starts)]
    if len(sentences) > _MAX_SINGLE_SENTENCES:
        pieces = list(_grouped(pieces))
    if len(pieces) < 2:
        return []
    if len(pieces) > MAX_PASSAGES:
        last = len(pieces) - 1
        pieces = [pieces[at * last // (MAX_PASSAGES - 1)] for at in range(MAX_PASSAGES)]
    return [(piece.start, piece.end) for piece in pieces]


def token_counts(spans: Sequence[Span], token_spans: Sequence[Span]) -> list[int]:
    """Return the number of tokens that begin in each span."""
    starts = [start for start, _ in token_spans]
    return [bisect_left(starts, end) - bisect_left(starts, start) for start, end in spans]


def _start(text: str) -> int:
    return len(text) - len(utterance(text).words)


def _sentences(text: str, start: int) -> list[Span]:
    """Return trimmed sentences; a fragment joins the next one, or at the end the one before."""
    sentences: list[Span] = []
    fragment, words = start, 0
    for begin, end in _between_ends(text, start):
        fragment = fragment if words else begin
        words += max(1, _words(text, begin, end))
        if words >= _MIN_WORDS:
            sentences.append((fragment, end))
            words = 0
    if words:
        fragment = sentences.pop()[0] if sentences else fragment
        sentences.extend(_trimmed(text, fragment, len(text)))
    return sentences


def _between_ends(text: str, start: int) -> Iterator[Span]:
    for match in _END.finditer(text, start):
        before = text[max(start, match.end() - _MAX_ABBREVIATION) : match.end()]
        if _ABBREVIATION.search(before):
            continue
        yield from _trimmed(text, start, match.end())
        start = match.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _words(text: str, start: int, end: int) -> int:
    """Return the number of words, counted no further than a sentence needs."""
    return sum(1 for _ in islice(_WORD.finditer(text, start, end), _MIN_WORDS))


def _pieces(text: str, sentence: Span, starts: Sequence[int]) -> Iterator[_Piece]:
    """Yield the sentence, or its overlapping parts where it has too many tokens."""
    first, last = bisect_left(starts, sentence[0]), bisect_left(starts, sentence[1])
    if last - first <= MAX_TOKENS:
        yield _Piece(*sentence, last - first)
        return
    for at in range(first, last - _OVERLAP_TOKENS, MAX_TOKENS - _OVERLAP_TOKENS):
        until = min(at + MAX_TOKENS, last)
        end = sentence[1] if until == last else starts[until]
        begin = sentence[0] if at == first else starts[at]
        for span in _trimmed(text, begin, end):
            yield _Piece(*span, until - at)


def _grouped(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Yield groups of consecutive pieces; a short last one is repeated in the next group."""
    wanted = sum(piece.tokens for piece in pieces) // _MAX_SINGLE_SENTENCES
    wanted = min(max(wanted, _MIN_TOKENS), MAX_TOKENS)
    at = 0
    while at < len(pieces):
        until, tokens = at + 1, pieces[at].tokens
        while (
            until < len(pieces) and tokens < wanted and tokens + pieces[until].tokens <= MAX_TOKENS
        ):
            tokens += pieces[until].tokens
            until += 1
        yield _Piece(pieces[at].start, pieces[until - 1].end, tokens)
        repeats = until - at > 1 and pieces[until - 1].tokens * 4 <= tokens
        at = until - 1 if repeats and until < len(pieces) else until
