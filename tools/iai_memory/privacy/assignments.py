"""Secrets beside a word such as `password`, in code, in configuration and in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled, touches_mark
from .randomness import is_code, is_password, is_placeholder, is_random, is_uuid, is_wordy

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


def assigned_secrets(text: str) -> Iterator[Span]:
    """Yield the values that follow the name of a secret and look like one."""
    lower = text.lower()
    if not any(hint in lower for hint in (*_NAME_HINTS, *_KEY_HINTS)):
        return
    names = list(compiled(_NAME).finditer(text))
    for number, name in enumerate(names):
        if touches_mark(text, (*name.span(), "")):
            continue
        # A value may hold such words itself, but not endlessly: that would cost quadratic time.
        ninth = names[number + 8].start() if number + 8 < len(names) else len(text)
        rest = compiled(_TO_VALUE).match(text, name.end(), ninth)
        if rest is None or compiled(_NOT_OURS).search(
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
    if is_placeholder(value) or is_code(value, quoted=quoted):
        return False
    # `NAME=value` as in a shell or an .env file; there a value needs no quotes.
    literal = quoted or (rest["sign"] == "=" and name.isupper())
    if kind == "password":
        if rest["sign"] is not None:
            return is_password(value, min_length=6 if literal else 8, literal=literal)
        if is_wordy(value, allow_mixed=False):
            return False
        return is_password(value, min_length=8, literal=False)
    if rest["space"] is not None and not quoted:
        return False
    if is_uuid(value):
        return kind != "token" or quoted
    return is_random(value, min_length=10 if literal else 16)
