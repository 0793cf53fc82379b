"""What each way of installing leaves, and the commands that follow from it."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.checkout import ROOT

from iai_memory.base import installation
from iai_memory.base.installation import Installation, Installer, this_installation, why_fleeting

WHEEL = "/home/ann/My files/iai_mcp-0.1.0-py3-none-any.whl"


def _installed(
    monkeypatch: pytest.MonkeyPatch, prefix: Path, left: str | None, noted: str | None
) -> None:
    """Make this process one of a wheel in a folder in which an installer left a file."""
    prefix.mkdir()
    if left is not None:
        (prefix / left).write_text("")
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(installation, "_FOLDER_OF_CODE", prefix / "lib" / "site-packages")
    monkeypatch.setattr(
        importlib.metadata, "distribution", lambda _: SimpleNamespace(read_text=lambda _: noted)
    )


@pytest.mark.parametrize(
    ("left", "installer", "reinstall", "extend"),
    [
        (
            "uv-receipt.toml",
            Installer.UV_TOOL,
            "uv tool upgrade --reinstall iai-mcp",
            f"uv tool install --force --with onnx '{WHEEL}'",
        ),
        (
            "pipx_metadata.json",
            Installer.PIPX,
            "pipx reinstall iai-mcp",
            "pipx inject --force iai-mcp onnx",
        ),
        (
            None,
            Installer.PIP,
            f"{{python}} -m pip install --force-reinstall '{WHEEL}'",
            "{python} -m pip install --upgrade onnx",
        ),
    ],
)
def test_the_commands_are_those_of_the_installer(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    left: str | None,
    installer: Installer,
    reinstall: str,
    extend: str,
) -> None:
    url = f"file://{WHEEL.replace(' ', '%20')}"
    _installed(monkeypatch, tmp_path / "env", left, json.dumps({"url": url}))

    found = this_installation()

    python = str(tmp_path / "env" / "bin" / "python")
    assert found.installer is installer
    assert found.source == Path(WHEEL)
    assert found.reinstall() == reinstall.format(python=python)
    assert found.add(["onnx"]) == extend.format(python=python)
    assert found.install_durably() == f"uv tool install '{WHEEL}'"


@pytest.mark.parametrize(
    "noted", [None, "", "[]", "no JSON", '{"url": "https://example.org/x.whl"}']
)
def test_where_nobody_noted_the_file_the_command_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noted: str | None
) -> None:
    _installed(monkeypatch, tmp_path / "env", None, noted)

    assert this_installation().reinstall().endswith("pip install --force-reinstall WHEEL")


def test_a_checkout_is_mended_where_it_lies() -> None:
    found = this_installation()
    assert (found.installer, found.source, found.fleeting) == (Installer.CHECKOUT, ROOT, None)
    assert found.reinstall() == f"make -C {shlex.quote(str(ROOT))} setup"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/home/ann/.cache/uv/archive-v0/Xq3", "cache"),
        ("/srv/uv/environments-v2/iai-mcp-12", "cache"),
        ("/home/ann/.local/share/pipx/.cache/5e6", "cache"),
        ("/home/ann/.cache/pipx/5e6", "cache"),
        ("/home/ann/.cache/here/pipx/venvs/iai-mcp", None),
        ("/tmp/env", "temporary"),
        ("/home/ann/.local/share/uv/tools/iai-mcp", None),
        ("/home/ann/.local/share/pipx/venvs/iai-mcp", None),
        ("/home/ann/tmp/env", None),
        ("/tmpfiles/env", None),
    ],
)
def test_what_may_be_gone_tomorrow_is_known_by_its_place(path: str, why: str | None) -> None:
    found = why_fleeting(Path(path))
    assert (found is None) if why is None else (found is not None and why in found)
    assert Installation(Installer.PIP, Path(path), None).fleeting == found
