"""Which project a working folder belongs to, told by reading files only: no git process.

A project is, first match wins:

1. a git repository with a remote: the address of `origin`, else of the first remote in its
   config, normalised to `host/path`. Worktrees and clones of one remote are one project; a
   submodule is the project of its own remote;
2. a git repository without one: its top folder (for a linked worktree that of the main one);
3. the folder itself.

`hooks/lib/project.sh` computes the same key from the same files in POSIX sh, because
it finds the project's payload before any Python runs; `--key` prints what it finds. A test holds
the two together byte for byte, so a rule that changes here changes there.

Not read, on both sides: `insteadOf`, included and global git configuration, continued lines,
`GIT_DIR`. Default ports are dropped; any other port stays, since it may be another server.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import InvalidInput

__all__ = ["IGNORE_FILE", "Project", "ignored", "project_key", "project_of"]

IGNORE_FILE: Final = ".iai-mcp-ignore"

_LONGEST_KEY: Final = 200  # leaves room below 255 for `.cached.meta.json` and a temporary's suffix
_KEPT_OF_LONG_KEY: Final = 160
_WHITESPACE: Final = " \t\n\v\f\r"  # `[:space:]` of the hook
_UNSAFE: Final = re.compile(rb"[^a-z0-9._-]")
_DEFAULT_PORTS: Final = frozenset({"ssh:22", "http:80", "https:443", "git:9418"})


@dataclass(frozen=True)
class Project:
    """A project as records and cache files know it.

    Attributes:
        name: Identity that records store: `github.com/acme/weather-station`, or an absolute path
            without a trailing slash. Valid Unicode; never holds a credential.
        key: The name as a file name, see `project_key`.
    """

    name: str
    key: str


def project_of(cwd: Path | str) -> Project:
    """Returns the project of a working folder.

    Symbolic links are resolved. A folder that is gone belongs to the repository of its nearest
    remaining ancestor, else its own spelling is the project.

    Raises:
        InvalidInput: The path holds a NUL character.
    """
    name = _name_of(_locate(cwd))
    return Project(_printable(name), project_key(name))


def ignored(cwd: Path | str) -> bool:
    """True when a `.iai-mcp-ignore` keeps memory out of this folder.

    The file counts in every folder from the working folder up to the project's root; without a
    repository, up to the root of the file system.

    Raises:
        InvalidInput: The path holds a NUL character.
    """
    return _locate(cwd).ignored


def project_key(name: str) -> str:
    """Returns the file-name-safe key of a project's name.

    Lower-case ASCII letters, digits and `._-` stay, `/` is `+`, every other byte is `=` and two
    hexadecimal digits, so that different names have different keys even where a file system folds
    case. Of a key longer than 200 bytes the first 160 stay, followed by `~`, the POSIX `cksum` of
    the name and its length in bytes.
    """
    raw = os.fsencode(name)
    key = _UNSAFE.sub(lambda m: b"+" if m[0] == b"/" else b"=%02x" % ord(m[0]), raw).decode("ascii")
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[:_KEPT_OF_LONG_KEY]}~{_cksum(raw)}-{len(raw)}"


@dataclass(frozen=True)
class _Place:
    """Where a working folder stands; paths have no trailing slash, so the root is ''."""

    top: str
    config: str | None
    ignored: bool


def _locate(cwd: Path | str) -> _Place:
    spelled = os.fspath(cwd)
    if "\0" in spelled:
        raise InvalidInput(
            "a working folder cannot hold a NUL character: pass the path of a folder"
        )
    if not spelled.startswith("/"):
        spelled = f"{Path.cwd()}/{spelled}"
    spelled = _one_leading_slash(spelled.rstrip("/"))

    folder = spelled
    while (here := _physical(folder)) is None:
        folder = folder.rpartition("/")[0]
    skip = False
    at = here
    while True:
        skip = skip or _exists(f"{at}/{IGNORE_FILE}")
        if _exists(f"{at}/.git"):
            top, config = _work_tree(at)
            return _Place(top, config, skip)
        if _is_bare(at):
            return _Place(at.removesuffix("/.git"), f"{at}/config", skip)
        if not at:
            return _Place(here if folder == spelled else spelled, None, skip)
        at = at.rpartition("/")[0]


def _work_tree(at: str) -> tuple[str, str | None]:
    """Returns the top folder of the main working tree and the path of the repository's config."""
    marker = Path(f"{at}/.git")
    if marker.is_dir():
        return at, f"{at}/.git/config"
    line = _first_line(marker)
    if not line.startswith("gitdir:"):
        return at, None
    git_dir = _joined(at, line.removeprefix("gitdir:").lstrip(_WHITESPACE))
    common_file = Path(f"{git_dir}/commondir")
    if not common_file.is_file():
        return at, f"{git_dir}/config"
    common = _physical(_joined(git_dir, _first_line(common_file)))
    if common is None:
        return at, None
    return common.removesuffix("/.git"), f"{common}/config"


