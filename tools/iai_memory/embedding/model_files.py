"""The model's folder on disk: the search for it, and its check against its manifest.

A model folder holds `model.onnx`, `tokenizer.json` and `manifest.json`. Finding one reads the
manifest and compares sizes, which costs less than a millisecond and catches a truncated copy; only
`ModelFiles.verify` reads every byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base.files import make_private_parents, replace_file
from ..base.foreign_file import read_foreign, within
from ..errors import ForeignFileFault, ModelCorrupt, ModelMissing
from ..store_setting import store_folder
from .convert import CONVERTER_VERSION
from .identity import (
    DIMENSION,
    IDENTITY,
    PUBLISHED,
    EmbedderIdentity,
    install_command,
    published_as,
)

if TYPE_CHECKING:
    from ..settings import Settings

GRAPH_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
MANIFEST_FILE: Final = "manifest.json"
CHOSEN_FILE: Final = "chosen"
"""Beside the folders of the installed models: the name of the one that was installed last."""

BUNDLED_FOLDER = Path(__file__).with_name("bundled")
_CHECKOUT: Final = Path(__file__).parents[3]
_MAX_MANIFEST_BYTES: Final = 1 << 20
_OTHER_SETTING: Final = "unset IAI_MCP_MODEL or point it to a whole model folder"

ModelFileName = Literal["model.onnx", "tokenizer.json"]
ModelOrigin = Literal["settings", "bundled", "installed", "checkout"]


class FileRecord(BaseModel):
    """Size and checksum that the manifest promises of one file."""

    model_config = ConfigDict(frozen=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class SourceRecord(BaseModel):
    """The source of the weights."""

    model_config = ConfigDict(frozen=True)

    upstream: str
    distribution: str
    version: str
    wheel_sha256: str
    licence: str


class Manifest(BaseModel):
    """`manifest.json`: the last file an install writes, and the first that is read."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    identity: EmbedderIdentity
    files: dict[ModelFileName, FileRecord] = Field(min_length=2)
    source: SourceRecord
    converter: int


@dataclass(frozen=True)
class ModelFiles:
    """A model folder whose manifest was read and whose files have the promised sizes.

    Attributes:
        folder: Absolute path of the folder.
        origin: Which rule found it: `settings` (IAI_MCP_MODEL), `bundled` with our wheel,
            `installed` under the store, or `checkout`, made by `make setup`.
        manifest: Its manifest.
    """

    folder: Path
    origin: ModelOrigin
    manifest: Manifest

    @property
    def identity(self) -> EmbedderIdentity:
        """Identity of the vectors that this model makes.

        How cosines and languages are read is what this version of iai-mcp knows of a published
        model, and not what the one knew that installed it.
        """
        written = self.manifest.identity
        known = published_as(written.key)
        return written if known is None else replace(known, tokens=written.tokens)

    @property
    def graph(self) -> Path:
        """The ONNX file."""
        return self.folder / GRAPH_FILE

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's definition."""
        return self.folder / TOKENIZER_FILE

    def verify(self) -> None:
        """Read every byte and compare it with the manifest, which takes a fraction of a second.

        Raises:
            ModelCorrupt: A file differs; the text names the file and the next step.
        """
        for name, promised in self.manifest.files.items():
            try:
                found = sha256_of(self.folder / name)
            except OSError as exc:
                raise self.damaged(f"{name} cannot be read: {exc.strerror}") from exc
            if found != promised.sha256:
                raise self.damaged(
                    f"{name} has sha256 {found[:12]}, its manifest says {promised.sha256[:12]}"
                )

    def damaged(self, reason: str) -> ModelCorrupt:
        """Return the error for this damaged folder, with the reason and the next step."""
        return _damaged(self.folder, self.origin, reason)


def installed_folder(settings: Settings, wanted: EmbedderIdentity = IDENTITY) -> Path:
    """Return the folder under the store that `iai-mcp model install` writes."""
    return settings.store / "models" / wanted.model


def chosen_model(settings: Settings) -> EmbedderIdentity:
    """Return the published model that was installed last, for new stores and `model reembed`.

    Raises:
        ModelCorrupt: The file that says so cannot be read, or names none that is known here.
    """
    path = settings.store / "models" / CHOSEN_FILE
    try:
        if not within(str(path), path.exists):
            return IDENTITY
        name = read_foreign(path, _MAX_MANIFEST_BYTES).decode("utf-8", "replace").strip()
    except ForeignFileFault as exc:
        raise ModelCorrupt(f"{path} {exc.what}: run `{install_command(IDENTITY.model)}`") from exc
    for one in PUBLISHED:
        if one.model == name:
            return one
    raise ModelCorrupt(
        f"{path} names {name[:60]!r}, which this iai-mcp does not know: run "
        f"`{install_command(IDENTITY.model)}`, or upgrade iai-mcp"
    )


def choose_model(settings: Settings, chosen: EmbedderIdentity) -> None:
    """Note that this model was installed last; without a note it is all-MiniLM-L6-v2.

    Raises:
        OSError: The store's folder cannot be written.
    """
    path = settings.store / "models" / CHOSEN_FILE
    if chosen == IDENTITY:
        path.unlink(missing_ok=True)
        return
    make_private_parents(path.parent)
    replace_file(path, f"{chosen.model}\n".encode())


