"""Where the hook scripts are: inside the wheel, or in the checkout's `hooks/`."""

from __future__ import annotations

from pathlib import Path

from iai_memory.errors import StoreUnavailable

RECALL_HOOK = "iai-mcp-session-recall.sh"
CAPTURE_HOOK = "iai-mcp-capture.sh"


def hook_file(name: str) -> Path:
    """The script of that name.

    Raises:
        StoreUnavailable: Neither place has it: the installation is damaged.
    """
    packaged = Path(__file__).parents[1] / "hooks" / name
    checkout = Path(__file__).parents[3] / "hooks" / name
    for path in (packaged, checkout):
        if path.is_file():
            return path
    raise StoreUnavailable(f"{packaged} is missing: run `pip install --force-reinstall iai-mcp`")