def _name_of(place: _Place) -> str:
    url = _remote_url(place.config) if place.config else None
    return (url and _remote_name(url, place.top)) or place.top or "/"


def _remote_url(config: str) -> str | None:
    """Returns the first `url` of `origin`, else of the first remote that has one."""
    try:
        text = os.fsdecode(Path(config).read_bytes())
    except OSError:
        return None
    remote: str | None = None
    first: str | None = None
    for raw in text.split("\n"):
        line = raw.strip(_WHITESPACE)
        if line.startswith("["):
            remote, line = _section(line)
        if remote is None or line[:3].lower() != "url":
            continue
        after = line[3:].lstrip(_WHITESPACE)
        value = _value(after[1:].strip(_WHITESPACE)) if after.startswith("=") else ""
        if value and remote == "origin":
            return value
        first = first or value or None
    return first


def _section(line: str) -> tuple[str | None, str]:
    """Splits a section header into the remote's name, if it is one, and what follows it."""
    if line[1:7].lower() != "remote" or line[7:8] not in tuple(_WHITESPACE):
        return None, ""
    rest = line[8:].lstrip(_WHITESPACE)
    if not rest.startswith('"') or '"]' not in rest[1:]:
        return None, ""
    name = rest[1:].partition('"')[0]
    return name, rest[1:].partition('"]')[2].lstrip(_WHITESPACE)


def _value(text: str) -> str:
    """Undoes the quoting of a value in a git config; a comment ends it."""
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
        elif not quoted and char in _WHITESPACE:
            pending += char
            continue
        out, pending = out + pending + char, ""
    return out


def _remote_name(url: str, top: str) -> str:
    if "://" in url:
        scheme, _, rest = url.partition("://")
        scheme = _lower(scheme)
        if scheme == "file":
            host, slash, path = rest.partition("/")
            if slash and host in ("", "localhost"):
                return _local_name(f"/{path}", top)
        return _network_name(*_authority_and_path(scheme, rest))
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
    return _network_name(host, path)


def _authority_and_path(scheme: str, rest: str) -> tuple[str, str]:
    """Splits what follows `scheme://` into host and path, without credentials and default port."""
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
    if port and f"{scheme}:{port}" not in _DEFAULT_PORTS:
        host = f"{host}:{port}"
    return host, path


def _network_name(host: str, path: str) -> str:
    path = path.strip("/").removesuffix(".git").rstrip("/")
    return f"{_lower(host)}/{path}" if path else _lower(host)


def _local_name(path: str, top: str) -> str:
    path = _joined(top, path).rstrip("/").removesuffix("/.git").rstrip("/")
    path = _one_leading_slash(path)
    real = _physical(path)
    return (path if real is None else real) or "/"


def _physical(path: str) -> str | None:
    """Returns the folder with every link resolved, or None when it cannot be entered."""
    try:
        real = Path(path or "/").resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return None
    if not real.is_dir() or not os.access(real, os.X_OK):
        return None
    return _one_leading_slash(str(real).rstrip("/"))


def _is_bare(at: str) -> bool:
    return (
        Path(f"{at}/HEAD").is_file()
        and Path(f"{at}/objects").is_dir()
        and Path(f"{at}/refs").is_dir()
    )


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # no right to look into the folder
        return False


def _first_line(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError:
        return ""
    return os.fsdecode(raw.partition(b"\n")[0]).rstrip(_WHITESPACE)


def _joined(folder: str, path: str) -> str:
    return path if path.startswith("/") else f"{folder}/{path}"


def _one_leading_slash(path: str) -> str:
    return f"/{path.lstrip('/')}" if path.startswith("//") else path


def _lower(text: str) -> str:
    """Lowers ASCII letters only: what the hook can do without starting a process."""
    return re.sub(r"[A-Z]+", lambda m: m[0].lower(), text)


def _printable(name: str) -> str:
    """Makes a path that is not UTF-8 storable; its key is made of the bytes themselves."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _cksum(data: bytes) -> int:
    """Returns the checksum of the POSIX utility `cksum`: CRC-32/CKSUM over data and its length."""
    length = len(data)
    crc = 0
    for byte in data + length.to_bytes((length.bit_length() + 7) // 8, "little"):
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc ^ 0xFFFFFFFF
