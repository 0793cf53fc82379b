"""`iai-mcp disconnect` takes out what is ours and leaves every other byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.host_files import HOSTS, everything, host_files, originals, put

from iai_server.cli.main import run

pytestmark = pytest.mark.usefixtures("home")


def test_disconnect_leaves_what_others_registered(home: Path) -> None:
    server = put(host_files(home, "claude-code")[0], '{"mcpServers": {"iai-mcp": {"url": "x"}}}')
    before = everything(home)

    assert run(["disconnect", "claude-code"]) == 0

    assert server.exists()
    assert everything(home) == before


TOML = 'model = "o" # fast\n'
JSON = '{"mcpServers": {}, "hooks": {}, "a": [1.50, "\\u00e9"]}'
COMMENTED = """// mine
{
  "theme": "dark", // at night
  /* "old": 1, */
  "a": [1.50,],
}
"""


@pytest.mark.parametrize("content", [JSON, COMMENTED], ids=["plain", "commented"])
@pytest.mark.parametrize("name", HOSTS)
def test_disconnect_after_other_changes_takes_out_ours_alone(
    name: str, content: str, home: Path
) -> None:
    for file in host_files(home, name):
        put(file, TOML if file.suffix == ".toml" else content)
    assert run(["connect", name]) == 0
    for file in host_files(home, name):
        text = file.read_text(encoding="utf-8")
        file.write_text(
            text + "\n# more\n[tools]\nweb = true\n"
            if file.suffix == ".toml"
            else text.replace('"a": [', '"b": {}, "a": ['),
            encoding="utf-8",
        )

    assert run(["disconnect", name]) == 0

    for file in host_files(home, name):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            assert text == TOML + "\n# more\n[tools]\nweb = true\n"
        else:
            assert text == content.replace('"a": [', '"b": {}, "a": [')
    assert originals(home) == {}
