"""Redaction: secrets are taken out of a text before it becomes a memory.

The rules are ours and need no dependency: the maintained detectors scan files, bring machine
learning or a network client, and return findings instead of places. A secret is found by the shape
that its issuer gave it (`secret_patterns`); by its place: a URL, a header, a cookie, a command, a
key block, a manifest; by the name of a password before it (`assignments`); or because it looks
random and the text around it says that it is a key (`surroundings`).

`[redacted:<kind>]` replaces a secret; all other text stays as it was, byte for byte. Patterns are
compiled at the first call, not at import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .assignments import assigned_secrets
from .commands import command_secrets
from .cookies import cookie_values
from .credentials import header_tokens, login_pairs, url_logins, url_passwords
from .key_blocks import key_blocks
from .manifests import manifest_secrets
from .patterns import Span, touches_mark
from .private_blocks import private_blocks
from .secret_patterns import secrets_of_known_shape
from .seed_phrases import seed_phrases
from .surroundings import random_runs

# A secret that is glued to another is found once that one is gone. The bound keeps a text of glued
# secrets from taking quadratic time.
_PASSES: Final = 5

_BLOCKS: Final = (private_blocks, key_blocks)
_VALUES: Final = (
    secrets_of_known_shape,
    url_passwords,
    url_logins,
    login_pairs,
    command_secrets,
    header_tokens,
    cookie_values,
    manifest_secrets,
    seed_phrases,
    assigned_secrets,
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text without its secrets.

    Attributes:
        text: The text, each secret replaced with `[redacted:<kind>]`.
        counts: Replaced secrets by kind; empty if there were none.
    """

    text: str
    counts: dict[str, int]


def redact(text: str) -> Redacted:
    """Replace what looks like a secret, and everything between `<private>` and `</private>`.

    `<private>` is read in any case and may nest; left open, it reaches to the end of the text.
    Time is linear in the length of the text; no text makes it raise. Redacting the result again
    changes nothing, unless six secrets were glued to one another.
    """
    counts: Counter[str] = Counter()
    for _ in range(_PASSES):
        before = counts.total()
        for find in _BLOCKS:
            text = _replace(text, find(text), counts)
        for find in _VALUES:
            text = _replace(text, _new(text, find(text)), counts)
        if counts.total() == before:  # nothing has a better name for what is left
            text = _replace(text, _new(text, random_runs(text)), counts)
        if counts.total() == before:
            break
    return Redacted(text, dict(counts))


def _new(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    return (span for span in spans if not touches_mark(text, span))


def _replace(text: str, spans: Iterable[Span], counts: Counter[str]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, kind in spans:
        if start < done:
            continue
        pieces += (text[done:start], f"[redacted:{kind}]")
        done = end
        counts[kind] += 1
    return "".join([*pieces, text[done:]]) if pieces else text
