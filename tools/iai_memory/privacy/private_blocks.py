"""Blocks that the author marked with `<private>` and `</private>`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled

_PRIVATE_TAG: Final = r"(?i)<(/?)private\s{0,20}>"


def private_blocks(text: str) -> Iterator[Span]:
    """Yield each block; one that is left open reaches to the end of the text."""
    depth = start = 0
    for tag in compiled(_PRIVATE_TAG).finditer(text):
        if not tag[1]:
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield start, tag.end(), "private"
    if depth:
        yield start, len(text), "private"
