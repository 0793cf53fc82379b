"""Taking secrets out of text before it becomes a memory.

Rules of our own, without a dependency: the kept detectors on the market scan files, carry machine
learning or a network client with them, and hand back findings instead of places. Three ways lead to
a finding: the shape that an issuer gave a secret, the place it stands in (a URL, a header, a key
block), and a word such as `password` beside a value that looks drawn rather than written.

What is taken is replaced with `[redacted:<kind>]`; all other text stays as it was, byte for byte.
Patterns are compiled at the first call, not at import.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Final

from .secret_patterns import SHAPES

_Span = tuple[int, int, str]

# A secret glued to another one is only seen when that one is gone. The bound keeps text that was
# made of nothing but glued secrets from taking quadratic time.
_PASSES: Final = 5


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text without its secrets.

    Attributes:
        text: The text, each secret replaced with `[redacted:<kind>]`.
        counts: How many of each kind were replaced; empty when nothing was.
    """

    text: str
    counts: dict[str, int]


def redact(text: str) -> Redacted:
    """Replaces what looks like a secret, and everything between `<private>` and `</private>`.

    `<private>` is read in any case and may nest; left open, it reaches to the end of the text.
    Takes time linear in the length of the text and never raises. Redacting the result finds
    nothing more, short of six secrets glued to one another.
    """
    counts: Counter[str] = Counter()
    for _ in range(_PASSES):
        before = counts.total()
        for find in (_private, _key_blocks):
            text = _replace(text, find(text), counts)
        for find in (_shaped, _url_passwords, _curl_users, _headers, _assigned):
            text = _replace(text, (s for s in find(text) if not _touches_mark(text, s)), counts)
        if counts.total() == before:
            break
    return Redacted(text, dict(counts))


