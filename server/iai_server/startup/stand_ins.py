"""Stand-ins for the modules with which LanceDB reaches services that no store in a folder calls.

`import lancedb` takes 1.3 s of processor time, and 0.9 s of it builds the pydantic models of
lance-namespace's REST client, for three modules of LanceDB: catalogs, namespaces and the hosted
service. With stand-ins in their places, `import lancedb` finds every name that it asks for, and the
models are never built. Nothing on disk is touched; a process that imported the real modules before
keeps them.

`VERSION` is the series of LanceDB in which this was tried. Beside any other one nothing is put in
place: the commands still work and start as slowly as they would without this module, and
tests/server/startup/test_stand_ins.py fails until somebody has looked.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final, NoReturn

VERSION: Final = "0.40."
STAND_INS: Final = ("lance_namespace", "lancedb.namespace", "lancedb.remote.db")


class _NotLoaded:
    """A class in the place of one that was not loaded: good for `isinstance` and annotations."""

    def __new__(cls, *arguments: object, **options: object) -> NoReturn:
        raise NotImplementedError(
            f"{cls.__module__}.{cls.__qualname__} is not loaded in the commands of iai-mcp, which "
            f"use folders only: call it from a program of your own"
        )


class _StandIn(ModuleType):
    """A module each of whose public names is a class that cannot be used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        made = type(name, (_NotLoaded,), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


def put_stand_ins() -> bool:
    """Put the stand-ins in place for the rest of the process; return whether they are.

    Call it before LanceDB is imported, or nothing happens.
    """
    if "lancedb" in sys.modules or not _is_known():
        return False
    for name in STAND_INS:
        if name not in sys.modules:
            sys.modules[name] = _stand_in(name)
    return True


def _is_known() -> bool:
    # Takes 20 ms, which LanceDB spends on it anyway, and no `--help` should.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lancedb").startswith(VERSION)
    except PackageNotFoundError:
        return False


def _stand_in(name: str) -> ModuleType:
    module = _StandIn(name)
    module.__spec__ = ModuleSpec(name, None)
    if "." not in name and (found := find_spec(name)) is not None:
        # A package still finds its own submodules: LanceDB raises the errors of one of them.
        module.__path__ = list(found.submodule_search_locations or ())
    return module
