"""The cached page on disk, with its sidecar and the ids of its memories."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.files import make_private_folder, replace_file, sync_folder
from ..base.json_file import read_object, read_own_file
from ..base.page_mark import hasten_page
from ..base.paths import StorePaths
from .page_ids import SUFFIXES, another_page, remove_ids
from .watermark import Watermark

GLOBAL_CACHE = ".session-start-payload.cached.md"
PROJECT_FOLDER = "session-start"
SUFFIX = ".cached.md"
_FILES = ".files"
NEW_PROJECT_KEY = "@new"
"""Key of the page for projects without memories; no name of a project has it."""
_MAX_SIDECAR_BYTES = 1 << 20
_MAX_PAGE_BYTES = 16 << 20  # far above any budget of tokens


def cache_path(paths: StorePaths, project_key: str | None) -> Path:
    """Return the cache of one project, or of all projects together (None)."""
    if project_key is None:
        return paths.root / GLOBAL_CACHE
    return paths.root / PROJECT_FOLDER / f"{project_key}{SUFFIX}"


def sidecar_path(cache: Path) -> Path:
    """Return the sidecar of a cache: `x.cached.meta.json` beside `x.cached.md`.

    Every writer and reader takes the path from here.
    """
    return cache.with_name(f"{cache.name.removesuffix('.md')}.meta.json")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The sidecar of a cached page.

    Attributes:
        watermark: The state that the page surely contains.
        payload: The page, UTF-8; its SHA-256 is the one that the sidecar names.
        fields: Every field as it was read.
    """

    watermark: Watermark
    payload: bytes
    fields: dict[str, Any]


def cache_modified(cache: Path) -> float | None:
    """Return the cache's modification time in seconds since the epoch; None without a file.

    Raises:
        OSError: The file is there and its state cannot be read.
    """
    try:
        found = cache.lstat()
    except FileNotFoundError:
        return None
    # A link is not followed: the age of its target says nothing about our page.
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None


def read_sidecar(cache: Path) -> Sidecar | None:
    """Return the sidecar; None where it is missing, unreadable, of another format or page."""
    fields = read_object(sidecar_path(cache), _MAX_SIDECAR_BYTES)
    try:
        payload = read_own_file(cache, _MAX_PAGE_BYTES)
    except OSError:
        return None
    if fields is None or payload is None:
        return None
    watermark = Watermark.from_fields(fields)
    if watermark is None:
        return None
    digest = str(fields.get("rendered_sha256"))
    # A writer that is killed between its two renames leaves a new page beside an old sidecar, whose
    # watermark claims less than the page has.
    if hashlib.sha256(payload).hexdigest() != digest:
        return None
    return Sidecar(watermark, payload, fields)


def write_pair(
    cache: Path,
    payload: bytes,
    watermark: Watermark,
    *,
    ids: Iterable[str],
    trigger: str,
    generated_at: str,
) -> None:
    """Replace the page, its ids, then its sidecar, which never claims what the page lacks.

    Args:
        cache: Path of the page.
        payload: The page, UTF-8.
        watermark: Taken before the page was rendered.
        ids: Of the memories that the page shows.
        trigger: The trigger of the refresh; for the sidecar.
        generated_at: When it was rendered, ISO; for the sidecar.

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
    with another_page(cache, payload, ids):
        replace_file(cache, payload)
    replace_file(sidecar_path(cache), _dump(fields))


def advance_sidecar(cache: Path, sidecar: Sidecar, watermark: Watermark) -> None:
    """Write a newer table version of equal content into the sidecar: it is not compared again.

    Raises:
        OSError: The sidecar cannot be replaced.
    """
    fields = {**sidecar.fields, **watermark.to_fields()}
    replace_file(sidecar_path(cache), _dump(fields))


def files_folder(cache: Path) -> Path:
    """Return the folder of the links to the files that a page names, see `watched_files`."""
    return cache.with_name(f"{cache.name.removesuffix(SUFFIX)}{_FILES}")


def remove_links(folder: Path) -> None:
    """Remove a folder of `files_folder`, if it is there.

    Raises:
        OSError: The folder cannot be written.
    """
    if folder.is_dir() and not folder.is_symlink():
        for link in folder.iterdir():
            link.unlink(missing_ok=True)
        folder.rmdir()


def project_caches(paths: StorePaths) -> list[Path]:
    """Return the cache of every project that has a page, or one of the files beside it, sorted."""
    folder = paths.root / PROJECT_FOLDER
    pages = {path.name for path in folder.glob(f"*{SUFFIX}")}
    for other in (".meta.json", *SUFFIXES):
        for path in folder.glob(f"*.cached{other}"):
            pages.add(f"{path.name.removesuffix(other)}.md")
    # An erasure takes the pages, and leaves the links beside them.
    pages |= {f"{path.name.removesuffix(_FILES)}{SUFFIX}" for path in folder.glob(f"*{_FILES}")}
    return [folder / name for name in sorted(pages)]


def remove_pair(cache: Path) -> None:
    """Remove a page and what lies beside it; the hook then serves the page of a new project.

    Raises:
        OSError: The folder cannot be written.
    """
    cache.unlink(missing_ok=True)
    sidecar_path(cache).unlink(missing_ok=True)
    remove_ids(cache)
    remove_links(files_folder(cache))


def remove_pages(paths: StorePaths) -> None:
    """Remove every page at once: a memory that was forgotten must not stand on one any longer.

    The mark comes first. A refresh that began before the forgetting may still write its page; it
    leaves the mark, and no hook serves that page.

    Raises:
        StoreFault: The mark cannot be set.
        OSError: The folder cannot be written.
    """
    hasten_page(paths)
    for cache in (*project_caches(paths), cache_path(paths, None)):
        remove_pair(cache)


def touch_pages(paths: StorePaths) -> None:
    """Date every page now, since it was found to be the one that a render would give.

    A hook serves none that nobody has looked at for long.

    Raises:
        OSError: The folder cannot be written.
    """
    for cache in (*project_caches(paths), cache_path(paths, None)):
        if cache_modified(cache) is not None:
            os.utime(cache, follow_symlinks=False)


def sync_pages(paths: StorePaths) -> None:
    """Return when the pages that were written last are the ones that a power cut leaves.

    Raises:
        OSError: The disk failed.
    """
    sync_folder(paths.root)
    if (paths.root / PROJECT_FOLDER).is_dir():
        sync_folder(paths.root / PROJECT_FOLDER)


def clear_leftovers(paths: StorePaths) -> None:
    """Remove temporary files of killed writers; the caller must hold the refresh lock.

    Such a file is a whole page, which may show memories that were forgotten since.

    Raises:
        OSError: The folder cannot be written.
    """
    leftovers = [*paths.root.glob(f"{GLOBAL_CACHE.removesuffix('.md')}.*.tmp")]
    leftovers += (paths.root / PROJECT_FOLDER).glob("*.tmp")
    for path in leftovers:
        path.unlink(missing_ok=True)


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
