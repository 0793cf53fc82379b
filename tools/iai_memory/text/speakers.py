"""Who says a text, where the text itself says so: "Ann: we ship on Friday"."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_NAMED_SHARE: Final = 0.5

# One to three capitalised names before a colon and a blank, at the very start.
_SPEAKER: Final = re.compile(r"\s*((?:[^\W\d_a-zß-ÿ][\w.'\u2019-]{0,30}\s?){1,3}):[ \t]+(?=\S)")

_OWNS: Final = re.compile(r"['\u2019]s\b")


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text taken apart.

    Attributes:
        speaker: Who says it; None where the text names nobody.
        words: What is said, without the name.
    """

    speaker: str | None
    words: str


def utterance(text: str) -> Utterance:
    """Takes a name and a colon off the front of a text; anything else stays whole."""
    match = _SPEAKER.match(text)
    if match is None:
        return Utterance(None, text)
    return Utterance(match.group(1).strip(), text[match.end() :])


def is_conversation(speakers: Collection[str | None]) -> bool:
    """Whether most texts, of each of which this is the speaker, begin with a name."""
    named = sum(speaker is not None for speaker in speakers)
    return named > len(speakers) * _NAMED_SHARE


def subject(query: str, speakers: Collection[str]) -> str | None:
    """The one speaker whom the query is about; None for nobody, and for several together.

    Of several the first who does not merely own something: "what does Ann think of Bob's plan?" is
    about Ann, and "what do Ann and Bob share?" about both.
    """
    found = sorted(
        (match.start(), match.end(), name)
        for name in speakers
        for match in re.finditer(_word(name), query)
    )
    names = list(dict.fromkeys(name for _, _, name in found))
    if len(names) < 2:
        return names[0] if names else None
    anybody = "|".join(map(_word, names))
    if re.search(rf"(?:{anybody}),? (?:and|or|&) (?:{anybody})", query):
        return None
    acting = [name for _, end, name in found if not _OWNS.match(query, end)]
    return acting[0] if acting else None


def in_first_person(query: str, speaker: str) -> str:
    """The query as the speaker would have said it: people say "I", not their own name."""
    possessive = re.sub(_word(speaker) + _OWNS.pattern, "my", query)
    return re.sub(_word(speaker), "I", possessive)


def _word(name: str) -> str:
    return rf"(?<!\w){re.escape(name)}(?!\w)"
