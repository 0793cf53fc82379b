"""Packages whose `__init__` imports much more than is used of them run it when it is first needed.

lancedb needs the data classes of lance-namespace's REST client, and importing any of them runs the
client's `__init__`: a third of the processor time of importing lancedb, and 14 MB, for services
that a folder on this machine never asks.
"""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_running = threading.RLock()


class _Deferred(ModuleType):
    """A package that has a place to find its submodules in, and nothing else yet."""

    _has_run = False

    def __getattr__(self, name: str) -> Any:
        with _running:
            if not self._has_run and self.__spec__ and self.__spec__.loader:
                # Before it runs: its `__init__` asks for names too.
                self._has_run = True
                self.__spec__.loader.exec_module(self)
        return super().__getattribute__(name)


def defer(package: str) -> None:
    """Makes an import of the package or of its submodules run its `__init__` at the first name.

    Nothing happens where it was imported before, or is not installed.
    """
    if package in sys.modules:
        return
    spec = find_spec(package)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[package] = module
