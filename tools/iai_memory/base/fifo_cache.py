"""A dict of at most so many entries."""

from __future__ import annotations

from itertools import islice
from typing import Any


def drop_earliest(held: dict[Any, Any], most: int) -> None:
    """Leaves the `most` keys that came last; a key that is set again keeps its place.

    All at once: to look for the first key anew after each deletion passes all that were deleted.
    """
    for key in list(islice(held, max(0, len(held) - most))):
        del held[key]
