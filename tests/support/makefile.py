"""The Makefile as data."""

from __future__ import annotations

import re

from .checkout import ROOT


def public_targets() -> list[str]:
    """The targets that a user calls: those declared phony."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", text, re.M)
    assert declared is not None
    return declared[1].replace("\\\n", " ").split()
