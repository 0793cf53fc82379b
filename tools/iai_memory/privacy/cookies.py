"""Secrets in cookies: in headers, in `curl -b`, in code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled, touches_mark
from .randomness import is_code, is_placeholder, is_random

# A header's line, to the quote that ends it; a dictionary in code; a flag of curl.
_COOKIES: Final = (
    r"(?i)(?:cookies?\\?[\"'`]?\]?\s{0,3}[:=]\s{0,3}\\?[\"'`]?(?P<header>[^\n\"'`{}\\]{8,4000})"
    r"|cookies?[\"'`]?\s{0,3}[:=,(]\s{0,3}\{(?P<code>[^\n}]{8,1000})"
    r"|curl(?:\s[^\n|;&]{0,200}?)?\s(?:-b|--cookie)[ =][\"']?(?P<flag>[^\n\"']{8,4000}))"
)

_COOKIE: Final = (
    r"(?P<name>[\w.-]{1,60})[\"']?\s?[=:]\s?[\"']?(?P<secret>[A-Za-z0-9_+/%.~!:|-]{10,2000}={0,2})"
)

_PLAIN_COOKIES: Final = (
    r"(?i)(?:_ga\w{0,20}|_gid|_fbp|_gcl_au|expires|path|domain|max-age|samesite|lang|locale|theme|tz"
    r"|version|consent\w{0,20}|date|utm_\w{1,20})"
)


def cookie_values(text: str) -> Iterator[Span]:
    """Yield the values of cookies that look random, in headers, commands and code."""
    if not any(needle in text for needle in ("ookie", "COOKIE", "curl")):
        return
    for cookies in compiled(_COOKIES).finditer(text):
        if touches_mark(text, (cookies.start(), cookies.start() + 6, "")):
            continue
        for match in compiled(_COOKIE).finditer(text, *cookies.span(str(cookies.lastgroup))):
            value = match["secret"]
            if compiled(_PLAIN_COOKIES).fullmatch(match["name"]) or is_placeholder(value):
                continue
            if is_random(value, min_length=10) and not is_code(value, quoted=False):
                yield *match.span("secret"), "cookie"
