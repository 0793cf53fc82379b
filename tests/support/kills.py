"""Processes that kill themselves in the middle of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

KILLED_AT = """
import importlib, os, signal, sys
from iai_memory import Memory

module_name, step = sys.argv[2].rsplit(".", 1)
module, left = importlib.import_module(module_name), int(sys.argv[3])
work = getattr(module, step)

def killed_there(*arguments):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(*arguments)

setattr(module, step, killed_there)
Memory(sys.argv[1]).store
"""


def open_until_killed(root: Path, step: str, times: int) -> None:
    """Opens the store in a process that is killed when it enters `step` for the nth time."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(root), f"iai_memory.{step}", str(times)],
        env={**os.environ, "IAI_MCP_MODEL": "installed"},
        timeout=100,
    )
    assert killed.returncode == -signal.SIGKILL


DYING = """
import os, pathlib, signal, sys

root, left = pathlib.Path(sys.argv[1]), int(sys.argv[2])

def dying(work):
    def step(*arguments, **more):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **more)
    return step

def die_in(owner, *names):
    for name in names:
        setattr(owner, name, dying(getattr(owner, name)))
"""


def is_killed_in(code: str, root: Path, step: int) -> bool:
    """Runs the code, which is killed in the nth of the calls that it names by `die_in`.

    Returns whether there were as many.
    """
    done = subprocess.run([sys.executable, "-c", DYING + code, str(root), str(step)], timeout=100)
    assert done.returncode in (-signal.SIGKILL, 0)
    return done.returncode != 0
