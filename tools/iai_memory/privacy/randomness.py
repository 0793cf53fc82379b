"""Tests of values: is it a secret, which looks random, or a name, a path, code, a placeholder?"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from .patterns import compiled

_VOWELS: Final = frozenset("aeiouäöü")

_PLACEHOLDERS: Final = (
    r"(?i)\[redacted|\{\{|\$\{|\$\(|%\(|<|…|\.\.\.|\*\*\*|••|x{4}|^\$\w+$|^%\w+%$|^\{.*\}$|^&(?:lt|#)|your|change.?me"
    r"|replace|placeholder|dummy|example|insert.|process\.env|environ|getenv|secrets\.|vault_"
)

_ALGORITHM: Final = (
    r"(?i)(?:argon2|aes|base\d\d|bcrypt|ed25519|hmac|hs\d|md5|oauth|p-?256|pbkdf2|rs\d|rsa|scrypt"
    r"|sha\d?|utf|x509)"
)

_WORD: Final = r"(?:[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z]))"

_CODE: Final = (
    r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*[(\[{].*|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$]+\d{0,2})+"
)

_DATE_OR_NUMBER: Final = r"\d{4}-\d\d-\d\d.*|[\d.,:+-]+[a-z%]{0,3}"

_PLACE: Final = r"(?:[A-Za-z][\w+.-]{0,20}://|[~.]{0,2}/)"

_UUID: Final = r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"


def is_placeholder(value: str) -> bool:
    """Return whether the value stands for a secret: a template, "change me", asterisks."""
    return compiled(_PLACEHOLDERS).search(value) is not None


def is_uuid(value: str) -> bool:
    """Return whether the value is a UUID in its usual writing."""
    return compiled(_UUID).fullmatch(value) is not None


def is_code(value: str, *, quoted: bool) -> bool:
    """Return whether the value is an expression, a path, a URL, a date or a number."""
    if compiled(_DATE_OR_NUMBER).fullmatch(value):
        return True
    if compiled(_PLACE).match(value) and is_wordy(value, allow_mixed=True):
        return True
    return not quoted and compiled(_CODE).fullmatch(value) is not None


def is_wordy(value: str, *, allow_mixed: bool) -> bool:
    """Return whether the value is made of words, beside which only small numbers may stand.

    `allow_mixed` also allows four kinds of characters and three digits in a row.
    """
    if compiled(_ALGORITHM).match(value):
        return True
    words = [word for word in compiled(_WORD).findall(value) if len(word) >= 3]
    spoken = sum(len(word) for word in words if not _VOWELS.isdisjoint(word.lower()))
    if spoken < 0.65 * sum(map(str.isalnum, value)):
        return False
    return allow_mixed or not (len(_classes(value)) == 4 or re.search(r"\d{3}", value) is not None)


def _classes(value: str) -> set[str]:
    tests: dict[str, Callable[[str], bool]] = {
        "lower": str.islower,
        "upper": str.isupper,
        "digit": str.isdigit,
        "symbol": lambda char: not char.isalnum(),
    }
    return {name for name, test in tests.items() if any(map(test, value))}


def is_password(value: str, *, min_length: int, literal: bool) -> bool:
    """Return whether it may be a password: letters and digits; no identifier unless `literal`."""
    kinds = _classes(value)
    if len(value) < min_length or "digit" not in kinds or not kinds & {"lower", "upper"}:
        return False
    is_identifier = re.fullmatch(r"[A-Za-z_]+\d{0,2}", value) is not None
    return literal or not is_identifier


def is_random(value: str, *, min_length: int) -> bool:
    """Return whether the value looks random: mixed, long, of high entropy, not made of words."""
    kinds = _classes(value)
    mixed = ("digit" in kinds and bool(kinds & {"lower", "upper"})) or kinds >= {"lower", "upper"}
    return (
        len(value) >= min_length
        and mixed
        and _entropy(value) >= (3.0 if len(value) >= 16 else 2.8)
        and not is_wordy(value, allow_mixed=True)
    )


def _entropy(value: str) -> float:
    """Return the Shannon entropy of the characters, in bits each."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())
