"""Who says a text, where the text itself says so: "Ann: we ship on Friday"."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

MOST: Final = 0.5

# One to three capitalised names before a colon and a blank, at the very start.
_SPEAKER: Final = re.compile(r"\s*((?:[^\W\d_a-zß-ÿ][\w.'\u2019-]{0,30}\s?){1,3}):[ \t]+(?=\S)")


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


def is_conversation(texts: Collection[str]) -> bool:
    """Whether most of the texts begin with a name: then who says it carries meaning."""
    spoken = sum(utterance(text).speaker is not None for text in texts)
    return spoken > len(texts) * MOST


def named(query: str, speakers: Collection[str]) -> str | None:
    """The one speaker whom the query names; None for nobody and for more than one."""
    found = [name for name in speakers if re.search(_word(name), query)]
    return found[0] if len(found) == 1 else None


def in_first_person(query: str, speaker: str) -> str:
    """The query as the speaker would have said it: people say "I", not their own name."""
    possessive = re.sub(rf"{_word(speaker)}['\u2019]s\b", "my", query)
    return re.sub(_word(speaker), "I", possessive)


def _word(name: str) -> str:
    return rf"(?<!\w){re.escape(name)}(?!\w)"
