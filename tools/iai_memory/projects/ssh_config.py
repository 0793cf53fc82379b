"""Hosts of ssh addresses by the aliases of `~/.ssh/config`: `Host work`, `HostName github.com`.

Read, here and in the hook, are `Host`, `HostName` (with `%h`) and `Port` of the first 64 KiB; not
`Match`, `Include` and the system's file. A pattern of other characters than letters, digits and
`.-_:*?` matches nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from .folders import WHITESPACE, beginning

_WELL_KNOWN: Final = frozenset({b"github.com", b"gitlab.com", b"bitbucket.org"})
"""Hosts whose names say who they are, whatever way there a configuration takes."""

_PATTERN: Final = re.compile(r"[A-Za-z0-9._:*?-]+")
_LINE: Final = re.compile(rf"([A-Za-z]+)(?:[{WHITESPACE}]*=[{WHITESPACE}]*|[{WHITESPACE}]+)(.*)")


def ssh_host(host: str, port: str) -> tuple[str, str]:
    """Return the host and port that an ssh address leads to; "" is the default port.

    Args:
        host: As the address has it.
        port: As the address has it, "" without; then that of the configuration counts.
    """
    home = os.environ.get("HOME", "")
    lowered = os.fsencode(host).lower()  # ASCII only, as in the hook
    if lowered in _WELL_KNOWN or not home.startswith("/"):
        return host, port
    name = found = found_port = ""
    active = True
    for raw in beginning(f"{home}/.ssh/config").split("\n"):
        line = _LINE.fullmatch(raw.strip(WHITESPACE))
        if line is None:
            continue
        keyword, value = line[1].lower(), line[2].replace('"', "")
        if keyword == "host":
            active = _is_meant(lowered, re.split("[ \t]+", value))
        elif keyword == "match":
            active = False
        elif active and keyword == "hostname" and not found:
            found = value
        elif active and keyword == "port" and not found_port:
            found_port = value
    name = found.replace("%h", host) or host
    return name, port or found_port


def _is_meant(host: bytes, patterns: Sequence[str]) -> bool:
    """Return whether a `Host` line is of the host: one pattern matches, and none behind a `!`."""
    meant = False
    for pattern in patterns:
        if _matches(host, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            meant = True
    return meant


def _matches(host: bytes, pattern: str) -> bool:
    if not _PATTERN.fullmatch(pattern):
        return False
    parts = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(os.fsencode(parts), host, re.DOTALL) is not None
