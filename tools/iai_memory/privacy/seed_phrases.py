"""Seed phrases of wallets: the words that follow their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled, touches_mark

_NEEDLES: Final = ("phrase", "mnemonic", "seed", "bip39", "bip-39")

_NAME: Final = (
    r"(?i)(?:(?:seed|recovery|backup|secret|wallet)[ _-]?(?:phrase|words)|mnemonic(?:[ _-]?phrase)?"
    r"|bip-?39(?:[ _-]?\w{1,12})?|wallet[ _-]?seed)"
)

# As many words as BIP 39 and its neighbours have (12 to 25), each of three to eight letters, in
# one list: between them stand a space, a comma or a number, but no other word.
_WORDS: Final = (
    r"[\"'`\])]{0,3}(?:[^\n\"'`]{0,40}?(?:[:=]|\s(?i:is|was))\s{0,4}|\s{1,3})[\"'`\[(]{0,3}"
    r"(?P<words>(?:(?:\d{1,2}[.)]\s?)?[\"']?[a-z]{3,8}[\"']?(?:,\s?|\s{1,2})){11,24}"
    r"(?:\d{1,2}[.)]\s?)?[\"']?[a-z]{3,8})(?![a-z])"
)

# None of these is among the words that phrases are made of, but most sentences have one.
_SENTENCE: Final = (
    r"\b(?:the|and|for|are|was|were|not|but|has|had|his|her|its|our|with|from|they|them|been|which"
    r"|would|could|should|into|than|then|also|must|does|did|will|how|why|where|your)\b"
)


def seed_phrases(text: str) -> Iterator[Span]:
    """Yield the words of each phrase, from the first to the last."""
    lower = text.lower()
    if not any(needle in lower for needle in _NEEDLES):
        return
    for name in compiled(_NAME).finditer(text):
        if touches_mark(text, (*name.span(), "")):
            continue
        match = compiled(_WORDS).match(text, name.end(), name.end() + 400)
        if match is not None and not compiled(_SENTENCE).search(match["words"]):
            yield *match.span("words"), "seed_phrase"
