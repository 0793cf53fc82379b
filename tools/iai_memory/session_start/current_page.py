"""The page for a reader: the cache where it is provably fresh, else rendered now."""

from __future__ import annotations

import time

from ..base.paths import StorePaths
from ..capture.spool import Spool
from ..projects.key import project_key
from ..results import SessionStartPage
from .cache import cache_modified, cache_path, read_sidecar
from .page_ids import ids_on
from .refresh import PageManager


def current_page(
    paths: StorePaths, pages: PageManager, project: str | None, *, refresh: bool
) -> SessionStartPage:
    """Return the page of a project, or of all projects (None), and how fresh its cache is.

    A refresh writes the page of all projects last. If that one is fresh, so is every project's.
    While rings wait, the page is rendered and says so; and where a file of the last session was
    changed since the page was made.

    Args:
        paths: Where the caches are.
        pages: Renders what is not fresh.
        project: Its name.
        refresh: Bring the cache up to date first.

    Raises:
        StoreFault: The store could not be read.
    """
    action: str = pages.refresh("manual").action if refresh else "none"
    cache = cache_path(paths, None if project is None else project_key(project))
    probe, sidecar = pages.probe(), read_sidecar(cache)
    of_all = read_sidecar(pages.cache)
    rings = Spool(paths).waiting().rings
    is_fresh = sidecar and of_all and not rings and probe.same_content(of_all.watermark)
    payload = sidecar.payload.decode("utf-8") if sidecar else ""
    is_behind_files = bool(
        is_fresh and project and not pages.shows_files_as_they_are(project, payload)
    )
    if is_fresh and not is_behind_files:
        age = round(max(0.0, time.time() - (cache_modified(cache) or 0.0)), 1)
        fresh, shown = True, "cached"
        ids = ids_on(cache, payload.encode())
    else:
        page, age = pages.render_now(project, rings=rings), None
        payload, ids = page.payload, page.ids
        fresh, shown = False, "live"
        if is_behind_files and project:
            pages.rewrite(project)
    return SessionStartPage(
        payload=payload,
        generated_at=str(sidecar.fields.get("generated_at")) if sidecar else None,
        age_s=age,
        fresh=fresh,
        watermark=probe.to_fields(),
        action=shown if action == "none" else action,
        memory_ids=ids,
    )
