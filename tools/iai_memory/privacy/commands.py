"""Secrets in command lines, by a flag that has no name of a secret, and in orders to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled
from .randomness import is_placeholder

_VALUE: Final = r"(?P<quote>[\"']?)(?P<secret>[^\s\"'$<{|;&/-][^\s\"']{3,255})(?P=quote)"

_ARGUMENTS: Final = r"(?:[^\n|;&]{0,200}?\s)??"

# The program, and the flag before its secret. `mysql` and `7z` read the secret glued to the flag;
# with a space it is a database or a file.
_FLAGS: Final = {
    "curl": r"(?:-[A-Za-z]{0,6}[uU]|--user|--proxy-user)[ =]?"
    r"(?:[\"'](?=[^\s:\"'$]{0,64}:))?[^\s:\"'$]{0,64}:",
    "http": r"(?:-a|--auth)[ =][\"']?[^\s:\"'$/]{1,64}:",
    "ssh-keygen": r"-[NP] ",
    "wget": r"--(?:http-|ftp-|proxy-)?password[ =]",
    "sshpass": r"-p ?",
    "mysql": r"-p",
    "mysqldump": r"-p",
    "mysqladmin": r"-p",
    "mysqlimport": r"-p",
    "mysqlsh": r"-p",
    "mariadb": r"-p",
    "mariadb-dump": r"-p",
    "redis-cli": r"(?:-a|--pass) ",
    "mongo": r"-p ",
    "mongosh": r"-p ",
    "mongodump": r"-p ",
    "mongorestore": r"-p ",
    "docker login": r"-p ",
    "podman login": r"-p ",
    "az login": r"-p ",
    "helm registry login": r"-p ",
    "ldapsearch": r"-w ",
    "ldapmodify": r"-w ",
    "sqlcmd": r"-P ",
    "bcp": r"-P ",
    "unzip": r"-P ",
    "zip": r"-P ",
    "7z": r"-p",
    "7za": r"-p",
    "smbclient": r"-U ?[\"']?[^\s%\"']{1,64}%",
    "openssl": r"-pass(?:in|out)? pass:",
    "htpasswd": r"-\w{0,4}b\w{0,4} (?:\S{1,200} ){2}",
    "sqlplus": r"[^\s/@]{1,64}/",
    "net use": r"(?:\w: )?\\\\{1,4}[^\s]{1,200} ",
    "wpa_passphrase": r"[^\s]{1,64} ",
    "xfreerdp": r"/p:",
    "lftp": r"-u [^\s,]{1,64},",
    "snmpget": r"-[AX] ",
    "snmpwalk": r"-[AX] ",
    "rabbitmqctl": r"(?:add_user|change_password) [^\s]{1,64} ",
}

_PIPED: Final = (
    r"\becho (?:-n )?(?P<quote>[\"']?)(?:[\w.-]{1,40}:)?(?P<secret>[^\s\"'$|]{6,255})(?P=quote)"
    r"\s{0,3}\|\s{0,3}(?:sudo (?:-\w{1,3} ){0,3}?-S\b|(?:sudo )?chpasswd|passwd --stdin"
    r"|docker login|podman login|gh auth login|kinit)"
)

# "log in with … as the password"
_SPOKEN: Final = (
    r"\b(?:with|using|use|enter|type) "
    r"(?P<quote>[\"'`]?)(?P<secret>(?=[^\s]{0,60}\d)[^\s\"'`]{6,64})(?P=quote)"
    r" as (?:(?:the|a|an|your|my|our) )?(?:\w{1,12} )?"
    r"(?:pass(?:word|phrase|code)?|token|key|secret|pin)\b"
)

_NOT_PASSWORDS: Final = frozenset(
    {
        *("changeme", "example", "key", "pass", "passwd", "password", "pw", "pwd", "secret"),
        *("string", "test", "token", "user", "username", "port", "database", "value"),
    }
)


def command_secrets(text: str) -> Iterator[Span]:
    """Yield the passwords that a program takes by a flag, or that somebody is told to use."""
    for program, flag in _FLAGS.items():
        if program not in text:
            continue
        pattern = rf"(?<![\w.-]){program}\s{_ARGUMENTS}{flag}{_VALUE}"
        yield from _given(text, pattern)
    if "echo " in text:
        yield from _given(text, _PIPED)
    if " as " in text:
        yield from _given(text, _SPOKEN)


def _given(text: str, pattern: str) -> Iterator[Span]:
    for match in compiled(pattern).finditer(text):
        value = match["secret"]
        if not (value.isdigit() or value.lower() in _NOT_PASSWORDS or is_placeholder(value)):
            yield *match.span("secret"), "password"
