"""The cached payload and its sidecar on disk."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..paths import StorePaths, make_private_folder, replace_file
from .watermark import Watermark

GLOBAL_CACHE = ".session-start-payload.cached.md"
PROJECT_FOLDER = "session-start"
SUFFIX = ".cached.md"


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
        rendered_sha256: Of the payload's bytes; another sum means a torn pair.
        fields: Everything, as it was read.
    """

    watermark: Watermark
    rendered_sha256: str
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
    try:
        fields = json.loads(sidecar_path(cache).read_text(encoding="utf-8"))
        payload = cache.read_bytes()
    except (OSError, ValueError):
        return None
    watermark = Watermark.from_fields(fields)
    if watermark is None:
        return None
    digest = str(fields.get("rendered_sha256"))
    # The pair is two files: a writer killed between its two renames leaves a new payload under an
    # old sidecar, which claims less than the payload has.
    if hashlib.sha256(payload).hexdigest() != digest:
        return None
    return Sidecar(watermark, digest, fields)


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


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
