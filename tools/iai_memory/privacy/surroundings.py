"""Secrets without a shape of their own: runs that look random, judged by the text around them.

A run of key characters is first asked whether it looks drawn by chance. Only then the text before
it is read: a word such as `key` that is bound to the run (`fooKey = "…"`, `--token …`, `?key=…`),
that speaks of it ("the key we use there is …"), or that only stands near. The looser the bond, the
more random the run must be. A run without any such word goes if it could hardly be anything but a
key and stands alone among words; among others of its kind it is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from .patterns import Span, compiled
from .randomness import (
    is_code,
    is_drawn,
    is_drawn_low,
    is_encoded_text,
    is_hex,
    is_placeholder,
    is_random,
    is_uuid,
)
from .services import services

# Consumed from its first character to its last, so that each is looked at once.
_RUN: Final = r"[A-Za-z0-9_+/.~%-]{10,}+={0,2}"

_QUOTES: Final = ('"', "'", "`")

_LONGEST: Final = 2_000
_LOOK_BACK: Final = 96
_NEAR: Final = 48

# Words of other languages for key, and for what is to be kept to oneself.
_WORDS: Final = {
    "token": r"tokens?|(?<![A-Za-z])pat|jeton|токен\w{0,2}|令牌|トークン|토큰|bearer",
    "secret": r"secrets?|geheimnis|secreto|segredo|segreto|секрет\w{0,2}|密钥|密鑰|秘密",
    "credential": r"credentials?|creds?|zugangsdaten|credenciales|identifiants",
    "password": r"pass(?:word|wd|phrase|code|wort)?|pwd|passwd|kennwort",
    "key": r"(?:api|app)?keys?(?:id)?|schlüssel|clave|clé|chave|chiave|ключ\w{0,2}|klucz|klíč"
    r"|anahtar\w{0,3}|sleutel|nyckeln?|nøgle|nøkkel|avain|cheia|密钥|キー|鍵|키",
    "auth": r"auth(?:orization)?|oauth",
}

_WORD: Final = (
    "(?:"
    + "|".join(f"(?P<{kind}>(?i:{words}))" for kind, words in _WORDS.items())
    + r")(?![a-zäöüß]|(?<=[A-Z])[A-Z]{2})"
)

# What a word before or in the middle makes of it: no secret, but a name, a sum, a place.
_NO_SECRET_BEFORE: Final = (
    r"(?i)(?:public|primary|foreign|cache|sort|partition|lookup|routing|object|idempotency"
    r"|dedup\w{0,10}|continuation|cursor|translation|cancel\w{0,6}|resume"
    r"|(?<![a-z])(?:row|hash|dict|index|next|page|sync|mon|tur|don|hot|short|group|i18n|react|map"
    r"|registry|storage|s3|bucket|json|song|host|known|authorized|pub|trusted|change|watch|by|export-secret))"
    r"[ _.-]{0,2}$"
)

_NO_SECRET_BETWEEN: Final = (
    r"(?i)(?<![a-z])(?:commit|sha(?:\d{1,3})?|hash(?:es)?|checksum|digest|fingerprint|thumbprint"
    r"|integrity|etag|md5|rev(?:ision)?|since|version|uuid|guid|ssh-(?:rsa|ed25519|dss)|public"
    r"|certificate|cert|image|base64|file(?:name)?|path|url|uri|class|module|import|href|src"
    r"|span|trace|request|build|branch|merge)(?![a-z])"
)

_BOUND: Final = (
    r"(?:[ _-]?(?:value|prod(?:uction)?|stag(?:e|ing)|dev|test|live|new|old|hex|b(?:ase)?64"
    r"|str(?:ing)?|header|v?\d{1,2}))?"
    r"[\"'`\])}>]{0,3}"
    r"(?:\s?:\s?[&*]?(?:'static )?[\w.<>\[\]?]{2,24}(?=\s?=))?"
    r"(?P<sign>\s{0,4}(?:=>|->|:=|\+=|={1,3}|:{1,3}|：|>|,|\(|\|\||%3D|[-–—|](?=\s))\s{0,4}"
    r"|[\"']\s{1,3}value=|\s{1,3}|(?=[\"'`]))"
    r"(?:[rbuf@$L&]?\\?[\"'`(\[{<]){0,3}"
    r"(?:(?i:bearer|basic|token|digest|apikey)\s{1,3})?(?:(?<=```)[a-z]{0,10}\s)?"
)

_SPOKEN: Final = (
    r"(?s).*(?:(?<![\w])(?i:is|was|are|to|now|use|be|being|equals|ist|lautet|heißt|es|est|é|è|jest"
    r"|är|er|on|это)|[:=：→?]|->|(?i:below|following)|是|は|：|는|은)"
    r"(?:\s(?i:now|still|just|this|set to|currently))?"
    r":?\s{0,3}[\"'`(\[*]{0,3}(?:(?<=```)[a-z]{0,10}\s)?"
)

# "… is the API key", "… (token)".
_SAID_AFTER: Final = (
    r"[\"'`]?(?:\s(?i:is|was|ist|es|est|is still)\s(?:[^\W\d_]{1,12}['’]?s?\s){0,4}?"
    r"|\s\((?:[A-Za-z]{1,12}\s){0,3}?)"
    r"(?i:api[ -]?key|(?:access |api |bearer )?token|secret|key|password|passphrase|credential)"
    r"(?=\s?(?:[).,;!?\n]|$)|\s(?i:for|of|to|we|i|he|she|they|you)\s)"
)

_VALUE_LINE: Final = r"(?:[\s\-*`>\"']|value|[:=]){0,40}"

_FLAG: Final = r"(?:^|\s)--?[A-Za-z0-9-]{0,24}$"

_QUERY: Final = r"[?&;#](?:sig|signature|sas|hmac|access_token|app_?id|k|auth)=$"

# The marks of an earlier pass, also one whose beginning was cut off.
_MARKS: Final = r"(?:^[a-z:_]{0,50}|\[redacted:\w{1,40})\]"

# Where programs and configuration write a value.
_VALUE_PLACE: Final = r"(?:[=:(,]\s{0,2}[\"'`]|[A-Za-z_]=|\w:\s)$"

# The name of a value that is public, though drawn by chance.
_ID_NAME: Final = (
    r"(?i)(?:id|ids|[ug]uid|ref|nonce|slug|name|rid|sid|cid|pid|code|salt|iv|hmac|signature|sig|tag"
    r"|challenge|state|cursor|page|sum|key|data|content|body|text|payload|blob|bytes|hex|b64)s?"
    r"[\"'`\])>]{0,3}\s{0,3}(?:[:=]|=>)\s{0,3}b?[\"'`]?$"
)

# A sum in go.sum, and an encoded word in a mail's header.
_ENCODED: Final = r"(?:\bh1:|\?[bBqQ]\?)[+/]?$"

_TAG_END: Final = r"[+/=]{0,3}</"

_LINE_START: Final = r"(?:\A|\n)[ \t\"'`]{0,12}\Z"

_LINE_END: Final = r"[+/=\"'`,)]{0,6}(?:\n|$)"

_IDS: Final = (
    r"(?:toolu|srvtoolu|msg|req|call|chatcmpl|cmpl|resp|run|thread|asst|file|step|evt|cus|pi|pm|price"
    r"|prod|sub|si|in|ch|txn|seti|pk|session|sess|ses|gen|conv|proj|org|user|usr|team|prt|item|fc|rs"
    r"|batch|ft|ftjob|vs|cu|acct|id|uid|sha|job|task|trace|span|node|web|app|index|chunk|main|vendor"
    r"|compacted|part|img|image|photo|video|doc|page|block|event|order|inv|invoice|cs|tok|src|card"
    r"|wamid|bafy|ipfs|did|key|cache|etag|build|pkg|lib|css|svg|font|icon|class|style)[_-]"
)


class _Bond(IntEnum):
    """How closely a word is tied to a run."""

    NEAR = 1
    SPOKEN = 2
    BOUND = 3


def random_runs(text: str) -> Iterator[Span]:
    """Yield the runs that look random and are called a secret, or can hardly be anything else."""
    runs = [span for match in compiled(_RUN).finditer(text) if (span := _trimmed(text, match))]
    named = {span: kind for span in runs if (kind := _named(text, *span)) is not None}
    alone = [span for span in runs if span not in named and _stands_out(text, *span)]
    if alone:
        crowd = _crowded([start for start, end in runs if is_drawn(text[start:end])])
        named |= {span: "random" for span in alone if span[0] not in crowd}
    yield from sorted((*span, kind) for span, kind in named.items())


def _trimmed(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """Return the ends of a run that may be a value, without the marks around it; else None."""
    start, end = match.span()
    if text[start - 1 : start] == "\\" and text[start] in "nrt":
        start += 1
    while start < end and text[start] in "-.~%_+/":
        if text[start] in "./~":
            return None  # a path
        start += 1
    while end > start and text[end - 1] in ".-~%/_+":
        end -= 1
    value = text[start:end]
    if not 10 <= end - start <= _LONGEST or text[start - 1 : start] in ("/", "@", "\\"):
        return None
    has_digit = compiled(r"\d").search(value) is not None
    if not has_digit and (value.islower() or value.isupper() or text[end : end + 1] == "("):
        return None
    return (start, end) if is_random(value, min_length=10) or _is_number(value) else None


def _is_number(value: str) -> bool:
    return value.isdigit() and len(value) >= 15


def _named(text: str, start: int, end: int) -> str | None:
    """Return the kind of secret that the text before calls the run, or None."""
    left = compiled(_MARKS).sub("\0", _left(text, start))
    value = text[start:end]
    if compiled(_QUERY).search(left) is not None:
        return "token"
    quoted = text[start - 1 : start] in _QUOTES and text[end : end + 1] in (*_QUOTES, "\\")
    word = next(reversed(list(compiled(_WORD).finditer(left))), None)
    after = compiled(_SAID_AFTER).match(text, end, end + 64)
    if after is not None and is_random(value, min_length=16) and not is_placeholder(value):
        return "key"
    if word is None:
        return "key" if _is_of_a_service(left, value, quoted=quoted) else None
    between = left[word.end() :].removesuffix("base64:")
    if (
        compiled(_NO_SECRET_BEFORE).search(left[: word.start()])
        or compiled(_NO_SECRET_BETWEEN).search(between)
        or "\0" in between
        or is_placeholder(value)
    ):
        return None
    bond = _bond(left[: word.start()], between, quoted=quoted)
    return str(word.lastgroup) if bond and _fits(value, bond, quoted=quoted) else None


def _bond(before: str, between: str, *, quoted: bool) -> _Bond | None:
    """Return how closely the word between the two pieces is tied to what follows them."""
    bound = compiled(_BOUND).fullmatch(between)
    if bound is not None:
        sign = bound["sign"].strip()
        if sign in ("(", ",") and not (quoted or bound["sign"].startswith(" ")):
            return _Bond.NEAR  # a name in code, not a value
        signed = sign or compiled(_FLAG).search(before)
        return _Bond.BOUND if signed or quoted else _Bond.SPOKEN
    if len(between) > _NEAR:
        return None
    return _Bond.SPOKEN if compiled(_SPOKEN).fullmatch(between) else _Bond.NEAR


def _is_of_a_service(left: str, value: str, *, quoted: bool) -> bool:
    names = list(compiled(r"[A-Za-z0-9]{3,}").finditer(left, max(0, len(left) - _NEAR)))
    name = next((name for name in reversed(names) if name[0].lower() in services()), None)
    if name is None:
        return False
    between = left[name.end() :]
    if "\0" in between or compiled(_NO_SECRET_BETWEEN).search(between) or is_placeholder(value):
        return False
    bound = compiled(_BOUND).fullmatch(between)
    if bound is not None and bound["sign"].strip():
        return _fits(value, _Bond.SPOKEN, quoted=quoted)
    return _fits(value, _Bond.NEAR, quoted=quoted or bound is not None)


def _left(text: str, start: int) -> str:
    """Return the line before the run, and the line before that where the run begins its own."""
    low = max(0, start - _LOOK_BACK)
    line = max(low, text.rfind("\n", low, start) + 1)
    if compiled(_VALUE_LINE).fullmatch(text, line, start):
        return text[low:start]
    return text[line:start]


def _fits(value: str, bond: _Bond, *, quoted: bool) -> bool:
    if _is_number(value):
        return bond is _Bond.BOUND and quoted
    if is_code(value, quoted=quoted):
        return False
    if bond is _Bond.BOUND:
        return is_random(value, min_length=10 if quoted else 14)
    if bond is _Bond.SPOKEN:
        return is_random(value, min_length=14)
    if is_hex(value) or is_uuid(value):
        return False
    return is_random(value, min_length=16) and (quoted or is_drawn(value))


def _stands_out(text: str, start: int, end: int) -> bool:
    """Return whether a run that nothing calls a secret can hardly be anything else."""
    value = text[start:end]
    if len(value) > 100 or text[end : end + 1] in ("(", "[", "@"):
        return False
    left = _left(text, start)
    is_value = compiled(_VALUE_PLACE).search(left) is not None
    drawn = is_drawn(value, min_length=20 if is_value else 24)
    if not (drawn or (is_value and is_drawn_low(value))):
        return False
    if is_placeholder(value) or compiled(_IDS).match(value) or compiled(_ID_NAME).search(left):
        return False
    if left.endswith(">") or compiled(_TAG_END).match(text, end):
        return False  # the text of an element, whose name would have been a word of ours
    if "://" in left[left.rfind(" ") + 1 :] or compiled(_ENCODED).search(left):
        return False
    if compiled(_NO_SECRET_BETWEEN).search(left[-_NEAR:]):
        return False
    is_line = compiled(_LINE_START).search(left) and compiled(_LINE_END).match(text, end)
    return not (is_line and len(value) >= 60) and not is_encoded_text(value)


def _crowded(starts: list[int]) -> set[int]:
    """Return the runs with at least two others within 200 characters: a list, data, an image."""
    pairs = zip(starts, starts[2:], strict=False)
    return {
        start
        for number, (first, third) in enumerate(pairs)
        if third - first <= 200
        for start in starts[number : number + 3]
    }
