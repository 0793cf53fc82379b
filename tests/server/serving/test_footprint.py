"""What a server holds: the model while it is needed, one heap, of libraries what it uses."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.benchmarks.processes import MIB, rss_bytes
from tests.support.checkout import ROOT
from tests.support.pages import until
from tests.support.talking import WAIT_SEC, child_environment, output_of

from iai_memory import Memory, load_settings
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime
from iai_server.startup.gc_pause import gc_paused
from iai_server.startup.lazy_packages import make_lazy
from iai_server.startup.unused_imports import SKIPPED, SKIPPED_BY_A_SERVER

FACT = "The staging database listens on port 5544."
QUESTION = "which port is staging on?"
GLIBC = hasattr(ctypes.CDLL(None), "malloc_info")
ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
LOADED = """
import json, sys
from pathlib import Path
from iai_server.serving.launch import Loader

Loader(keeps_record=False).server()

from iai_memory import load_settings
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime

runtime = Runtime(load_settings(), Path.cwd())
refresher = Refresher(runtime)
runtime.start()
refresher.start()
assert runtime.memory().timeline().records, "the store is empty"
assert refresher.stop(30)
print(json.dumps([name for name, module in sys.modules.items() if module is not None]))
"""
HEAPS = """
import ctypes, threading

from iai_server.startup.allocator import return_free_memory, use_one_heap

use_one_heap()
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
return_free_memory()
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""
EMBEDDED = """
import os

from iai_server.startup.allocator import return_free_memory, use_one_heap

use_one_heap()
from tests.benchmarks.processes import rss_bytes

from iai_memory import load_settings
from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.model_files import find_model

files = find_model(load_settings())
encoder = load_encoder(files)
sizes = []
for text in ["hello", "hello " * 250]:
    encoder.encode([text] * 2)
    return_free_memory()
    sizes.append(rss_bytes(os.getpid()))
print(sizes[1] - sizes[0])
"""


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path) -> Memory:
    # With a number of threads that no other test asks for, it has a model of its own to give back.
    settings = load_settings(store=tmp_path / "store", model=model_folder, threads=5)
    made = Memory(settings=settings.model_copy(update={"drowsy_after_sec": 0.01}))
    made.ingest(FACT)
    made.release()
    return made


@pytest.fixture
def runtime(memory: Memory, tmp_path: Path) -> Iterator[Runtime]:
    """A server's runtime on that store, with the sidecar thread, which must end by itself."""
    runtime = Runtime(memory.settings, tmp_path)
    refresher = Refresher(runtime)
    runtime.start()
    refresher.start()
    try:
        yield runtime
    finally:
        assert refresher.stop(WAIT_SEC)


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
    runtime: Runtime,
) -> None:
    given_back = threading.Event()
    served = runtime.for_request()
    weakref.finalize(served.encoder, given_back.set)
    assert [hit.text for hit in served.recall(QUESTION).hits] == [FACT]
    runtime.committed.set()  # the next tick would come in seconds
    assert given_back.wait(WAIT_SEC)
    again = runtime.for_request().recall(QUESTION)
    assert [hit.text for hit in again.hits] == [FACT]
    assert not again.degraded


def test_a_server_of_whom_nothing_was_asked_has_loaded_neither_model_nor_client_of_services(
    memory: Memory, tmp_path: Path, model_folder: Path
) -> None:
    done = _python(LOADED, child_environment(memory.paths.root, model_folder), tmp_path)
    modules = set(json.loads(done))
    assert {"lancedb", "mcp.server.mcpserver"} <= modules
    unused = {"onnxruntime", "lance_namespace_urllib3_client", "mcp.client", "httpx2._client"}
    assert unused & modules == set()
    assert {*SKIPPED, *SKIPPED_BY_A_SERVER} & modules == set()


@pytest.mark.skipif(not GLIBC, reason="only glibc is asked to give something back")
def test_what_a_long_text_took_is_given_back(tmp_path: Path, model_folder: Path) -> None:
    environment = child_environment(tmp_path / "store", model_folder, PYTHONPATH=str(ROOT))
    assert int(_python(EMBEDDED, environment, tmp_path)) < 5 * MIB


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
    make_lazy(folder.name)
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


def test_what_is_left_out_counts_as_not_installed(tmp_path: Path) -> None:
    script = (
        "import rich; from iai_server.startup import unused_imports as unused\n"
        "unused.skip_imports_unused_by_a_server()\n"
        "import rich.text\n"
        "try: import uvicorn\n"
        "except ModuleNotFoundError as exc: print(exc.name, rich.text.Text('stays'))"
    )
    assert _python(script, dict(os.environ), tmp_path).strip() == "uvicorn stays"


def test_what_is_imported_or_not_installed_is_left_alone() -> None:
    before = sys.modules["json"]
    make_lazy("json")
    make_lazy("no_such_package_anywhere")
    assert sys.modules["json"] is before
    assert "no_such_package_anywhere" not in sys.modules


def test_the_collector_runs_again_after_a_start_that_failed() -> None:
    def start() -> None:
        with gc_paused():
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


@pytest.mark.skipif(not GLIBC, reason="only glibc is asked to give something back")
def test_a_pass_of_the_sidecar_gives_back_what_is_free_amid_the_heap(
    runtime: Runtime,
) -> None:
    blocks = [bytes(20_000) for _ in range(10_000)]
    held = rss_bytes(os.getpid())
    # The last block stays at the end of the heap, and all that is before it is in the middle.
    del blocks[:-1]
    runtime.committed.set()
    until("free memory", lambda: rss_bytes(os.getpid()) < held - 150 * MIB)


def test_arrow_allocates_on_the_same_heap_unless_the_user_chose_another(tmp_path: Path) -> None:
    script = (
        "from iai_server.startup.allocator import use_one_heap; use_one_heap();"
        "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != ARROW_POOL}
    assert _python(script, environment, tmp_path).strip() == "system"
    chosen = {**environment, ARROW_POOL: "mimalloc"}
    assert _python(script, chosen, tmp_path).strip() == "mimalloc"


def _python(script: str, environment: dict[str, str], cwd: Path) -> str:
    return output_of([sys.executable, "-c", script], env=environment, cwd=cwd)
