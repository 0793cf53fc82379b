"""The `iai-mcp` command."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line and exit with its code: 0, 1 on a failure, 2 on a usage error."""
    # What this process writes is about a person's memories: nobody else may read it.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A locale without a memory's characters must not keep the rest of it from being shown.
            stream.reconfigure(errors="backslashreplace")
    from iai_server.cli.main import run

    from .startup.lance_log import filter_lance_log

    filter_lance_log()
    sys.exit(run())


if __name__ == "__main__":
    main()
