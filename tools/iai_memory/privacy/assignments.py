"""Secrets beside a word such as `password`, in code, in configuration and in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled, places, touches_mark
from .randomness import is_code, is_password, is_placeholder, is_random, is_uuid, is_wordy

# The word for password in the languages that most people write.
_PASSWORDS: Final = (
    r"pass(?:word|wd|phrase|wort|code|ord)|pwd|(?<![A-Za-z])(?:pw|psk)(?![A-Za-z])|identified by"
    r"|(?<![A-Za-z])pass(?![A-Za-z(])(?!\s{0,3}\n)|(?<=[a-z_-])pass(?=[\"'`]?\]?\s?[:=])"
    r"|kennwort|zugangscode|contrase[nñ]a|clave(?: de acceso| secreta)?|mot de passe"
    r"|(?<![A-Za-z])mdp|senha|palavra-passe|(?<![A-Za-z])parol[aeăiąę](?![a-z])|wachtwoord|has[łl]o(?![a-z])"
    r"|hesl[oa](?![a-z])|jelsz[óo]|salasana|l[öo]senord|adgangskode|[şs]ifre(?![a-z])|lozinka"
    r"|geslo(?![a-z])|slapta[žz]odis|kata sandi|m[ậa]t kh[ẩa]u|парол[ьяюи]|гасло|κωδικός"
    r"|密码|密碼|口令|パスワード|暗証番号|비밀번호|암호|รหัสผ่าน|كلمة (?:المرور|السر)|סיסמ[הא]|पासवर्ड"
)

_NAMES: Final = {
    "password": _PASSWORDS,
    "credential": r"(?<![A-Za-z])(?:credentials?|creds|zugangsdaten|login)"
    r"(?=[\"'`]?\s?[:=]|\sare\s)",
    "secret": r"secret(?:[_-]?key(?:[_-]?base)?)?",
    "token": r"token",
}

_NAME: Final = "(?i)" + "|".join(f"(?P<{kind}>{names})" for kind, names in _NAMES.items())

# How the names begin, in lower case: where one of these stands, a name is looked for.
_ROOTS: Final = (
    *(
        "pass",
        "kennwort",
        "pwd",
        "pw",
        "psk",
        "zugangscode",
        "contrase",
        "clave",
        "mot de passe",
        "mdp",
        "senha",
    ),
    *(
        "palavra-passe",
        "parol",
        "wachtwoord",
        "hasł",
        "haslo",
        "hesl",
        "jelsz",
        "salasana",
        "losenord",
    ),
    *(
        "lösenord",
        "adgangskode",
        "sifre",
        "şifre",
        "lozinka",
        "geslo",
        "slapta",
        "kata sandi",
        "mật kh",
    ),
    *("mat kh", "парол", "гасло", "κωδικός", "密码", "密碼", "口令", "パスワード", "暗証番号"),
    *("비밀번호", "암호", "รหัสผ่าน", "كلمة", "סיסמ", "पासवर्ड", "identified by"),
    *("cred", "zugangsdaten", "login", "secret", "token"),
)

_NOT_OURS: Final = (
    r"(?i)(?:next|page|continuation|cursor|sync|idempotency|public(?:[ _-]?key)?)[ _-]?$"
)

_IS: Final = (
    r"(?:is|was|to|be|being|ist|lautet|war|es|est|é|è|jest|on|är|er|adalah|là|are|sind|это|на)"
    r"(?:\s(?:now|still|just|currently|set|to|jetzt|ahora)){0,2}"
)

# From the end of the name to its value: `_PROD": "`, ` = '`, ` for the NAS is `, `>`, ` `.
_TO_VALUE: Final = (
    r"(?i)(?:[_-]?(?:value|prod(?:uction)?|stag(?:e|ing)|dev|test|live|new|old|v?\d{1,2}))?"
    r"(?P<close>\\?[\"'`]?\]?(?:['’]s|(?:\s[\w:]{1,20}=[\"'][^\"'\n]{0,80}[\"']){1,3})?)"
    r"(?:(?P<sign>[\"']?\s{0,4}"
    r"(?:=>|:=|={1,2}|:|：|>|,(?=\s?[\"'])|(?:,\s?)?[\"']?value[\"']?[:=])\s{0,4})"
    r"|(?P<cjk>(?:是|は|为|為|가|는|은)[:：]?\s?[「『“]?)"
    r"|(?P<prose>(?:[ \t][^\s:=\"'`,.;]{1,40}){0,6}?(?:[ \t]'\w{1,40}'(?:@'[^']{1,60}')?)?"
    rf"\s{{0,3}}(?::|=|\s{_IS}:?)\s{{1,3}})"
    r"|(?P<space>\s{1,3}))"
    r"(?P<user>[\w.@+-]{2,64}\s?[:/|]\s?(?=[^\s/]{6}))?"
    r"(?:\\?(?P<quote>[\"'`])(?P<quoted>[^\s\"'`]{6,512}?)\\?(?P=quote)"
    r"|(?P<bare>(?:(?![,;](?:\s|$|\w{1,40}=)|&\w{1,40}=|\\[nrt\"'])"
    r"[^\s\"'`<>“”\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef]){6,512}+))"
)


_WITH_USER: Final = ("password", "credential")


def assigned_secrets(text: str) -> Iterator[Span]:
    """Yield the values that follow the name of a secret and look like one."""
    names = list(_names(text))
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
        kind = str(name.lastgroup)
        if rest["user"] is not None and kind not in _WITH_USER:
            start = rest.start("user")  # it is part of the value
        while group == "bare" and text[end - 1] in ".,;:)]}":
            end -= 1
        if end - start >= 6 and _is_secret(text[start:end], kind, rest, name[0]):
            yield start, end, kind


def _names(text: str) -> Iterator[re.Match[str]]:
    lower = text.lower()
    if len(lower) != len(text):  # one letter became two, and places would be shifted
        lower = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    starts = {start for root in _ROOTS if root in lower for start in places(lower, root)}
    done = 0
    for start in sorted(starts):
        if start >= done and (name := compiled(_NAME).match(text, start)) is not None:
            yield name
            done = name.end()


def _is_secret(value: str, kind: str, rest: re.Match[str], name: str) -> bool:
    quoted = rest["quoted"] is not None
    if is_placeholder(value) or is_code(value, quoted=quoted):
        return False
    # `NAME=value` as in a shell or an .env file; there a value needs no quotes.
    literal = quoted or (rest["sign"] == "=" and name.isupper())
    if kind in _WITH_USER:
        if name.lower() == "pass" and rest["space"] is not None:
            return False  # a verb
        if rest["sign"] is not None or rest["cjk"] is not None:
            return is_password(value, min_length=6 if literal else 8, literal=literal)
        if is_wordy(value, allow_mixed=False):
            return False
        return is_password(value, min_length=8, literal=False)
    if rest["space"] is not None and not quoted:
        return False
    if is_uuid(value):
        return kind != "token" or quoted
    return is_random(value, min_length=10 if literal else 16)