def _replace(text: str, spans: Iterable[_Span], counts: Counter[str]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, kind in spans:
        if start < done:
            continue
        pieces += (text[done:start], f"[redacted:{kind}]")
        done = end
        counts[kind] += 1
    return "".join([*pieces, text[done:]]) if pieces else text


_MARK: Final = r"\[redacted:\w{1,40}\]"


def _touches_mark(text: str, span: _Span) -> bool:
    start, end, _ = span
    around = _compiled(_MARK).finditer(text, max(0, start - 64), end + 64)
    return any(mark.start() < end and mark.end() > start for mark in around)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# --- what the author marked ---------------------------------------------------------------------

_PRIVATE_TAG: Final = r"(?i)<(/?)private\s{0,20}>"


def _private(text: str) -> Iterator[_Span]:
    depth = start = 0
    for tag in _compiled(_PRIVATE_TAG).finditer(text):
        if not tag[1]:
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield start, tag.end(), "private"
    if depth:
        yield start, len(text), "private"


# --- key blocks ---------------------------------------------------------------------------------

_KEY_EDGE: Final = r"-{4,5} ?(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_KEY_BODY: Final = r"(?:[A-Za-z0-9+/=:,. \r\n-]|\\[nr]){40,20000}+"
_KEY_RUN: Final = r"[A-Za-z0-9+/]{24}"
_PUTTY: Final = r"Private-Lines: \d{1,4}((?:\s{1,2}[A-Za-z0-9+/=]{1,64}(?![^\s])){1,400})"


def _key_blocks(text: str) -> Iterator[_Span]:
    if "PRIVATE KEY" in text:
        edges = list(_compiled(_KEY_EDGE).finditer(text))
        for edge, following in zip_longest(edges, edges[1:]):
            if edge[1] == "END":
                continue
            if following is not None and following[1] == "END":
                body_end, end = following.start(), following.end()
            else:  # cut off: what still looks like a key body goes
                limit = len(text) if following is None else following.start()
                body = _compiled(_KEY_BODY).match(text, edge.end(), limit)
                body_end = end = body.end() if body else edge.end()
            if _compiled(_KEY_RUN).search(text, edge.end(), body_end):
                yield edge.start(), end, "private_key"
    elif "Private-Lines: " in text:
        for match in _compiled(_PUTTY).finditer(text):
            yield *match.span(1), "private_key"


# --- shapes -------------------------------------------------------------------------------------

_STAND_IN: Final = r"(?i)x{5}|\*{3}|\.{3}|example$|([^A])\1{9}"


def _shaped(text: str) -> Iterator[_Span]:
    found: list[_Span] = []
    for shape in SHAPES:
        if not any(needle in text for needle in shape.needles):
            continue
        for match in _compiled(shape.pattern).finditer(text):
            group = "secret" if "secret" in match.re.groupindex else 0
            if not _compiled(_STAND_IN).search(match[group]):
                found.append((*match.span(group), shape.kind))
    yield from sorted(found, key=lambda span: (span[0], -span[1]))


# --- URLs and headers ---------------------------------------------------------------------------

_URL_PASSWORD: Final = (
    r"://(?:\[redacted:\w{1,40}\]|[^\s:/@\"'<>`\[]{0,128}):"
    r"(?:(?P<secret>[^\s/?\"'<>`]{1,256})|(?P<bold>[^\s\"'<>`@]{1,256}))@(?=\[?\w)"
)
_DATABASE: Final = (
    r"(?i)(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql)(?:\+[a-z0-9]{1,12})?$"
)
_NO_PASSWORDS: Final = frozenset(
    {
        *("changeme", "example", "key", "pass", "passwd", "password", "pw", "pwd", "secret"),
        *("string", "test", "token", "user", "username"),
    }
)
_CURL_USER: Final = (
    r"(?<=\s)(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,64}:(?P<secret>[^\s:\"'$][^\s\"']{3,255})"
)
_HEADER: Final = (
    r"(?i)(?:authorization[\"'\]]{0,2}\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<scheme>bearer|basic|token|apikey|key|digest)|(?<![A-Za-z])bearer)"
    r"\s{1,3}(?P<secret>[A-Za-z0-9._~+/=:-]{12,4000})"
)


def _curl_users(text: str) -> Iterator[_Span]:
    if "curl" not in text:
        return
    for match in _compiled(_CURL_USER).finditer(text):
        value = match["secret"]
        if not (value.isdigit() or value.lower() in _NO_PASSWORDS or _is_stand_in(value)):
            yield *match.span("secret"), "password"


def _url_passwords(text: str) -> Iterator[_Span]:
    if "://" not in text:
        return
    for match in _compiled(_URL_PASSWORD).finditer(text):
        start = match.start()
        if match["secret"] is not None:
            group = "secret"
        elif _compiled(_DATABASE).search(text, max(0, start - 24), start):
            group = "bold"  # with a slash or a question mark in it; in a web address those end it
        else:
            continue
        value = match[group]
        if len(value) >= 4 and value.lower() not in _NO_PASSWORDS and not _is_stand_in(value):
            yield *match.span(group), "url_password"


def _headers(text: str) -> Iterator[_Span]:
    lower = text.lower()
    if "bearer" not in lower and "authorization" not in lower:
        return
    for match in _compiled(_HEADER).finditer(text):
        value = match["secret"]
        basic = (match["scheme"] or "").lower() == "basic"
        if not _is_stand_in(value) and _is_drawn(value, least=12 if basic else 16):
            kind = "basic_auth" if basic else "bearer_token"
            yield *match.span("secret"), kind


# --- values beside a word -----------------------------------------------------------------------

_NAMES: Final = {
    "password": r"pass(?:word|wd|phrase|wort)|kennwort|pwd|contrase[nñ]a|mot de passe|пароль|密码"
    r"|identified by",
    "aws_secret_key": r"secret[_-]?access[_-]?key",
    "private_key": r"private[_-]?key|pre[_-]?shared[_-]?key",
    "api_key": r"(?:api|access|account|auth|encryption|licen[cs]e|master|shared|signing)[ _-]?key",
    "secret": r"secret(?:[_-]?key(?:[_-]?base)?)?",
    "token": r"token",
}
_NAME: Final = "(?i)" + "|".join(f"(?P<{kind}>{names})" for kind, names in _NAMES.items())
_NAME_HINTS: Final = ("pass", "kenn", "pwd", "contrase", "пароль", "密码", "identified")
_KEY_HINTS: Final = ("key", "secret", "token")
_NOT_OURS: Final = (
    r"(?i)(?:next|page|continuation|cursor|sync|idempotency|public(?:[ _-]?key)?)[ _-]?$"
)

# From the end of the name to its value: `_PROD": "`, ` = '`, ` for the NAS is `, `>`, ` `.
_TO_VALUE: Final = (
    r"(?i)(?:[_-]?(?:value|prod(?:uction)?|stag(?:e|ing)|dev|test|live|new|old|v?\d{1,2}))?"
    r"(?P<close>\\?[\"'`]?\]?)"
    r"(?:(?P<sign>\s{0,4}(?:=>|:=|={1,2}|:|>)\s{0,4})"
    r"|(?P<prose>(?:\s(?:for|of|on|at|to)(?:\s[^\s:=\"'`]{1,40}){1,4}?)?"
    r"\s{0,3}(?::|=|\s(?:is|was|to)(?:\s(?:now|still|just|currently|set|to)){0,2}:?)\s{1,3})"
    r"|(?P<space>\s{1,3}))"
    r"(?:\\?(?P<quote>[\"'`])(?P<quoted>[^\s\"'`]{6,512}?)\\?(?P=quote)"
    r"|(?P<bare>(?:(?![,;](?:\s|$|\w{1,40}=)|&\w{1,40}=|\\[nrt\"'])[^\s\"'`<>]){6,512}+))"
)


def _assigned(text: str) -> Iterator[_Span]:
    lower = text.lower()
    if not any(hint in lower for hint in (*_NAME_HINTS, *_KEY_HINTS)):
        return
    names = list(_compiled(_NAME).finditer(text))
    for number, name in enumerate(names):
        if _touches_mark(text, (*name.span(), "")):
            continue
        # A value may hold such words itself, but not endlessly: that would cost quadratic time.
        ninth = names[number + 8].start() if number + 8 < len(names) else len(text)
        rest = _compiled(_TO_VALUE).match(text, name.end(), ninth)
        if rest is None or _compiled(_NOT_OURS).search(
            text, max(0, name.start() - 14), name.start()
        ):
            continue
        group = "quoted" if rest["quoted"] is not None else "bare"
        start, end = rest.span(group)
        while group == "bare" and text[end - 1] in ".,;:)]}":
            end -= 1
        kind = str(name.lastgroup)
        if end - start >= 6 and _is_secret(text[start:end], kind, rest, name[0]):
            yield start, end, kind


def _is_secret(value: str, kind: str, rest: re.Match[str], name: str) -> bool:
    quoted = rest["quoted"] is not None
    if _is_stand_in(value) or _is_code(value, quoted=quoted):
        return False
    # `NAME=value` as in a shell or an .env file; there a value needs no quotes.
    literal = quoted or (rest["sign"] == "=" and name.isupper())
    if kind == "password":
        if rest["sign"] is not None:
            return _is_password(value, least=6 if literal else 8, literal=literal)
        return _is_password(value, least=8, literal=False) and not _is_wordy(value, strict=False)
    if rest["space"] is not None and not quoted:
        return False
    if _is_uuid(value):
        return kind != "token" or quoted
    return _is_drawn(value, least=10 if literal else 16)


# --- judging a value ----------------------------------------------------------------------------

_VOWELS: Final = frozenset("aeiouäöü")
_STAND_INS: Final = (
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


def _is_stand_in(value: str) -> bool:
    return _compiled(_STAND_INS).search(value) is not None


def _is_uuid(value: str) -> bool:
    return _compiled(_UUID).fullmatch(value) is not None


def _is_code(value: str, *, quoted: bool) -> bool:
    """An expression, a path, a URL, a date or a number: something that names or computes."""
    if _compiled(_DATE_OR_NUMBER).fullmatch(value):
        return True
    if _compiled(_PLACE).match(value) and _is_wordy(value, strict=True):
        return True
    return not quoted and _compiled(_CODE).fullmatch(value) is not None


def _is_wordy(value: str, *, strict: bool) -> bool:
    """Made of words and small numbers, as people write names; strict wants nothing else."""
    if _compiled(_ALGORITHM).match(value):
        return True
    words = [word for word in _compiled(_WORD).findall(value) if len(word) >= 3]
    spoken = sum(len(word) for word in words if not _VOWELS.isdisjoint(word.lower()))
    if spoken < 0.65 * sum(map(str.isalnum, value)):
        return False
    return strict or not (len(_classes(value)) == 4 or re.search(r"\d{3}", value) is not None)


def _classes(value: str) -> set[str]:
    tests: dict[str, Callable[[str], bool]] = {
        "lower": str.islower,
        "upper": str.isupper,
        "digit": str.isdigit,
        "symbol": lambda char: not char.isalnum(),
    }
    return {name for name, test in tests.items() if any(map(test, value))}


def _is_password(value: str, *, least: int, literal: bool) -> bool:
    kinds = _classes(value)
    if len(value) < least or "digit" not in kinds or not kinds & {"lower", "upper"}:
        return False
    is_identifier = re.fullmatch(r"[A-Za-z_]+\d{0,2}", value) is not None
    return literal or not is_identifier


def _is_drawn(value: str, *, least: int) -> bool:
    """Looks drawn at random: mixed, long, of high entropy, and not made of words."""
    kinds = _classes(value)
    mixed = ("digit" in kinds and bool(kinds & {"lower", "upper"})) or kinds >= {"lower", "upper"}
    return (
        len(value) >= least
        and mixed
        and _entropy(value) >= (3.0 if len(value) >= 16 else 2.8)
        and not _is_wordy(value, strict=True)
    )


def _entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits each."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())
