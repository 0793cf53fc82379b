"""What a server holds: the model while it is needed, one heap, and no client of services."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import ModuleType

import pytest
from tests.talking import WAIT_SEC, child_environment

from iai_memory import Memory, load_settings
from iai_server.collector import collector_paused
from iai_server.deferred import defer
from iai_server.refresher import Refresher
from iai_server.runtime import Runtime

FACT = "The staging database listens on port 5544."
QUESTION = "which port is staging on?"
GLIBC = hasattr(ctypes.CDLL(None), "malloc_info")
LOADED = """
import json, sys
from pathlib import Path
from iai_memory import load_settings
from iai_server.refresher import Refresher
from iai_server.runtime import Runtime

runtime = Runtime(load_settings(), Path.cwd())
refresher = Refresher(runtime)
runtime.start()
refresher.start()
assert runtime.memory().timeline().records, "the store is empty"
assert refresher.stop(30)
print(json.dumps(list(sys.modules)))
"""
HEAPS = """
import ctypes, threading

from iai_server.allocator import give_back, limit_arenas

limit_arenas()
libc = ctypes.CDLL(None)
libc.fdopen.restype = libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def allocate():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
give_back()
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path) -> Memory:
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    made = Memory(settings=settings.model_copy(update={"drowsy_after_sec": 0.01}))
    made.ingest(FACT)
    return made


def test_a_model_that_was_unloaded_is_loaded_again_and_answers_the_same(memory: Memory) -> None:
    before = memory.recall(QUESTION)
    assert memory.release()
    assert not memory.release()
    after = memory.recall(QUESTION)
    assert [(hit.id, hit.score) for hit in after.hits] == [
        (hit.id, hit.score) for hit in before.hits
    ]
    assert not after.degraded
    assert memory.release()


def test_whoever_has_nothing_to_embed_loads_no_model(memory: Memory) -> None:
    memory.release()
    assert memory.embed_pending() == 0
    assert not memory.release()


def test_a_drowsy_server_gives_the_model_back_and_takes_it_again(
    memory: Memory, tmp_path: Path
) -> None:
    runtime = Runtime(memory.settings, tmp_path)
    refresher = Refresher(runtime)
    runtime.start()
    refresher.start()
    try:
        given_back = threading.Event()
        served = runtime.requested()
        weakref.finalize(served.encoder, given_back.set)
        assert [hit.text for hit in served.recall(QUESTION).hits] == [FACT]
        runtime.committed.set()  # the next tick would come in seconds
        assert given_back.wait(WAIT_SEC)
        again = runtime.requested().recall(QUESTION)
        assert [hit.text for hit in again.hits] == [FACT]
        assert not again.degraded
    finally:
        assert refresher.stop(WAIT_SEC)


def test_a_server_of_whom_nothing_was_asked_has_loaded_neither_model_nor_client_of_services(
    memory: Memory, tmp_path: Path, model_folder: Path
) -> None:
    done = _python(LOADED, child_environment(memory.paths.root, model_folder), tmp_path)
    modules = set(json.loads(done))
    assert "lancedb" in modules
    assert {"onnxruntime", "lance_namespace_urllib3_client.api"} & modules == set()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with a module `part`, deferred."""
    folder = tmp_path / "deferred_sample"
    folder.mkdir()
    folder.joinpath("__init__.py").write_text("from .part import SIZE\nLARGE = SIZE * 2\n")
    folder.joinpath("part.py").write_text("SIZE = 21\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    monkeypatch.delitem(sys.modules, f"{folder.name}.part", raising=False)
    defer(folder.name)
    return importlib.import_module(folder.name)


def test_a_module_of_a_deferred_package_is_imported_without_the_package(
    package: ModuleType,
) -> None:
    assert importlib.import_module("deferred_sample.part").SIZE == 21
    assert "LARGE" not in vars(package)


def test_a_deferred_package_is_whole_for_whoever_asks_for_a_name(package: ModuleType) -> None:
    assert package.LARGE == 42
    assert package.part.SIZE == 21
    with pytest.raises(AttributeError, match="no attribute 'SMALL'"):
        _ = package.SMALL


def test_what_is_imported_or_not_installed_is_left_alone() -> None:
    before = sys.modules["json"]
    defer("json")
    defer("no_such_package_anywhere")
    assert sys.modules["json"] is before
    assert "no_such_package_anywhere" not in sys.modules


def test_the_collector_runs_again_after_a_start_that_failed() -> None:
    def start() -> None:
        with collector_paused():
            assert not gc.isenabled()
            raise RuntimeError("a start that fails")

    try:
        with pytest.raises(RuntimeError, match="a start that fails"):
            start()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


@pytest.mark.skipif(not GLIBC, reason="only glibc has several heaps and tells of them")
def test_all_threads_share_one_heap(tmp_path: Path) -> None:
    assert _python(HEAPS, dict(os.environ), tmp_path).count("<heap nr=") == 1


def _python(script: str, environment: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
