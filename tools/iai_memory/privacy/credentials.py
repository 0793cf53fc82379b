"""Secrets by their place: passwords and tokens in URLs and in headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled
from .randomness import is_password, is_placeholder, is_random

_URL_PASSWORD: Final = (
    r"://(?:\[redacted:\w{1,40}\]|[^\s:/@\"'<>`\[]{0,128}):"
    r"(?:(?P<secret>[^\s/?\"'<>`]{1,256})|(?P<with_slash>[^\s\"'<>`@]{1,256}))@(?=\[?\w)"
)

# A token in the place of the user, and Oracle's way to write both.
_URL_TOKEN: Final = r"://(?P<secret>[A-Za-z0-9_.~%+-]{16,512})@(?=\[?\w)"

_ORACLE_PASSWORD: Final = r"jdbc:oracle:\w{2,8}:[^\s/@:\"']{1,64}/(?P<secret>[^\s@\"']{4,128})@"

_LOGIN_PAIR: Final = (
    r"(?:(?<![A-Za-z])auth\s?=\s?[(\[]|(?:Basic|Digest)Auth\w{0,12}\(|"
    r"(?<![A-Za-z])(?:login|authenticate)\()"
    r"\s?[\"'][^\"'\n]{1,64}[\"'],\s?[\"'](?P<secret>[^\"'\s]{6,128})[\"']"
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

_HEADER: Final = (
    r"(?i)(?:authorization[\"'\]]{0,2}\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<scheme>bearer|basic|token|apikey|key|digest)|(?<![A-Za-z])bearer)"
    r"\s{1,3}(?P<secret>[A-Za-z0-9._~+/=:-]{12,4000})"
)


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
        if _is_password(match[group]):
            yield *match.span(group), "url_password"


def url_logins(text: str) -> Iterator[Span]:
    """Yield tokens of `scheme://token@host`, and passwords of `jdbc:oracle:thin:user/password@`."""
    if "@" not in text:
        return
    for match in compiled(_URL_TOKEN).finditer(text):
        if is_random(match["secret"], min_length=16) and not is_placeholder(match["secret"]):
            yield *match.span("secret"), "url_token"
    if "jdbc:oracle:" in text:
        for match in compiled(_ORACLE_PASSWORD).finditer(text):
            if _is_password(match["secret"]):
                yield *match.span("secret"), "url_password"


def _is_password(value: str) -> bool:
    return len(value) >= 4 and value.lower() not in _NOT_PASSWORDS and not is_placeholder(value)


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


def login_pairs(text: str) -> Iterator[Span]:
    """Yield the passwords of `auth=("user", "password")` and of calls that log in."""
    if not any(word in text for word in ("auth", "Auth", "login(")):
        return
    for match in compiled(_LOGIN_PAIR).finditer(text):
        value = match["secret"]
        if is_password(value, min_length=6, literal=True) and _is_password(value):
            yield *match.span("secret"), "password"