def checkout_folder() -> Path | None:
    """Return the folder where `make setup` puts the model; None where this is no checkout of ours.

    The code says where it lies, whatever folder a command starts in: nobody else's folder counts.
    """
    if Path(__file__).parents[2].name != "tools":
        return None
    try:
        project = read_foreign(_CHECKOUT / "pyproject.toml", _MAX_MANIFEST_BYTES)
    except ForeignFileFault:
        return None
    ours = b'name = "iai-mcp"' in project.splitlines()
    return _CHECKOUT / ".cache" / "model" if ours else None


def find_model(settings: Settings, wanted: EmbedderIdentity | None = None) -> ModelFiles | None:
    """Find the model: IAI_MCP_MODEL, else bundled with our wheel, else installed in the store.

    In a checkout, the one of `make setup` comes last, unless the settings say whether there is one.
    A model but all-MiniLM-L6-v2 is only ever installed. The first place that has a folder decides.
    A folder that cannot be used is an error and never a reason to look further: another model would
    make vectors that the store must refuse.

    Args:
        settings: Of this process.
        wanted: The published model whose vectors the store holds; None is the chosen one.

    Returns:
        The files, or None if no model has been installed.

    Raises:
        ModelMissing: IAI_MCP_MODEL is set and there is no model folder there.
        ModelCorrupt: A folder is there, but not what its manifest promises.
    """
    if settings.model is not None:
        return _named(settings.model)
    wanted = wanted or chosen_model(settings)
    if wanted != IDENTITY:
        return open_model(installed_folder(settings, wanted), "installed")
    found = open_model(BUNDLED_FOLDER, "bundled") or open_model(
        installed_folder(settings), "installed"
    )
    if found is None and settings.takes_any_model and (folder := checkout_folder()):
        return open_model(folder, "checkout")
    return found


def _named(folder: Path) -> ModelFiles:
    """Return the model in the folder of IAI_MCP_MODEL."""
    files = open_model(folder, "settings") if folder.is_absolute() else None
    if files is None:
        try:
            store_folder(str(folder))
            what = f"which does not exist: {_OTHER_SETTING}"
        except ValueError as exc:
            what = f"but {exc}, or unset IAI_MCP_MODEL"
        raise ModelMissing(f"IAI_MCP_MODEL names {folder}, {what}")
    return files


def open_model(folder: Path, origin: ModelOrigin) -> ModelFiles | None:
    """Read the manifest of a model folder and compare the sizes of its files.

    Returns:
        The files, or None if the folder does not exist.

    Raises:
        ModelCorrupt: The folder exists, but not with what a manifest promises, or another version
            of the converter made it.
    """
    try:
        if not within(str(folder), folder.exists):
            return None
        content = read_foreign(folder / MANIFEST_FILE, _MAX_MANIFEST_BYTES)
        manifest = Manifest.model_validate_json(content)
        sizes = {name: (folder / name).stat().st_size for name in manifest.files}
    except ForeignFileFault as exc:
        raise _damaged(folder, origin, f"{Path(exc.path).name} {exc.what}") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = f"{place}: {first['msg']}" if place else first["msg"]
        raise _damaged(folder, origin, f"{MANIFEST_FILE} cannot be used: {said}") from exc
    except OSError as exc:
        name = Path(exc.filename).name if exc.filename else MANIFEST_FILE
        raise _damaged(folder, origin, f"{name} cannot be read: {exc.strerror}") from exc
    for name, promised in manifest.files.items():
        if sizes[name] != promised.bytes:
            raise _damaged(
                folder,
                origin,
                f"{name} has {sizes[name]:,} bytes, its manifest says {promised.bytes:,}",
            )
    if manifest.converter != CONVERTER_VERSION:
        raise _damaged(
            folder,
            origin,
            f"it was converted by version {manifest.converter}, "
            f"this iai-mcp reads version {CONVERTER_VERSION}",
        )
    if manifest.identity.dimension != DIMENSION:
        raise _damaged(
            folder,
            origin,
            f"it makes vectors of {manifest.identity.dimension} numbers, a store holds {DIMENSION}",
        )
    return ModelFiles(folder=folder, origin=origin, manifest=manifest)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, as 64 hex digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path, origin: ModelOrigin, reason: str) -> ModelCorrupt:
    next_step = _next_step(folder, origin)
    return ModelCorrupt(f"the embedding model in {folder} cannot be used ({reason}): {next_step}")


def _next_step(folder: Path, origin: ModelOrigin) -> str:
    """Return what brings a damaged model back where it was."""
    # Imported here: only an error needs it.
    from ..base.installation import this_installation

    match origin:
        case "settings":
            return _OTHER_SETTING
        case "bundled":
            return f"run `{this_installation().reinstall()}`"
        case "installed":
            return f"run `{install_command(folder.name)}`"
        case "checkout":
            return f"remove that folder and run `{this_installation().reinstall()}`"
