"""Doctor says what of the late interaction is missing, and calls it no fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_server.doctor.checks import run_checks


def of_model(memory: Memory) -> str:
    [model] = [check for check in run_checks(memory) if check.name == "model"]
    assert model.ok
    return model.finding


def test_a_model_of_before_is_named_with_the_command(tmp_path: Path, model_folder: Path) -> None:
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["identity"]["tokens"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    memory = Memory(settings=load_settings(store=tmp_path / "store", model=folder))
    memory.ingest(["the ferry leaves at nine", "the gulls sleep"])
    assert "run `iai-mcp model install`" in of_model(memory)
    assert memory.recall("when does the ferry leave?").hits

    later = Memory(settings=load_settings(store=tmp_path / "store", model=model_folder))
    assert "2 memories wait for token vectors" in of_model(later)
    assert later.fill_tokens() == 2
    assert "token vectors" not in of_model(later)
