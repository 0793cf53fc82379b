"""The `iai-mcp` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code: 0, 1 on a failure, 2 on a usage error.

    Ctrl-C is 130, as in a shell, at whatever moment it comes.
    """
    try:
        code = _run()
    except KeyboardInterrupt:
        code = 130
    if code == 130:
        # The interpreter's own end would tell of each thing that was interrupted.
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    # What this process writes is about a person's memories: nobody else may read it.
    os.umask(0o077)
    from .startup.standard_streams import prepare_standard_streams

    prepare_standard_streams()
    from .cli.main import run
    from .startup.lance_log import filter_lance_log

    filter_lance_log()
    return run()


if __name__ == "__main__":
    main()
