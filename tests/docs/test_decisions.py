"""Each decision has a page with the same headings, and stands in the index."""

from __future__ import annotations

import re

import pytest
from tests.support.checkout import ROOT
from tests.support.documents import read

FOLDER = ROOT / "docs" / "decisions"
DECISIONS = sorted(path.name for path in FOLDER.glob("*.md") if path.name != "README.md")
HEADINGS = ["Decided", "Measured", "Rejected", "Look again when"]


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_what_was_measured_and_when_to_look_again(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert re.findall(r"^## (.*)$", text, re.M) == HEADINGS
    assert re.search(r"\d", text.partition("## Measured")[2].partition("## Rejected")[0])
    assert len(text.splitlines()) <= 45


def test_every_decision_stands_in_the_index() -> None:
    index = read("docs/decisions/README.md")
    assert sorted(re.findall(r"\]\(([\w-]+\.md)\)", index)) == DECISIONS
