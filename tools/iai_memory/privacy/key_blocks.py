"""Private keys in PEM, PGP and PuTTY blocks, whole or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from .patterns import Span, compiled

_KEY_EDGE: Final = r"-{4,5} ?(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"

_KEY_BODY: Final = r"(?:[A-Za-z0-9+/=:,. \r\n-]|\\[nr]){40,20000}+"

_KEY_RUN: Final = r"[A-Za-z0-9+/]{24}"

_PUTTY: Final = r"Private-Lines: \d{1,4}((?:\s{1,2}[A-Za-z0-9+/=]{1,64}(?![^\s])){1,400})"


def key_blocks(text: str) -> Iterator[Span]:
    """Yield each private key with its edges; of a PuTTY file its private lines."""
    if "PRIVATE KEY" in text:
        edges = list(compiled(_KEY_EDGE).finditer(text))
        for edge, following in zip_longest(edges, edges[1:]):
            if edge[1] == "END":
                continue
            if following is not None and following[1] == "END":
                body_end, end = following.start(), following.end()
            else:  # cut off: what still looks like a key body goes
                limit = len(text) if following is None else following.start()
                body = compiled(_KEY_BODY).match(text, edge.end(), limit)
                body_end = end = body.end() if body else edge.end()
            if compiled(_KEY_RUN).search(text, edge.end(), body_end):
                yield edge.start(), end, "private_key"
    elif "Private-Lines: " in text:
        for match in compiled(_PUTTY).finditer(text):
            yield *match.span(1), "private_key"
