"""The speaker of a text that begins with a name: "Ann: we ship on Friday"."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_NAMED_SHARE: Final = 0.5

# One to three capitalised names before a colon and a blank, at the very start.
_SPEAKER: Final = re.compile(r"\s*((?:[^\W\d_a-zß-ÿ][\w.'\u2019-]{0,30}\s?){1,3}):[ \t]+(?=\S)")

_POSSESSIVE: Final = re.compile(r"['\u2019]s\b")


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text, split into speaker and words.

    Attributes:
        speaker: The name in front; None where there is none.
        words: The text without that name.
    """

    speaker: str | None
    words: str


def utterance(text: str) -> Utterance:
    """Split a name and a colon off the front of a text; any other text stays whole."""
    match = _SPEAKER.match(text)
    if match is None:
        return Utterance(None, text)
    return Utterance(match.group(1).strip(), text[match.end() :])


def is_conversation(speakers: Collection[str | None]) -> bool:
    """Return whether more than half of some texts name a speaker; `speakers` is one a text."""
    named = sum(speaker is not None for speaker in speakers)
    return named > len(speakers) * _NAMED_SHARE


def subject(query: str, speakers: Collection[str]) -> str | None:
    """Return the one speaker whom the query is about; None for nobody, or for several together.

    Of several names it is the first that is no mere owner: "what does Ann think of Bob's plan?" is
    about Ann. "What do Ann and Bob share?" is about both.
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
    others = [name for _, end, name in found if not _POSSESSIVE.match(query, end)]
    return others[0] if others else None


def in_first_person(query: str, speaker: str) -> str:
    """Return the query in the speaker's own words, with "I" and "my" in place of the name."""
    possessive = re.sub(_word(speaker) + _POSSESSIVE.pattern, "my", query)
    return re.sub(_word(speaker), "I", possessive)


def _word(name: str) -> str:
    return rf"(?<!\w){re.escape(name)}(?!\w)"
