"""Whether a question is in another language than the memories that were searched for it."""

from __future__ import annotations

from typing import Final

from ..embedding.encoder import Encoder
from ..store.reader import TableReader
from ..text.languages import spoken
from .candidates import CandidateSet
from .legibility import HALF_READ
from .query import Query

_LOOKED_AT: Final = 12
_MIN_SHARE: Final = 2 / 3


def in_another_language(
    query: Query, found: CandidateSet, reader: TableReader, encoder: Encoder | None
) -> bool:
    """Return whether two of three texts are in other languages than the question.

    The best candidates are looked at; without any, the newest memories. A text with too few cues to
    tell its language counts as the question's, unless the model can hardly read it and reads the
    question. A model that was made for several languages finds across them, so that there is
    nothing to say.

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
    reads_question = found.legible_question >= HALF_READ
    foreign = [
        language != asked
        if (language := spoken(one.text)) is not None
        else reads_question and found.legible.get(one.id, 1.0) < HALF_READ
        for one in records
    ]
    return bool(foreign) and sum(foreign) >= _MIN_SHARE * len(foreign)
