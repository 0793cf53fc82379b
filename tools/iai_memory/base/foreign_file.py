"""Files that somebody else names, opened and read without waiting for them.

A transcript, a `.git` or a settings file may be a FIFO, a device, a link to one, or on a mount that
does not answer. A FIFO is refused before it is opened. A dead mount blocks every system call that
touches it, and no signal ends some of those, so all of them are made by worker threads that may be
left behind: whoever asked gets a fault that names the path when the time is over.
"""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import ForeignFileFault, ForeignFileMissing

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")

ANSWERS_WITHIN: Final = 2.0
"""Seconds that a file system has for one answer."""

_BUFFER: Final = 1024 * 1024  # each refill costs two switches of threads, a tenth of a millisecond
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class ForeignFile(io.BufferedReader):
    """An open file that somebody else named; every read is bounded in time.

    Attributes:
        about: What `fstat` said when it was opened.
    """

    about: os.stat_result


def open_foreign(path: str | os.PathLike[str], *, timeout: float = ANSWERS_WITHIN) -> ForeignFile:
    """Open a regular file for reading; links are followed.

    Args:
        path: The file, as somebody else spelled it.
        timeout: Seconds for the opening, and for each read of the returned stream.

    Raises:
        ForeignFileMissing: Nothing is there.
        ForeignFileFault: It is no regular file, cannot be opened, or does not answer. The stream
            raises it, too.
    """
    name = os.fspath(path)
    return within(name, partial(_opened, name, timeout), timeout, too_late=ForeignFile.close)


def read_foreign(
    path: str | os.PathLike[str], max_bytes: int, *, timeout: float = ANSWERS_WITHIN
) -> bytes:
    """Return the content of a regular file; links are followed.

    Raises:
        ForeignFileMissing: Nothing is there.
        ForeignFileFault: It is no regular file, cannot be read, has more than `max_bytes`, or does
            not answer.
    """
    with open_foreign(path, timeout=timeout) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ForeignFileFault(os.fspath(path), f"has more than {max_bytes} bytes")
    return content


def within(
    path: str,
    look: Callable[[], T],
    timeout: float = ANSWERS_WITHIN,
    *,
    too_late: Callable[[T], object] | None = None,
) -> T:
    """Return what `look` returns, made in a worker thread.

    While a file system owes an answer, nothing else in the folder of that path is asked: of a
    thousand files on a dead mount one costs the timeout, and one thread.

    Args:
        path: What is looked at.
        look: The system calls.
        timeout: Seconds.
        too_late: Gets the value that arrives when nobody waits for it any more.

    Raises:
        ForeignFileMissing: `look` found nothing at the path.
        ForeignFileFault: It ended in another OSError, or not in time.
    """
    _require_name(path)
    if _is_overdue(path):
        raise _silent(path, timeout)
    answer = _asked(look)
    try:
        return answer.result(timeout)
    except FileNotFoundError as exc:
        raise ForeignFileMissing(path, "does not exist") from exc
    except OSError as exc:
        if answer.done() and answer.exception() is exc:
            raise ForeignFileFault(path, f"cannot be read ({exc.strerror or exc})") from exc
        _overdue[path] = answer
        if too_late is not None:
            answer.add_done_callback(partial(_hand_over, too_late))
        raise _silent(path, timeout) from exc


def _opened(path: str, timeout: float) -> ForeignFile:
    # Looked at before it is opened: the opening of some devices has effects.
    _require_regular(path, _about(path))
    descriptor = os.open(path, _FLAGS)
    stream = ForeignFile(_BoundedFile(path, descriptor, timeout), _BUFFER)
    try:
        stream.about = os.fstat(descriptor)
        _require_regular(path, stream.about)
    except BaseException:
        stream.close()
        raise
    return stream


def _require_name(path: str) -> None:
    try:
        unfit = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:  # half a character
        unfit = True
    if unfit or not path:
        raise ForeignFileFault(path, "cannot be the name of a file")


def _about(path: str) -> os.stat_result:
    try:
        return Path(path).stat()
    except FileNotFoundError as exc:
        if Path(path).is_symlink():
            raise ForeignFileMissing(path, "is a link to nothing") from exc
        raise


def _require_regular(path: str, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        kind = _KINDS.get(stat.S_IFMT(about.st_mode), "no regular file")
        raise ForeignFileFault(path, f"is {'a link to ' if Path(path).is_symlink() else ''}{kind}")


class _BoundedFile(io.FileIO):
    """An open descriptor whose reads, and whose closing, wait in a worker thread."""

    def __init__(self, path: str, descriptor: int, timeout: float) -> None:
        super().__init__(descriptor, closefd=False)
        self._path = path
        self._timeout = timeout

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        # Not into the buffer itself: an answer that comes too late would write into it.
        content = within(self._path, partial(os.read, self.fileno(), len(view)), self._timeout)
        view[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        """Refuse: what somebody else named may have no end."""
        raise io.UnsupportedOperation("say how many bytes at most")

    def close(self) -> None:
        if not self.closed:
            descriptor = self.fileno()
            super().close()
            _asked(partial(os.close, descriptor))  # not waited for: a dead mount blocks this, too


_Job = tuple[Callable[[], object], "Future[Any]"]

_idle: list[SimpleQueue[_Job]] = []
_overdue: dict[str, Future[Any]] = {}


def _asked(look: Callable[[], T]) -> Future[T]:
    """Hand the work to a worker thread that is idle, or to a new one."""
    answer: Future[T] = Future()
    try:
        jobs = _idle.pop()
    except IndexError:
        jobs = SimpleQueue[_Job]()
        threading.Thread(target=_work, args=(jobs,), name="foreign files", daemon=True).start()
    jobs.put((look, answer))
    return answer


def _work(jobs: SimpleQueue[_Job]) -> None:
    while True:
        look, answer = jobs.get()
        try:
            value, fault = look(), None
        except BaseException as exc:  # noqa: BLE001 - raised where the answer is awaited
            value, fault = None, exc
        _idle.append(jobs)  # before the answer, or who gets it and asks again starts a thread
        if fault is None:
            answer.set_result(value)
        else:
            answer.set_exception(fault)
        del look, answer, value, fault


def _is_overdue(path: str) -> bool:
    for late, answer in list(_overdue.items()):
        folder = late.rpartition("/")[0]
        if answer.done():
            _overdue.pop(late, None)
        elif path == late or (folder and path.startswith(f"{folder}/")):
            return True
    return False


def _silent(path: str, timeout: float) -> ForeignFileFault:
    return ForeignFileFault(path, f"does not answer within {timeout:g} s")


def _hand_over(too_late: Callable[[T], object], answer: Future[T]) -> None:
    if answer.exception() is None:
        too_late(answer.result())


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_idle.clear)
