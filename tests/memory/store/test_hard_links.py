"""A store on a file system without hard links is named in one sentence, with the setting."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import StoreUnavailable
from iai_memory.store.lance_errors import translated

NO_LINKS = """
#include <errno.h>
int link(const char *a, const char *b) { errno = CODE; return -1; }
int linkat(int a, const char *b, int c, const char *d, int e) { errno = CODE; return -1; }
"""


@pytest.mark.long
@pytest.mark.parametrize("code", ["EPERM", "ENOTSUP", "ENOSYS"])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_file_system_without_hard_links_is_named_with_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, is_new: bool
) -> None:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no compiler, or no LD_PRELOAD, to make a system without hard links of")
    source, library = tmp_path / "links.c", tmp_path / "links.so"
    source.write_text(NO_LINKS)
    subprocess.run(
        [compiler, "-shared", "-fPIC", f"-DCODE={code}", "-o", library, source], check=True
    )
    store = tmp_path / "store"
    if not is_new:
        monkeypatch.setenv("IAI_MCP_MODEL", "installed")
        Memory(store=store).ingest("the barometer drifts")
    work = "import sys; from iai_server.cli.main import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", work, "ingest", "the vane sticks"],
        env=os.environ | {"LD_PRELOAD": str(library), "IAI_MCP_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "(its file system has no hard links): set IAI_MCP_STORE to a folder" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("Unable to rename file: Operation not permitted (os error 1)", True),
        ("Unable to copy data from a to b: Operation not supported (os error 95)", True),
        ("not supported: the filesystem does not support an operation required for …", True),
        ("Unable to rename file: Permission denied (os error 13)", False),
        ("Unable to open file a: Operation not permitted (os error 1)", False),
        ("Unable to rename file: Input/output error (os error 5)", False),
    ],
)
def test_no_other_failure_is_taken_for_it(said: str, named: bool) -> None:
    with pytest.raises(StoreUnavailable) as caught, translated("opening the store"):
        raise RuntimeError(f"lance error: LanceError(IO): Generic LocalFileSystem error: {said}")
    assert ("no hard links" in str(caught.value)) == named
