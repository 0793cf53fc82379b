"""Secrets by their place: passwords in URLs and curl commands, tokens in headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled
from .randomness import is_placeholder, is_random

_URL_PASSWORD: Final = (
    r"://(?:\[redacted:\w{1,40}\]|[^\s:/@\"'<>`\[]{0,128}):"
    r"(?:(?P<secret>[^\s/?\"'<>`]{1,256})|(?P<with_slash>[^\s\"'<>`@]{1,256}))@(?=\[?\w)"
)

_DATABASE: Final = (
    r"(?i)(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql)(?:\+[a-z0-9]{1,12})?$"
)

_NOT_PASSWORDS: Final = frozenset(
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


def curl_passwords(text: str) -> Iterator[Span]:
    """Yield the passwords of `curl -u user:password`."""
    if "curl" not in text:
        return
    for match in compiled(_CURL_USER).finditer(text):
        value = match["secret"]
        if not (value.isdigit() or value.lower() in _NOT_PASSWORDS or is_placeholder(value)):
            yield *match.span("secret"), "password"


def url_passwords(text: str) -> Iterator[Span]:
    """Yield the passwords of `scheme://user:password@host`."""
    if "://" not in text:
        return
    for match in compiled(_URL_PASSWORD).finditer(text):
        start = match.start()
        if match["secret"] is not None:
            group = "secret"
        elif compiled(_DATABASE).search(text, max(0, start - 24), start):
            group = "with_slash"  # or with a question mark; in a web address these end it
        else:
            continue
        value = match[group]
        if len(value) >= 4 and value.lower() not in _NOT_PASSWORDS and not is_placeholder(value):
            yield *match.span(group), "url_password"


def header_tokens(text: str) -> Iterator[Span]:
    """Yield bearer tokens and basic credentials of HTTP headers."""
    lower = text.lower()
    if "bearer" not in lower and "authorization" not in lower:
        return
    for match in compiled(_HEADER).finditer(text):
        value = match["secret"]
        basic = (match["scheme"] or "").lower() == "basic"
        if not is_placeholder(value) and is_random(value, min_length=12 if basic else 16):
            kind = "basic_auth" if basic else "bearer_token"
            yield *match.span("secret"), kind
