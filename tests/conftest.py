"""The real model, temporary folders, and markers that tell which tests use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support.checkout import ROOT
from tests.support.quick_folders import choose_quick_folders
from tests.support.shells import EACH_SHELL, let_known_failure_fail

from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.model_files import open_model

# A deadline of each example would be a time limit on a machine that has other work to do.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

MARKERS = {"model_folder": "model", "tmp_path": "files", "tmp_path_factory": "files"}


def pytest_configure() -> None:
    """Chooses where temporary folders are before the first one is made."""
    choose_quick_folders()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test by the fixtures that it uses, so that `make check` can leave it out."""
    for item in items:
        if isinstance(item, pytest.Function):
            for name in {MARKERS[name] for name in item.fixturenames if name in MARKERS}:
                item.add_marker(name)


@pytest.fixture(scope="session")
def model_folder() -> Iterator[Path]:
    """The real model, only to read: IAI_MCP_MODEL, else where `make setup` puts it.

    It stays loaded, so that a memory of any test is given that one: a thousand of them take a
    minute to load it.
    """
    named = os.environ.get("IAI_MCP_MODEL")
    folder = ROOT / ".cache" / "model" if named in (None, "", "installed") else Path(named)
    if not folder.is_dir():
        pytest.fail(f"no embedding model in {folder}: run `make setup`")
    files = open_model(folder, "settings")
    assert files is not None
    loaded = load_encoder(files)
    yield folder
    del loaded


@pytest.fixture(params=EACH_SHELL)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """The command line of a shell; a test that uses it runs once for each that is installed."""
    command: list[str] = request.param
    let_known_failure_fail(request, command)
    return list(command)
