"""The checks of `iai-mcp doctor`: each link is checked by using it."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from pathlib import Path

from iai_memory import Memory
from iai_memory.base.machine_faults import machine_fault
from iai_memory.base.presence import alive_servers
from iai_memory.embedding.identity import EmbedderIdentity, install_command, published_as
from iai_memory.errors import StoreFault
from iai_memory.results import Freshness

from .at_rest import check_at_rest
from .backup_checks import check_backups
from .capture_checks import check_capture
from .check import BrokenLink, Check, WeakLink, run_check
from .erasure_checks import check_erasures
from .host_checks import check_hosts
from .lock_checks import check_locks
from .prompt_checks import check_prompt_memories, check_prompts
from .round_trip import RoundTrip
from .state_files import check_state_files
from .table_checks import can_be_opened, check_table


def run_checks(memory: Memory, *, full: bool = False) -> list[Check]:
    """Check store, model and page, a round trip in a scratch store, disk, hosts and capture.

    The round trip has a store of its own, so it adds nothing to the memory. Of a store that cannot
    be opened everything else is checked.

    Args:
        memory: The store, its settings, and the folder of the user.
        full: Read all of the table, and not a sample.
    """
    checks = [
        run_check("store folder", lambda: _check_folder(memory)),
        run_check("state files", lambda: check_state_files(memory)),
        run_check("locks", lambda: check_locks(memory)),
        *check_table(memory, full=full),
        run_check("model", lambda: _check_model(memory)),
        run_check("purges", lambda: check_erasures(memory)),
    ]
    if all(check.ok for check in checks if check.name == "table"):  # else they could only repeat it
        checks += [
            run_check("payload", lambda: _check_payload(memory)),
            run_check("project", lambda: _check_project(memory)),
            run_check("servers", lambda: _check_servers(memory)),
        ]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-doctor-") as folder:
        trip = RoundTrip(Path(folder), memory.settings)
        checks += [
            run_check("round trip: capture hook to spool", trip.hook_to_spool),
            run_check("round trip: spool to recall", trip.spool_to_recall),
            run_check("round trip: page to recall hook", trip.page_to_hook),
        ]
    checks.append(run_check("backups", lambda: check_backups(memory)))
    checks.append(run_check("prompts", lambda: check_prompts(memory)))
    checks.append(run_check("prompt memories", lambda: check_prompt_memories(memory)))
    return [*checks, *check_at_rest(memory), *check_hosts(memory), *check_capture(memory)]


def _check_folder(memory: Memory) -> str:
    root = memory.paths.root
    if not can_be_opened(memory) and not root.is_dir():  # to open it makes the folder
        raise BrokenLink(f"{root} is no folder, and none can be made: see the check of the table")
    mode = root.stat().st_mode & 0o777
    if mode & 0o077:
        raise BrokenLink(f"{root} can be read by others (mode {mode:o}): run `chmod 700 {root}`")
    if not os.access(root, os.W_OK):
        raise BrokenLink(_unwritable(root))
    return f"{root}, mode {mode:o}"


def _unwritable(root: Path) -> str:
    """Return why the folder cannot be written and what helps: chmod helps no read-only mount."""
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        return machine_fault(OSError(errno.EROFS, os.strerror(errno.EROFS)), f"{root} is no use")
    if root.stat().st_uid != os.geteuid():
        return f"{root} belongs to somebody else: set IAI_MCP_STORE to a folder of yours"
    return f"{root} cannot be written: run `chmod u+w {root}`"


def _check_model(memory: Memory) -> str:
    other = _other_model(memory)
    files = memory.model
    if files is None:
        raise BrokenLink(f"no model, recall finds by words only: run `{memory.model_fix}`")
    files.verify()
    encoder = memory.encoder  # whole files may be no model
    assert encoder is not None, "the files are there"
    encoder.encode(["The quick brown fox."])
    known = f"{files.identity.key}, every file has its sha256"
    return "; ".join(filter(None, [known, _token_vectors(memory, files.identity), other]))


def _token_vectors(memory: Memory, identity: EmbedderIdentity) -> str | None:
    """Return what of the late interaction is missing; recall goes on without, so it is no fault."""
    known = published_as(identity.key)
    if known is not None and identity.token_key != known.token_key:
        again = f"run `{install_command(known.model)}`"
        return f"an earlier iai-mcp installed it, without token vectors: {again}"
    if identity.token_key is None or not memory.paths.database.exists():
        return None
    try:
        waiting = memory.store.latest.count_lacking_tokens(identity.token_key)
    except StoreFault:  # the check of the table says so
        return None
    if not waiting:
        return None
    return f"{waiting:,} memories wait for token vectors, which a server or `iai-mcp sleep` makes"


def _other_model(memory: Memory) -> str | None:
    """Return that the store keeps another model than the one installed last; None for neither, and
    for a store that cannot be opened, which its own check says.
    """
    try:
        return memory.other_model() if memory.paths.database.exists() else None
    except StoreFault:
        return None


def _check_payload(memory: Memory) -> str:
    fresh = memory.status().freshness
    caches = sorted((memory.paths.root / "session-start").glob("*.cached.md"))
    ages = [time.time() - cache.stat().st_mtime for cache in caches]
    if fresh.age_s is None:
        return "no cache yet; a server or `iai-mcp session-start --refresh` writes it"
    if not fresh.fresh and fresh.behind:
        behind = f"{fresh.behind} records behind the store"
        if _fails(fresh):
            raise BrokenLink(f"{behind}, last failure {fresh.last_failure}: see `iai-mcp events`")
        # So after each kill of the last server; the next one, or a drain, brings it up to date.
        raise WeakLink(f"{behind}: run `iai-mcp session-start --refresh`")
    projects = f", {len(ages)} project pages, the oldest {max(ages):.0f} s" if ages else ""
    return f"{fresh.age_s:.0f} s old, {fresh.reason}, last success {fresh.last_success}{projects}"


def _fails(fresh: Freshness) -> bool:
    """Return whether the last refresh that ended failed."""
    return fresh.last_failure is not None and fresh.last_failure > (fresh.last_success or "")


def _check_project(memory: Memory) -> str:
    """Say which project this folder is; one without memories may have been called otherwise."""
    fault = memory.store.aliases.fault()
    if fault is not None:
        raise BrokenLink(fault)
    if memory.default_project is None:
        return "none, this folder is no project's"
    if (offered := memory.offered_project()) is not None:
        raise WeakLink(offered)
    here = [one for one in memory.projects().all().projects if one.here]
    if not here:
        return f"{memory.default_project}, nothing yet for this project"
    also = f", also {', '.join(here[0].names)}" if here[0].names else ""
    count = here[0].memories
    return f"{here[0].name}{also}, {'1 memory' if count == 1 else f'{count:,} memories'}"


def _check_servers(memory: Memory) -> str:
    servers = alive_servers(memory.paths)
    if not servers:
        return "none runs now; the hook renders the page itself where the cache is old"
    found = ", ".join(f"pid {one.pid} is in {one.state}, since {one.started_at}" for one in servers)
    stuck = [one for one in memory.status().servers if one.step is not None]
    if stuck:
        steps = ", ".join(f"pid {one.pid} is at {one.step}" for one in stuck)
        raise WeakLink(f"{steps}: see what that file is, or end the process")
    return found
