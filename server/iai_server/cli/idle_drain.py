"""The answer of `iai-mcp drain` where nothing waits, without typer, pydantic or LanceDB.

The capture hook starts a drain after each turn. Nearly always a server was faster.
"""

from __future__ import annotations

import os

NOTHING = "nothing waits"
_DEFAULT_STORE = "~/.iai-mcp"


def is_idle() -> bool:
    """Return whether a drain would find nothing to do; False where that is not certain."""
    from iai_memory.base.page_mark import is_urgent, page_mark
    from iai_memory.base.paths import StorePaths
    from iai_memory.capture.session_state import has_work
    from iai_memory.capture.spool import Spool
    from iai_memory.errors import StoreFault
    from iai_memory.store_setting import store_folder

    try:
        paths = StorePaths(store_folder(os.environ.get("IAI_MCP_STORE") or _DEFAULT_STORE))
    except ValueError:  # the command itself says what is wrong with it
        return False
    try:
        if os.path.lexists(paths.identity) and not paths.table.exists():
            return False  # the store is lost, which the command itself says
        if has_work(paths) or is_urgent(page_mark(paths)):
            return False
        return not Spool(paths).faults()
    except StoreFault:
        return False
