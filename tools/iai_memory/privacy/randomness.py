"""Tests of values: is it a secret, which looks random, or a name, a path, code, a placeholder?"""

from __future__ import annotations

import base64
import math
import re
from itertools import pairwise
from operator import mul
from typing import Final

from .patterns import compiled

_VOWELS: Final = frozenset("aeiouyäöüéèáàíóúñçăâîşığãõ")

_PLACEHOLDERS: Final = (
    r"(?i)\[redacted|^\{\{|\{\{[^{}]*\}\}|^\$\{|\$\{[\w.:?/ -]*\}|\$\(|%\(|<|…|\.\.\."
    r"|\*\*\*|••|x{4}|^\$\w+$|^%\w+%$|^\{.*\}$|^&(?:lt|#)|your|change.?me|replace|placeholder|dummy|example"
    r"|insert.|process\.env|environ|getenv|secrets\.|vault_"
)

# Which letters follow which in words: the 220 most frequent of 676 pairs in the words of code and
# documentation (.89 of all pairs), and the pairs of some other languages. Of letters drawn by
# chance .4 of the pairs are among them.
_FOLLOWERS: Final = {
    "a": "bcdfgiklmnprstuvwyz",
    "b": "abeilorsuy",
    "c": "acehikloprstuy",
    "d": "adegiorsuy",
    "e": "abcdefgiklmnoprstuvwxyz",
    "f": "aefilortu",
    "g": "aeghilnorsuy",
    "h": "aeiorty",
    "i": "abcdefgklmnoprstvz",
    "j": "aeiou",
    "k": "aeilnorsuy",
    "l": "abdefgiklmostuvy",
    "m": "abeimnopsuy",
    "n": "acdefgiklnostuvyz",
    "o": "abcdfgiklmnoprstuvwxy",
    "p": "aehilmoprstuy",
    "q": "u",
    "r": "abcdefgiklmnoprstuvwy",
    "s": "acehiklmnopstuwy",
    "t": "aehiloprstuwyz",
    "u": "abcdefgilmnprstxz",
    "v": "aeiory",
    "w": "aehinors",
    "x": "aceipty",
    "y": "adeilmnopst",
    "z": "aeiouz",
}

_PAIRS: Final = frozenset(first + then for first, then_s in _FOLLOWERS.items() for then in then_s)

_ALGORITHM: Final = (
    r"(?i)(?:argon2|aes|base\d\d|bcrypt|ed25519|hmac|hs\d|md5|oauth|p-?256|pbkdf2|rs\d|rsa|scrypt"
    r"|sha\d?|utf|x509)"
)

_WORD: Final = r"(?:[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z]))"

_CODE: Final = (
    r"[*&]{0,2}[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*[(\[{].*"
    r"|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$]+\d{0,2})+|[A-Z][A-Z0-9]{0,11}(?:_[A-Z0-9]{1,11})+"
)

_DATE_OR_NUMBER: Final = r"\d{4}-\d\d-\d\d.*|[\d.,:+-]+[a-z%]{0,3}"

_PLACE: Final = r"(?:[A-Za-z][\w+.-]{0,20}://|[~.]{0,2}/)"

_TURN: Final = r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]"

# A regular expression, in which a group may be called `token`.
_PATTERN: Final = r"\(\?|\[\^|\][{*+?]|\\[swdb]"

_UUID: Final = r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"


def is_placeholder(value: str) -> bool:
    """Return whether the value stands for a secret: a template, "change me", asterisks."""
    return compiled(_PLACEHOLDERS).search(value) is not None


def is_uuid(value: str) -> bool:
    """Return whether the value is a UUID in its usual writing."""
    return compiled(_UUID).fullmatch(value) is not None


def is_code(value: str, *, quoted: bool) -> bool:
    """Return whether the value is an expression, a pattern, a path, a URL, a date or a number."""
    if compiled(_DATE_OR_NUMBER).fullmatch(value):
        return True
    if not quoted and compiled(_PATTERN).search(value):
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
    spoken = _spoken(value)
    if allow_mixed and (_is_name(value) or _is_numbered(value, spoken)):
        return True
    if spoken < 0.65 * sum(map(str.isalnum, value)):
        return False
    return allow_mixed or not (len(_classes(value)) == 4 or re.search(r"\d{3}", value) is not None)


def _spoken(value: str) -> int:
    """Return how many letters stand in words."""
    return sum(
        len(word)
        for word in compiled(_WORD).findall(value)
        if len(word) >= 3 and _is_speakable(word.lower())
    )


def _is_numbered(value: str, spoken: int) -> bool:
    """Return whether it is a word or two and a number after them."""
    return len(value.rstrip("0123456789")) <= spoken / 0.8


