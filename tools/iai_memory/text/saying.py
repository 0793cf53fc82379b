"""What a text says, as its words: two texts that have the same words say the same."""

from __future__ import annotations

import re
from typing import Final

_IGNORED_WORDS: Final = frozenset({"please", "the"})
_OPENING: Final = "\"'`\u2018\u201c\u201e\u00ab\u2039"
_CLOSING: Final = "\"'`\u2019\u201d\u201c\u00bb\u203a.,!"
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"
_SPACES: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
# Every byte of what `normalised_text` may leave out.
_LEFT_OUT: Final = "".join((_OPENING, _CLOSING, _SPACES, *_IGNORED_WORDS)).encode()
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def normalised_text(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, in order; two texts say the same if these are equal.

    Left out are "the" and "please", quotes around a chunk, a comma or full stop after one, the
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


def sketch(text: str) -> bytes:
    """Return bytes that are equal for texts that say the same, and for few others.

    What is left of the text when all is gone that `normalised_text` may leave out or change: cheap
    enough to look at every text of a store, at a fortieth of the tokens' cost.
    """
    return text.casefold().encode("utf-8", "surrogatepass").translate(None, _LEFT_OUT)


def _token(chunk: str, *, begins: bool) -> str:
    bare = chunk.lstrip(_OPENING).rstrip(_CLOSING) or chunk
    if not _PLAIN_WORD.fullmatch(bare):
        # After anything but a word only a full stop or a comma is punctuation: "5!" is a number.
        return chunk.lstrip(_QUOTES).rstrip(_QUOTES + ".,") or chunk
    titled = bare[:1].isupper() and (bare[1:].islower() or len(bare) == 1)
    return bare.casefold() if begins and titled else bare
