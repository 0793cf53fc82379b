"""What README promises beyond its commands."""

from __future__ import annotations

import re

from tests.support.command_line import names_a_command
from tests.support.documents import read, section, tables


def test_the_two_commands_that_matter_stand_in_the_first_thirty_lines() -> None:
    top = "\n".join(read("README.md").splitlines()[:30])
    assert "\nmake demo" in top
    assert "\nmake test" in top


def test_install_and_a_first_result_stand_in_the_first_thirty_lines() -> None:
    top = "\n".join(read("README.md").splitlines()[:30])
    for words in ("make setup", "iai-mcp ingest", "iai-mcp recall", "1 hit"):
        assert words in top


def test_nothing_that_is_said_to_be_missing_is_there() -> None:
    missing = re.findall(r"no `iai-mcp ([a-z -]+)`", section("README.md", "What it cannot do yet"))
    assert missing
    assert [name for name in missing if names_a_command(name.split())] == []


def test_every_figure_of_what_it_costs_stands_on_the_scaling_page() -> None:
    costs = section("README.md", "What it costs")
    [table] = tables(costs)
    figures = [cell for row in table for cell in row[1:]]
    figures += re.findall(r"(\d[\d.]*) (?:MiB|ms)", costs.split("\n\n")[-2])

    measured = {
        cell for rows in tables(read("docs/scaling.md")) for row in rows for cell in row[1:]
    }

    assert len(figures) == 11
    assert set(figures) <= measured
