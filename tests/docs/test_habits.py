"""What `make`, the commit hooks and the templates of issues offer is there."""

from __future__ import annotations

import re
import subprocess

from tests.support.checkout import ROOT
from tests.support.makefile import public_targets


def test_make_help_has_a_line_for_every_public_target() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines()]

    assert sorted(name for name, _ in listed) == sorted(public_targets())
    assert all(len(text) > len("no text") for _, text in listed)


def test_the_commit_hooks_call_targets_that_exist() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    called = re.findall(r"entry: make ([a-z-]+)$", hooks, re.M)

    assert called == ["lint", "check"]
    assert set(called) <= set(public_targets())
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]


def test_a_templates_make_targets_and_files_exist() -> None:
    templates = [path for path in (ROOT / ".github").rglob("*.md") if path.is_file()]
    assert len(templates) == 3
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"`make ([a-z-]+)`", text)) <= set(public_targets()), path
        for name in re.findall(r"[\w/]+\.md\b", text):
            assert (ROOT / name).is_file(), f"{path.name} names {name}"
