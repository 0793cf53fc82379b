"""Terms of identifiers, paths, addresses, versions and codes: the whole and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import regex

from .languages import Languages
from .stemming import MAX_TERM, bounded_term, without_accents, word_terms

_SCHEME: Final = regex.compile(r"^[a-z][a-z0-9+.-]*://(?:www\.)?")
_BETWEEN_SEGMENTS: Final = regex.compile(r"[/\\:@&=%+~#?'\u2019]+")
_BETWEEN_PIECES: Final = regex.compile(r"[-._]+")
_VERSION: Final = regex.compile(r"\p{N}+(?:\.\p{N}+)+")
_INITIALS: Final = regex.compile(r"\p{L}(?:\.\p{L})+")
_HEXADECIMAL: Final = regex.compile(r"(?=.*[0-9])[0-9a-f]{8,}|0x[0-9a-f]+")
_HUMP: Final = regex.compile(
    r"\p{Lu}{2,}s(?!\p{Ll})|\p{Lu}+(?!\p{Ll})|\p{Lu}?[^\p{Lu}\p{N}]+|\p{Lu}|\p{N}+"
)
_SHORT_HASH: Final = 7  # digits, as git abbreviates
_MAX_VERSION_NUMBERS: Final = 8


def identifier_terms(chunk: str, languages: Languages) -> tuple[str, ...]:
    """Return the terms of a chunk without white space that is no plain word."""
    chunk = chunk.replace(",", "")
    names = [name.strip("_.-") for name in _BETWEEN_SEGMENTS.split(chunk)]
    names = [name for name in names if name]
    terms: list[str] = []
    if len(names) > 1 or chunk.endswith(("+", "#")):
        terms.append(bounded_term(_SCHEME.sub("", without_accents(chunk.casefold()))))
    for name in names:
        terms += _name(name, languages)
    return tuple(term for term in dict.fromkeys(terms) if term)


def _name(name: str, languages: Languages) -> Iterator[str]:
    """Yield the terms of one name of a path or address: the whole, its versions, its parts.

    `snake_case`, `kebab-case` and `CamelCase` have the same whole, their letters.
    """
    if _INITIALS.fullmatch(name):
        yield bounded_term(without_accents(name.casefold().replace(".", "")))
        return
    parts = [part for part in _BETWEEN_PIECES.split(_VERSION.sub(".", name)) if part]
    if parts != [name]:
        spelled = any(character.isalpha() for character in name)
        whole = name.replace("-", "").replace("_", "") if spelled else name
        yield from word_terms(whole, languages)
    for version in _VERSION.findall(name):
        yield from _releases(version)
    for part in parts:
        # Without its version, `v2.13` is only a v, which nobody searches for.
        if part == name or len(parts) > 1 or len(part) > 1:
            yield from _part(part, languages)


def _releases(version: str) -> Iterator[str]:
    """Yield 2.13.1 and 2.13 for 2.13.1; with more numbers than a version has, only the whole."""
    numbers = version.split(".")
    shortest = 2 if len(numbers) <= _MAX_VERSION_NUMBERS else len(numbers)
    for end in range(len(numbers), shortest - 1, -1):
        yield bounded_term(without_accents(".".join(numbers[:end])))


def _part(part: str, languages: Languages) -> Iterator[str]:
    """Yield the terms of a name without separators: the whole, its CamelCase words, its numbers."""
    lowered = part.casefold()
    if _HEXADECIMAL.fullmatch(lowered):
        yield bounded_term(lowered)
        yield bounded_term(lowered[2:]) if lowered.startswith("0x") else lowered[:_SHORT_HASH]
        return
    # A part longer than any name is data, and has no CamelCase words.
    humps = _HUMP.findall(part) if len(part) <= MAX_TERM else [part]
    if len(humps) > 1:
        yield from word_terms(part, languages)
    for hump in humps:
        if len(humps) == 1 or len(hump) > 1 or hump.isnumeric():
            yield from word_terms(hump, languages)
