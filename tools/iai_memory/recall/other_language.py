"""Whether a question is in another language than the memories that were searched for it."""

from __future__ import annotations

from typing import Final

from ..embedding.encoder import Encoder
from ..store.reader import TableReader
from ..text.languages import spoken
from .candidates import CandidateSet
from .query import Query

_LOOKED_AT: Final = 12
_MIN_SHARE: Final = 2 / 3


def in_another_language(
    query: Query, found: CandidateSet, reader: TableReader, encoder: Encoder | None
) -> bool:
    """Return whether two of three texts are in other languages than the question.

    The best candidates are looked at; without any, the newest memories. Texts and questions with
    too few cues count for none. A model that was made for several languages finds across them, so
    that there is nothing to say.

    Raises:
        StoreFault: The store could not be read.
    """
    if encoder is not None and len(encoder.identity.reads) > 1:
        return False
    asked = spoken(query.text)
    if asked is None:
        return False
    records = [one.record for one in found.candidates[:_LOOKED_AT]]
    records = records or reader.newest(query.where, _LOOKED_AT)
    said = [language for one in records if (language := spoken(one.text)) is not None]
    if not said:
        return False
    return sum(language != asked for language in said) >= _MIN_SHARE * len(said)
