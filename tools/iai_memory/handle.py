"""A store with its model and its session-start pages, each opened at its first use.

Also the upkeep of a store: the work due after a commit, and sleep.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .base.ledger import Ledger, clean_with
from .base.paths import StorePaths
from .base.progress import ProgressCallback, ignore_progress, never_interrupted
from .base.zone import user_zone
from .capture.spool import Spool
from .embedding.encoder import Encoder
from .embedding.identity import DIMENSION, published_as
from .embedding.model import EmbeddingModel
from .embedding.model_files import ModelFiles, chosen_model
from .errors import ModelFault, StoreLost, StoreMismatch, StoreUnavailable
from .maintenance.after_commit import after_commit, compact_if_due, refresh_cached_page
from .privacy.redaction import redact
from .projects.folders import resolved_folder
from .projects.identity import project_of
from .recall.features import release_features
from .recall.legibility import release_legibility
from .session_start.refresh import PageManager
from .session_start.view import PageOptions
from .settings import Settings, load_settings
from .store.erasures import Erasures
from .store.loss import KnownLoss
from .store.names import stored_place
from .store.open_table import Opening
from .store.table import Store

if TYPE_CHECKING:
    from .maintenance.sleep import SleepReport


_log = logging.getLogger(__name__)


clean_with(lambda text: redact(text).text)


class StoreHandle:
    """The parts that a memory works with, and the upkeep of its store.

    Attributes:
        settings: Of this process.
        paths: The store's files.
        ledger: The store's events.
        own_project: The project of the user's folder; None without a folder.
        default_project: The same, but None for the root of the file system and the home folder,
            in which a host starts that has no folder of a project.
    """

    def __init__(
        self,
        store: str | Path | None = None,
        *,
        settings: Settings | None = None,
        cwd: str | Path | None = None,
        origin: str = "cli",
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        """Bind a store without opening it.

        Args:
            store: Its folder; None takes that of the settings.
            settings: None reads the environment.
            cwd: The folder that the user works in; its project is the own one.
            origin: Who vouches for what this object ingests: hook, tool, import or cli.
            on_commit: Called after each commit; without it, this object compacts the store and
                refreshes the session-start page by itself.

        Raises:
            InvalidInput: An environment variable has a value that cannot be used.
        """
        chosen = settings or load_settings()
        if store is not None:
            chosen = chosen.model_copy(update={"store": Path(store).expanduser().absolute()})
        self.settings = chosen
        self.paths = StorePaths(chosen.store)
        self.ledger = Ledger(self.paths)
        self._cwd = cwd
        self._folder = None if cwd is None else project_of(cwd)
        self.own_project = stored_place(self._folder.name) if self._folder else None
        self.default_project = None if self.own_project in _no_projects() else self.own_project
        self._joined_at = ""
        self._origin = origin
        self._on_commit = on_commit
        self._opening = threading.RLock()
        self._wrote = False
        self._forgot = Erasures(self.paths).stamp()
        self._model = EmbeddingModel(chosen)
        self._store: Store | None = None
        self._embedder = ""
        self._store_id: str | None = None
        self._loss: KnownLoss | None = None

    @property
    def zone(self) -> tzinfo:
        """The user's time zone now; who travels has another one later."""
        return user_zone(self.settings.tz)

    @property
    def model(self) -> ModelFiles | None:
        """The model's files, looked for at each call until they are found; None without any.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        return self._model.files

    @property
    def encoder(self) -> Encoder | None:
        """The loaded model, or None where none is installed.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        return self._model.encoder

    @property
    def is_warm(self) -> bool:
        """Whether the model is loaded, so that a recall takes milliseconds; loads nothing."""
        return self._model.is_loaded

    @property
    def model_fix(self) -> str:
        """The command to run where there is no model, or one that cannot be used."""
        return self._model.fix

    def other_model(self) -> str | None:
        """Return that the store keeps another model than the one that was installed last, and how
        to change that; None where it is the same, or where the settings name one.

        Raises:
            StoreFault: The store cannot be opened.
            ModelCorrupt: What was installed last is not known.
        """
        if self.settings.model is not None:
            return None
        chosen, written = chosen_model(self.settings), self.store.embedder
        if written == chosen.key:
            return None
        return (
            f"the store holds vectors of {written}, which stays in use: run `iai-mcp model "
            f"reembed` to embed everything by {chosen.model}"
        )

    def release(self) -> bool:
        """Free the memory of the model, the snapshot and the features until their next use.

        Threads that are encoding or searching finish undisturbed. Returns whether the model was
        loaded.
        """
        loaded = self._model.release()
        with self._opening:
            store = self._store
        if store is not None:
            store.release()
        release_features()
        release_legibility()
        return loaded

    def forget_erased(self) -> int:
        """Drop what this process holds in memory if something was erased since the last call.

        The memory is given back, not overwritten. Returns the number of the last erasure.
        """
        from .maintenance.memory_of_servers import clear_caches

        erasures = Erasures(self.paths)
        stamp = erasures.stamp()
        number = erasures.now().number
        if stamp == self._forgot:
            return number
        with self._opening:
            self._store = None  # opened anew at its next use: nothing of the old one is looked at
        clear_caches()
        gc.collect()
        self._forgot = stamp
        return number

    @property
    def embedder_key(self) -> str:
        """Key of the embedder that this process would use; a damaged one counts as ours."""
        return self._model.key

    @property
    def store(self) -> Store:
        """The opened table; opened anew where the store's folder went away and came back.

        Also where another process embedded it by another model: then that one is used here too.

        Raises:
            StoreLost: It was deleted or moved away, or another one lies in its place.
            StoreMismatch: It holds vectors of a model that this process is not to use.
            StoreFault: It cannot be opened.
        """
        with self._opening:
            store = self._store
            if store is None or not store.is_in_place() or self._was_reembedded(store):
                self._store = store = self._opened_store()
                self._store_id = store.id
                self._embedder = store.embedder
            return store

    def _was_reembedded(self, store: Store) -> bool:
        """Return whether the table holds another model's vectors than when it was opened.

        Of one that cannot be read nobody knows; whoever reads it is told why, the page's sidecar in
        its own words.
        """
        try:
            return store.embedder != self._embedder
        except StoreUnavailable:
            return False

    def page_manager(self, on_step: Callable[[str], None] | None = None) -> PageManager:
        """Return the manager of the pages; `on_step` is called with each step of its refreshes."""
        store = self.store  # says by which model
        options = PageOptions(
            min_interval_sec=self.settings.session_cache_refresh_min_sec,
            budget_tokens=self.settings.payload_tokens,
            embedder=self.embedder_key,
            zone=self.zone,
        )
        return PageManager(store, self.ledger, options, on_step, self._note_page_hits)

    def _note_page_hits(self) -> None:
        from .injection.page_hits import note_page_hits

        note_page_hits(self.paths, self.ledger)

    def change_token(self) -> tuple[object, ...]:
        """Return a value that changes when any process commits or a hook reports a turn.

        Costs microseconds. An equal value proves nothing was committed only until the next tick
        compares watermarks.
        """
        erased = Erasures(self.paths).stamp()
        return (self.store.change_token(), *Spool(self.paths).change_token(), *erased)

    def close(self) -> None:
        """Refresh the cached page if this object changed the store: no server may be running."""
        if self._wrote:
            self._wrote = False
            try:
                refresh_cached_page(self.page_manager(), "shutdown")
            except StoreLost as exc:
                _log.info("the page is not refreshed: %s", exc)

    def upkeep(self) -> bool:
        """Compact the store if its budget of commits is used up; return whether it did."""
        return compact_if_due(self.store)

    def needs_sleep(self) -> bool:
        """Return whether memories were stored or changed since the last sleep that finished.

        Raises:
            StoreFault: The store could not be read.
        """
        from .maintenance.sleep import needs_sleep

        return needs_sleep(self.store)

    def sleep(
        self,
        *,
        force: bool = False,
        interrupted: Callable[[], bool] = never_interrupted,
        progress: ProgressCallback = ignore_progress,
    ) -> SleepReport:
        """Compact, embed what is pending, build the topic map, refresh the pages.

        Does nothing while another process sleeps on the store, or where nothing changed since the
        last sleep and `force` is not set. See `maintenance.sleep.sleep`.

        Raises:
            StoreFault: A step failed; the steps before it are kept.
        """
        from .maintenance.sleep import sleep

        return sleep(
            self.store,
            self._model,
            self.page_manager(),
            self.ledger,
            committed=self._committed,
            force=force,
            interrupted=interrupted,
            progress=progress,
        )

    def _opened_store(self) -> Store:
        if self._loss is not None:
            self._loss.require_change()
        try:
            store = self._open_store(check=True)
        except StoreLost as exc:
            self._loss = KnownLoss(self.paths, exc)
            raise
        self._loss = None
        return store

    def _usable_encoder(self) -> tuple[Encoder | None, ModelFault | None]:
        """Return `EmbeddingModel.usable` of the model whose vectors the store holds.

        Raises:
            StoreFault: The store cannot be opened.
        """
        _ = self.store  # says which model that is
        return self._model.usable()

    def _open_store(self, *, check: bool) -> Store:
        """Open the table, by the published model whose vectors it holds unless the settings name
        another; unchecked, by the one that this process would embed it with.
        """
        try:
            return self._opened_table(check=check)
        except StoreMismatch as exc:
            if exc.embedder is None:
                raise
            if not self._model.follow(exc.embedder):
                raise self._set_to_another_model(exc) from exc
        return self._opened_table(check=check)

    def _set_to_another_model(self, refused: StoreMismatch) -> StoreMismatch:
        """Return the refusal; of vectors that a published model made, with the way to keep them."""
        model = published_as(refused.embedder or "")
        if model is None or self.settings.model is None:
            return refused
        return StoreMismatch(
            f"{self.paths.root} holds vectors of {model.model}, and IAI_MCP_MODEL names "
            f"{self.settings.model}, which makes others: unset it, or run `iai-mcp model reembed` "
            f"to replace them",
            refused.embedder,
        )

    def _opened_table(self, *, check: bool) -> Store:
        opening = Opening(
            embedder=self.embedder_key,
            dimension=DIMENSION,
            budget=self.settings.commit_budget,
            check=check,
            snapshot_bytes=self.settings.copy_mb << 20,
            known_id=self._store_id,
            elsewhere=partial(_backups_elsewhere, self.paths, self.settings),
        )
        return Store(self.paths, opening)

    def _committed(self) -> None:
        if self._on_commit is not None:
            self._on_commit()
            return
        self._wrote = True
        after_commit(self.store, self.page_manager())


def _backups_elsewhere(paths: StorePaths, settings: Settings) -> list[str]:
    # No method: the process keeps the check of a store's folder, which must not keep the store.
    from .backup.place import backups_elsewhere

    return backups_elsewhere(paths, settings)


def _no_projects() -> tuple[str | None, ...]:
    return "/", resolved_folder(os.environ.get("HOME") or "/")
