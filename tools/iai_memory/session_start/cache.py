"""The cached payload and its sidecar on disk."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.files import make_private_folder, replace_file
from ..base.json_file import read_object
from ..base.paths import StorePaths
from .watermark import Watermark

GLOBAL_CACHE = ".session-start-payload.cached.md"
PROJECT_FOLDER = "session-start"
SUFFIX = ".cached.md"
_MAX_SIDECAR_BYTES = 1 << 20


def cache_path(paths: StorePaths, project_key: str | None) -> Path:
    """The cache of one project, or of all projects together."""
    if project_key is None:
        return paths.root / GLOBAL_CACHE
    return paths.root / PROJECT_FOLDER / f"{project_key}{SUFFIX}"


def sidecar_path(cache: Path) -> Path:
    """`x.cached.md` has the sidecar `x.cached.meta.json`; writer, reader and hook all ask here."""
    return cache.with_name(f"{cache.name.removesuffix('.md')}.meta.json")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What stands beside a cached payload.

    Attributes:
        watermark: What the payload is guaranteed to contain.
        payload: The bytes that it stands beside; their sum is the one it names.
        fields: Everything, as it was read.
    """

    watermark: Watermark
    payload: bytes
    fields: dict[str, Any]


def cache_modified(cache: Path) -> float | None:
    """The cache's modification time in seconds since the epoch; None where there is no file.

    Raises:
        OSError: It is there and cannot be looked at.
    """
    try:
        found = cache.lstat()
    except FileNotFoundError:
        return None
    # A link is not followed: where it points to is not ours to judge.
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None


def read_sidecar(cache: Path) -> Sidecar | None:
    """The sidecar; None where it is missing, unreadable, of another format or of another cache."""
    fields = read_object(sidecar_path(cache), _MAX_SIDECAR_BYTES)
    try:
        payload = cache.read_bytes()
    except OSError:
        return None
    if fields is None:
        return None
    watermark = Watermark.from_fields(fields)
    if watermark is None:
        return None
    digest = str(fields.get("rendered_sha256"))
    # The pair is two files: a writer killed between its two renames leaves a new payload under an
    # old sidecar, which claims less than the payload has.
    if hashlib.sha256(payload).hexdigest() != digest:
        return None
    return Sidecar(watermark, payload, fields)


def write_pair(
    cache: Path, payload: bytes, watermark: Watermark, *, trigger: str, generated_at: str
) -> None:
    """Replaces the payload, then its sidecar; the sidecar never claims what the payload lacks.

    Raises:
        StoreUnavailable: The folder cannot be made.
        OSError: The disk is full or the folder cannot be written; the old pair stays.
    """
    make_private_folder(cache.parent)
    fields = {
        **watermark.to_fields(),
        "rendered_chars": len(payload.decode("utf-8")),
        "rendered_sha256": hashlib.sha256(payload).hexdigest(),
        "generated_at": generated_at,
        "trigger": trigger,
        "pid": os.getpid(),
    }
    replace_file(cache, payload)
    replace_file(sidecar_path(cache), _dump(fields))


def advance_sidecar(cache: Path, sidecar: Sidecar, watermark: Watermark) -> None:
    """Notes a newer table version of equal content, so that it is not asked again.

    Raises:
        OSError: The sidecar cannot be replaced.
    """
    fields = {**sidecar.fields, **watermark.to_fields()}
    replace_file(sidecar_path(cache), _dump(fields))


def project_caches(paths: StorePaths) -> list[Path]:
    """The cache of every project that has a page or what is left of one."""
    folder = paths.root / PROJECT_FOLDER
    pages = {path.name for path in folder.glob(f"*{SUFFIX}")}
    for path in folder.glob("*.cached.meta.json"):
        pages.add(f"{path.name.removesuffix('.meta.json')}.md")
    return [folder / name for name in sorted(pages)]


def remove_pair(cache: Path) -> None:
    """Takes a page away; the hook then serves the page of every project.

    Raises:
        OSError: The folder cannot be written.
    """
    cache.unlink(missing_ok=True)
    sidecar_path(cache).unlink(missing_ok=True)


def clear_leftovers(paths: StorePaths) -> None:
    """Removes temporary files of killed writers; only for who holds the refresh lock.

    Such a file is a whole page, and what was forgotten since may stand in it.

    Raises:
        OSError: The folder cannot be written.
    """
    leftovers = [*paths.root.glob(f"{GLOBAL_CACHE.removesuffix('.md')}.*.tmp")]
    leftovers += (paths.root / PROJECT_FOLDER).glob("*.tmp")
    for path in leftovers:
        path.unlink(missing_ok=True)


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
