"""The name of a repository, from the address of a remote in its git configuration.

Not read, here and in the hook: `insteadOf`, included and global configuration, continued lines,
`GIT_DIR`. An alias of `~/.ssh/config` is the host that it stands for. Default ports are dropped;
any other port stays, since it may be another server.
"""

from __future__ import annotations

import re
from typing import Final

from .folders import WHITESPACE, beginning, joined, one_leading_slash, resolved_folder
from .ssh_config import ssh_host

_SSH: Final = ("ssh", "git+ssh", "ssh+git")
_SSH_BEHIND_HTTPS: Final = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
_DEFAULT_PORTS: Final = frozenset({"ssh:22", "http:80", "https:443", "git:9418"})


def remote_url(config: str) -> str | None:
    """Return the first `url` of `origin`, else of the first remote that has one; None without."""
    remote: str | None = None
    first: str | None = None
    for raw in beginning(config).split("\n"):
        line = raw.strip(WHITESPACE)
        if line.startswith("["):
            remote, line = _section(line)
        if remote is None or line[:3].lower() != "url":
            continue
        after = line[3:].lstrip(WHITESPACE)
        value = _value(after[1:].strip(WHITESPACE)) if after.startswith("=") else ""
        if value and remote == "origin":
            return value
        first = first or value or None
    return first


def _section(line: str) -> tuple[str | None, str]:
    """Split a section header into the remote's name, None for other sections, and the rest."""
    if line[1:7].lower() != "remote" or line[7:8] not in tuple(WHITESPACE):
        return None, ""
    rest = line[8:].lstrip(WHITESPACE)
    if not rest.startswith('"') or '"]' not in rest[1:]:
        return None, ""
    name = rest[1:].partition('"')[0]
    return name, rest[1:].partition('"]')[2].lstrip(WHITESPACE)


def _value(text: str) -> str:
    """Return a value of a git configuration without its quotes; a comment ends it."""
    out = pending = ""
    quoted = False
    chars = iter(text)
    for char in chars:
        if char == '"':
            quoted = not quoted
            continue
        if char == "\\":
            char = next(chars, "")  # continued lines are not joined
            char = {"n": "\n", "t": "\t"}.get(char, char)
        elif not quoted and char in "#;":
            break
        elif not quoted and char in WHITESPACE:
            pending += char
            continue
        out, pending = out + pending + char, ""
    return out


def remote_name(url: str, top: str) -> str:
    """Return `host/path` of an address, or the folder of a local one as seen from `top`.

    Credentials, `.git` and default ports are left out.
    """
    if "://" in url:
        scheme, _, rest = url.partition("://")
        scheme = _lower(scheme)
        if scheme == "file":
            host, slash, path = rest.partition("/")
            if slash and host in ("", "localhost"):
                return _local_name(f"/{path}", top)
        return network_name(*_authority_and_path(scheme, rest))
    head = url.partition("/")[0]
    if ":" not in head or head.startswith(":"):
        return _local_name(url, top)
    # A credential is whatever stands before the last `@` of the host, even a malformed one.
    before, _, after = head.rpartition(":")
    url = f"{before.rpartition('@')[2]}:{after}{url[len(head) :]}"
    host, bracket, path = url.partition("]:")
    if not (bracket and url.startswith("[")):
        host, _, path = url.partition(":")
    else:
        host += "]"
    host, port = ssh_host(host, "")
    return network_name(f"{host}:{port}" if port not in ("", "22") else host, path)


def _authority_and_path(scheme: str, rest: str) -> tuple[str, str]:
    """Split what follows `scheme://` into host and path, without credentials and default port."""
    authority, _, path = rest.partition("/")
    if "@" not in authority and "@" in path and re.match(r"[^[:]*:.*[^0-9]", authority, re.DOTALL):
        # A password with an unescaped slash: what follows the last `@` is the address.
        authority, _, path = rest.rpartition("@")[2].partition("/")
    authority = authority.rpartition("@")[2]
    if scheme in ("http", "https"):
        authority = re.split(r"[?#]", authority, maxsplit=1)[0]
        path = re.split(r"[?#]", path, maxsplit=1)[0]
    host, port = authority, ""
    if ":" in authority.rpartition("]")[2]:
        host, _, port = authority.rpartition(":")
    if scheme in _SSH:
        host, port = ssh_host(host, port)
        scheme = "ssh"
    if port and f"{scheme}:{port}" not in _DEFAULT_PORTS:
        host = f"{host}:{port}"
    return host, path


def network_name(host: str, path: str) -> str:
    """Return the name of a repository on a server: host and owner in small letters.

    `www.` and the ports through which big servers speak ssh behind a firewall are left out.
    """
    path = path.strip("/").removesuffix(".git").rstrip("/")
    host = _lower(host).removeprefix("www.")
    host = _SSH_BEHIND_HTTPS.get(host.removesuffix(":443"), host)
    if not path:
        return host
    owner, slash, rest = path.partition("/")
    return f"{host}/{_lower(owner)}{slash}{rest}" if slash else f"{host}/{path}"


def _local_name(path: str, top: str) -> str:
    path = joined(top, path).rstrip("/").removesuffix("/.git").rstrip("/")
    path = one_leading_slash(path)
    real = resolved_folder(path)
    return (path if real is None else real) or "/"


def _lower(text: str) -> str:
    """Lower ASCII letters only, as the hook can without starting a process."""
    return re.sub(r"[A-Z]+", lambda m: m[0].lower(), text)
