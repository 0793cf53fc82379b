"""The folder that `IAI_MCP_STORE` names, by the rules that `hooks/lib/common.sh` has too.

Hooks, servers and commands start in different folders. A value that each of them would read in its
own way is refused by all: else memories would be kept where nobody looks for them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_VARIABLE: Final = re.compile(r"(?:^|/)\$[A-Za-z_{]")


def store_folder(value: str) -> Path:
    """Return the absolute folder that the setting names; only `~` and `~/` are expanded.

    Raises:
        ValueError: The value names no folder, or not the same one everywhere; the text says why.
    """
    if _VARIABLE.search(value):
        raise ValueError("it has a variable that nobody replaced: write the whole path")
    if value == "~" or value.startswith("~/"):
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            raise ValueError("it begins with ~, and HOME is no absolute path: write the whole path")
        return Path(home + value[1:])
    if value.startswith("~"):
        raise ValueError("it begins with the name of a user: write the whole path")
    if _SCHEME.match(value):
        raise ValueError("it has a scheme, where a folder belongs: write the whole path")
    if not value.startswith("/"):
        raise ValueError("it is relative, and every host starts elsewhere: write the whole path")
    return Path(value)
