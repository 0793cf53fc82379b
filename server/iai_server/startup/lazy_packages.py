"""Packages whose `__init__` runs when a name of it is first used, not when it is imported.

A server needs submodules of the MCP SDK, and importing any of them runs the package's `__init__`,
which imports the SDK's client. `importlib.util.LazyLoader` does not help: the import of a submodule
reads `__path__`, which already loads the package.
"""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_run_lock = threading.RLock()


class _LazyPackage(ModuleType):
    """A package that can find its submodules, and whose `__init__` has not run yet."""

    _has_run = False

    def __getattr__(self, name: str) -> Any:
        with _run_lock:
            if not self._has_run and self.__spec__ and self.__spec__.loader:
                # Set before it runs: `__init__` uses names of its own package too.
                self._has_run = True
                self.__spec__.loader.exec_module(self)
        return super().__getattribute__(name)


def make_lazy(package: str) -> None:
    """Let an import of the package or of its submodules run its `__init__` at the first name.

    Nothing happens where it was imported before, or is not installed.
    """
    if package in sys.modules:
        return
    spec = find_spec(package)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        module.__class__ = _LazyPackage
        sys.modules[package] = module
