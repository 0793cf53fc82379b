"""The shells that run the hooks in tests."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

_COMMANDS = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
    "yash": ["yash", "--posixly-correct"],
}
_ALWAYS_THERE = ("dash", "bash")  # in every Debian
_NEVER_SH = ("mksh", "ksh93", "yash")  # no system's /bin/sh: with the slow tests

# A test's parameter for each shell: its command line, under its name. A shell that is not installed
# is a skipped test; `apt-get install busybox mksh ksh93u+m yash` makes all of them run.
EACH_SHELL = [
    pytest.param(
        command,
        id=name,
        marks=[
            pytest.mark.skipif(
                name not in _ALWAYS_THERE and shutil.which(command[0]) is None,
                reason=f"{name} is not installed",
            ),
            *([pytest.mark.slow] if name in _NEVER_SH else []),
        ],
    )
    for name, command in _COMMANDS.items()
]


# What two shells cannot do. No system has them as /bin/sh, so the hooks do not work around it.
ksh93_needs_room = pytest.mark.known_failure(
    "ksh93", "keeps what a command prints in a file, for which a full disk has no room"
)
yash_loses_bytes = pytest.mark.known_failure(
    "yash", "keeps text as characters, and the hooks' C locale has none above ASCII"
)
yash_loses_bytes_of_some = pytest.mark.known_failure(*yash_loses_bytes.args, strict=False)
# Not run: it fails by waiting until the test's timeout, two minutes later.
yash_waits = pytest.mark.known_failure(
    "yash", "can bound no read, and no signal ends one", run=False
)


def let_known_failure_fail(request: pytest.FixtureRequest, command: list[str]) -> None:
    """Expects the failure that the test's mark `known_failure` names for the shell.

    The mark has the shell's name and the reason; with `strict=False` not every parameter fails, and
    with `run=False` the test is not run.
    """
    for mark in request.node.iter_markers("known_failure"):
        shell, reason = mark.args
        if command == _COMMANDS[shell]:
            how: dict[str, Any] = {"strict": True, **mark.kwargs}
            request.applymarker(pytest.mark.xfail(reason=f"{shell}: {reason}", **how))
