"""What a text says, as its words: two texts that have the same words say the same."""

from __future__ import annotations

import re
from typing import Final

_IGNORED_WORDS: Final = frozenset({"please", "the"})
_OPENING: Final = "\"'`\u2018\u201c\u201e\u00ab\u2039"
_CLOSING: Final = "\"'`\u2019\u201d\u201c\u00bb\u203a.,!"
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def normalised_text(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, in order; two texts say the same if these are equal.

    Left out are "the" and "please", quotes around a word, a comma or full stop after one, the
    case of a plain word where a sentence begins, and blanks. Everything else counts: numbers,
    negations, identifiers and their case, word order, a question mark, line breaks and the
    indentation after them. A bag of words would not do: that of "Ann reports to Bob" is that of
    "Bob reports to Ann".
    """
    tokens: list[str] = []
    for number, line in enumerate(text.strip().splitlines()):
        if number:
            tokens.append("\n" + line[: len(line) - len(line.lstrip())])
        begins = True
        for chunk in line.split():
            token = _token(chunk, begins=begins)
            begins = chunk[-1] in ".!?:"
            if token not in _IGNORED_WORDS:
                tokens.append(token)
    return tuple(tokens)


def _token(chunk: str, *, begins: bool) -> str:
    bare = chunk.lstrip(_OPENING).rstrip(_CLOSING) or chunk
    if not _PLAIN_WORD.fullmatch(bare):
        # After anything but a word only a full stop or a comma is punctuation: "5!" is a number.
        return chunk.rstrip(".,") or chunk
    titled = bare[:1].isupper() and (bare[1:].islower() or len(bare) == 1)
    return bare.casefold() if begins and titled else bare