def _is_name(value: str) -> bool:
    """Return whether it is put together of words, numbers, syllables, and sums in base 16.

    `all-MiniLM-L6-v2`; a sum counts only beside a word, as in the key of a cache or a bucket.
    """
    if value.isalnum():
        return False
    pieces = [piece for piece in compiled(r"[-_./+~%]").split(value) if piece]
    if len(pieces) < 3:
        return False
    rest: list[str] = []
    has_word = False
    for piece in pieces:
        spoken = 0 if len(piece) <= 3 or piece.isdigit() else _spoken(piece)
        has_word |= len(piece) >= 4 and spoken == len(piece)
        if len(piece) > 3 and not piece.isdigit() and spoken < 0.5 * len(piece):
            rest.append(piece)
            if len(rest) > 1:
                return False
    return not rest or (has_word and len(rest[0]) >= 32 and is_hex(rest[0]))


def _is_speakable(word: str) -> bool:
    """Return whether the letters follow each other as in words."""
    if not word.isascii():
        return not _VOWELS.isdisjoint(word)
    pairs = map("".join, pairwise(word))
    known = sum(map(_PAIRS.__contains__, pairs))
    return known >= 0.75 * (len(word) - 1) and not _VOWELS.isdisjoint(word)


def _classes(value: str) -> set[str]:
    kinds: set[str] = set()
    if not value.isalnum():
        kinds.add("symbol")
    if value.lower() != value:
        kinds.add("upper")
    if value.upper() != value:
        kinds.add("lower")
    if compiled(r"\d").search(value) is not None:
        kinds.add("digit")
    return kinds


def is_password(value: str, *, min_length: int, literal: bool) -> bool:
    """Return whether it may be a password: letters and digits; no identifier unless `literal`.

    A literal one has a digit or four kinds of signs.
    """
    kinds = _classes(value)
    if len(value) < min_length or not kinds & {"lower", "upper"}:
        return False
    if "digit" not in kinds:
        return literal and len(set(compiled(r"[^\w\s./:-]").findall(value))) >= 4
    is_identifier = re.fullmatch(r"[A-Za-z_]+\d{0,2}", value) is not None
    return literal or not is_identifier


def is_random(value: str, *, min_length: int) -> bool:
    """Return whether the value looks random: mixed, long, of high entropy, not made of words."""
    if len(value) < min_length:
        return False
    kinds = _classes(value)
    if "digit" in kinds:
        mixed = bool(kinds & {"lower", "upper"})
    else:  # a name in camel case has fewer turns
        mixed = kinds >= {"lower", "upper"} and _turns(value) >= 0.35 * len(value)
    return (
        mixed
        and _entropy(value) >= (3.0 if len(value) >= 16 else 2.8)
        and not is_wordy(value, allow_mixed=True)
    )


def is_hex(value: str) -> bool:
    """Return whether the value is a number in base 16, as sums and commits are written."""
    return compiled(r"(?:0x)?[a-fA-F0-9]+").fullmatch(value) is not None


def is_drawn(value: str, *, min_length: int = 24) -> bool:
    """Return whether the value can hardly be anything but characters drawn by chance.

    Letters of both cases and digits in one run, which take turns about as often as chance has them
    (.64 of the places in base 62; a name in camel case has two for each word).
    """
    if len(value) < min_length or not _classes(value) >= {"lower", "upper", "digit"}:
        return False
    has_slash = "/" in value
    if compiled(r"[.%~]").search(value) or (has_slash and value.count("/") > 3):
        return False
    return (
        _turns(value) >= (0.45 if has_slash else 0.35) * len(value)
        and _entropy(value) >= min(4.0, 0.8 * math.log2(len(value)))
        and not is_wordy(value, allow_mixed=True)
    )


def is_drawn_low(value: str) -> bool:
    """Return the same of small letters and digits, at least 30, and of no number in base 16."""
    return (
        len(value) >= 30
        and compiled(r"[a-z0-9]+").fullmatch(value) is not None
        and len(compiled(r"[g-z]").findall(value)) >= 8
        and _turns(value) >= 0.25 * len(value)
        and _entropy(value) >= 3.8
        and not is_wordy(value, allow_mixed=True)
    )


def _turns(value: str) -> int:
    return len(compiled(_TURN).findall(value))


def is_encoded_text(value: str) -> bool:
    """Return whether the value is a piece of Base64 whose bytes are text, so not drawn by chance.

    Of random bytes three of eight can be printed; a piece may begin anywhere in its whole.
    """
    letters = value.rstrip("=").translate(str.maketrans("-_", "+/"))
    for start in range(4):
        piece = letters[start : start + (len(letters) - start) // 4 * 4]
        try:
            data = base64.b64decode(piece, validate=True)
        except ValueError:
            return False
        if sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in data) >= 0.9 * len(data):
            return True
    return False


def _entropy(value: str) -> float:
    """Return the Shannon entropy of the characters, in bits each."""
    counts = list(map(value.count, set(value)))
    weighted: float = sum(map(mul, counts, map(math.log2, counts)))
    return math.log2(len(value)) - weighted / len(value)
