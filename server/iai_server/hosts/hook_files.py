"""The hook files: inside the wheel, or in the checkout's `hooks/`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from iai_memory.base.installation import this_installation
from iai_memory.errors import StoreUnavailable

RECALL_HOOK: Final = "iai-mcp-session-recall.sh"
CAPTURE_HOOK: Final = "iai-mcp-capture.sh"
PROMPT_HOOK: Final = "iai-mcp-prompt-recall.sh"

# Path below the folder, and mode in the wheel, of every hook file. The files that a script sources
# come before it, so that a script that was just written finds them.
HOOK_FILES: Final = {
    "lib/common.sh": 0o644,
    "lib/json.sh": 0o644,
    "lib/json_escapes.sh": 0o644,
    "lib/root.sh": 0o644,
    "lib/project.sh": 0o644,
    "lib/rendezvous.sh": 0o644,
    "lib/cli.sh": 0o644,
    "lib/answer.sh": 0o644,
    "lib/answer.awk": 0o644,
    "lib/ring.awk": 0o644,
    "lib/waiter.sh": 0o644,
    "lib/iai-mcp-drain.sh": 0o644,
    RECALL_HOOK: 0o755,
    CAPTURE_HOOK: 0o755,
    PROMPT_HOOK: 0o755,
}


def hook_file(name: str) -> Path:
    """Return the path of a hook file, named by a key of `HOOK_FILES`.

    Raises:
        StoreUnavailable: Neither place has it: the installation is damaged.
    """
    packaged = Path(__file__).parents[1] / "hooks" / name
    checkout = Path(__file__).parents[3] / "hooks" / name
    for path in (packaged, checkout):
        if path.is_file():
            return path
    raise StoreUnavailable(f"{packaged} is missing: run `{this_installation().reinstall()}`")
