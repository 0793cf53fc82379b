"""The embedding model of one process: found, loaded at its first use, given back."""

from __future__ import annotations

import threading

from ..errors import MemoryFault, ModelFault, ModelMissing
from ..settings import Settings
from .encoder import Encoder, load_encoder
from .identity import IDENTITY, EmbedderIdentity, install_command, published_as
from .model_files import ModelFiles, chosen_model, find_model


class EmbeddingModel:
    """The model that the settings name; safe to use from several threads.

    Where they name none, it is the published one whose vectors the opened store holds; before that,
    the one that was installed last.
    """

    def __init__(self, settings: Settings) -> None:
        """Bind the settings; nothing is looked for yet."""
        self._settings = settings
        self._guard = threading.RLock()
        self._files: ModelFiles | None = None
        self._encoder: Encoder | None = None
        self._followed: EmbedderIdentity | None = None

    def follow(self, key: str) -> bool:
        """Use the published model with this key from now on; return whether that is possible.

        Whether it is installed or not: without it words are found, and `fix` names its command.
        """
        wanted = published_as(key)
        if wanted is None or self._settings.model is not None:
            return False
        self._use(wanted)
        return True

    def follow_choice(self) -> None:
        """Use the model that was installed last from now on."""
        self._use(None)

    @property
    def files(self) -> ModelFiles | None:
        """The model's files, or None; looked for at each call until they are found.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        with self._guard:
            if self._files is None:
                self._files = find_model(self._settings, self._followed)
            return self._files

    @property
    def encoder(self) -> Encoder | None:
        """The loaded model, or None where none is installed; the first call loads it.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        with self._guard:
            if self._encoder is None and self.files is not None:
                self._encoder = load_encoder(self.files, threads=self._settings.threads)
            return self._encoder

    @property
    def is_loaded(self) -> bool:
        """Whether the next text is encoded without loading anything first; waits for nobody."""
        return self._encoder is not None

    def usable(self) -> tuple[Encoder | None, ModelFault | None]:
        """Return the loaded model, or None and why the files that are there cannot be used.

        For work that goes on without a model: words are found, vectors follow later.
        """
        try:
            return self.encoder, None
        except ModelFault as exc:
            return None, exc

    @property
    def fix(self) -> str:
        """The command to run where there is no model, or one that cannot be used."""
        if self._settings.model is not None:
            return "unset IAI_MCP_MODEL"
        return install_command(self._wanted.model)

    def require_files(self) -> ModelFiles:
        """Return the model's files.

        Raises:
            ModelMissing: None is installed.
            ModelFault: Files are there and cannot be used.
        """
        files = self.files
        if files is None:
            raise ModelMissing(f"no embedding model is installed: run `{self.fix}`")
        return files

    def require_encoder(self) -> Encoder:
        """Return the loaded model.

        Raises:
            ModelMissing: None is installed.
            ModelFault: Files are there and cannot be used.
        """
        self.require_files()
        encoder = self.encoder
        assert encoder is not None, "files that were found are kept"
        return encoder

    def files_or_fault(self) -> ModelFiles | MemoryFault | None:
        """Return the model's files, None without any, or the error that makes them unusable."""
        try:
            return self.files
        except MemoryFault as exc:
            return exc

    @property
    def key(self) -> str:
        """Key of the embedder that this process uses.

        Without a model, or with a damaged one, the key of the published model that it wants.
        """
        files = self.files_or_fault()
        return (files.identity if isinstance(files, ModelFiles) else self._wanted).key

    def release(self) -> bool:
        """Free the loaded model until its next use; return whether it was loaded.

        Threads that are encoding finish with the model that they have.
        """
        with self._guard:
            loaded, self._encoder = self._encoder is not None, None
        return loaded

    @property
    def _wanted(self) -> EmbedderIdentity:
        """The published model that is used where the settings name none."""
        if self._settings.model is not None:
            return IDENTITY
        try:
            return self._followed or chosen_model(self._settings)
        except ModelFault:
            return IDENTITY

    def _use(self, wanted: EmbedderIdentity | None) -> None:
        with self._guard:
            self._followed, self._files, self._encoder = wanted, None, None
