"""The rendezvous with the prompt hook: a FIFO on which every server of a store waits.

    hook                                              server
     │ run/<pid>.json: the host's JSON                  select on run/ask, no CPU while nobody asks
     │ mkfifo run/<pid>.answer
     │ `<pid>` into run/ask ──────────────────────────▶ whichever server reads first
     │                                                  reads the request, removes both names
     │ ◀─────────── `|line` for each line, `end <pid>`  one write
     │ prints it; after 0.25 s without it nothing

The hook at a session's start writes `session` into run/ask, and waits for nothing: the first prompt
follows. The hooks open FIFOs for reading and writing, so neither side ever waits for the other to
open.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import stat
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from iai_memory.base.files import PRIVATE_FILE, make_private_folder
from iai_memory.base.json_file import read_own_file
from iai_memory.base.machine_faults import told_by_system
from iai_memory.base.paths import StorePaths
from iai_memory.base.process import began
from iai_memory.base.prompt_log import PromptLog
from iai_memory.errors import ForeignFileFault, InvalidInput, MemoryFault, StoreUnavailable

from .readiness import Readiness

if TYPE_CHECKING:
    from iai_memory.results import PromptRecall, PromptThreshold

    from .runtime import Runtime

_log = logging.getLogger(__name__)
ANSWER_SEC: Final = 0.25
"""After so long the hook does not listen any more."""
LEFT_AFTER_SEC: Final = 2.0
SWEEP_SEC: Final = 5.0
# What a server that has its model loaded needs to be the first to read.
_GIVE_WAY_SEC: Final = 0.03
_MAX_REQUEST: Final = 16 << 20
_MAX_ANSWER: Final = 16 << 10  # all of it fits into the pipe of every system
_ID: Final = re.compile(rb"[1-9][0-9]{0,9}")
_SESSION: Final = b"session"  # from the hook at a session's start
_LEFT: Final = re.compile(r"[1-9][0-9]{0,9}\.(?:json|answer)")
_MARK: Final = "server-"
_MAX_MARK: Final = 64
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Rendezvous:
    """A thread that answers the prompt hooks of a store, together with its other servers.

    It waits without CPU, and looks once in five seconds for what killed hooks left behind, and
    whether the FIFO is still the one that hooks find.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Bind the runtime; the thread starts with `start`."""
        self._runtime = runtime
        self._paths = StorePaths(runtime.settings.store)
        self._records = PromptLog(self._paths)
        self._readiness = Readiness(runtime)
        self._woken, self._wake = os.pipe()
        self._stopping = threading.Event()
        self._reported = ""
        self._thread = threading.Thread(target=self._run, name="iai-mcp-rendezvous", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more hooks in; the last server of a store takes the FIFO with it.

        Not every program that copies a folder can copy one.
        """
        self._stopping.set()
        with suppress(OSError):
            os.write(self._wake, b".")
            self._mark.unlink(missing_ok=True)
            if not any(self._folder.glob(f"{_MARK}*")):
                self._paths.ask.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self._paths.run

    @property
    def _mark(self) -> Path:
        return self._folder / f"{_MARK}{os.getpid()}"

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                # Makes the store where there is none yet, and nothing in the place of a lost one.
                _ = self._runtime.memory().store
                with self._awaited() as fifo:
                    self._reported = ""
                    self._serve(fifo)
            except Exception as exc:  # noqa: BLE001 - the edge of the thread
                self._report(exc)
                self._stopping.wait(SWEEP_SEC)

    def _report(self, exc: Exception) -> None:
        told = told_by_system(exc) if isinstance(exc, OSError) else str(exc)
        fault = f"{type(exc).__name__}: {told}"
        if fault != self._reported:
            expected = isinstance(exc, MemoryFault | OSError)
            _log.error("prompts are not answered: %s", fault, exc_info=not expected)
        self._reported = fault

    @contextmanager
    def _awaited(self) -> Generator[int]:
        """Open the FIFO, and let hooks see that somebody waits at it."""
        fifo = open_ask(self._folder, self._paths.ask)
        try:
            sweep(self._folder)
            _make_mark(self._mark)
            yield fifo
        finally:
            os.close(fifo)

    def _serve(self, fifo: int) -> None:
        """Answer until the FIFO is not the one that hooks find, or the server ends."""
        while not self._stopping.is_set() and self._is_found(fifo):
            self._readiness.keep(alone=self._is_alone())
            ready, _, _ = select.select([fifo, self._woken], [], [], SWEEP_SEC)
            if self._stopping.is_set():
                return
            if fifo in ready:
                self._answer_all(fifo)
            else:
                sweep(self._folder)

    def _is_found(self, fifo: int) -> bool:
        try:
            return self._mark.exists() and os.path.samestat(
                os.fstat(fifo), os.lstat(self._paths.ask)
            )
        except OSError:
            return False

    def _is_alone(self) -> bool:
        """Return whether no other server of the store waits for hooks."""
        return all(mark == self._mark for mark in self._folder.glob(f"{_MARK}*"))

    def _answer_all(self, fifo: int) -> None:
        if not self._runtime.memory().is_warm and not self._is_alone():
            time.sleep(_GIVE_WAY_SEC)
        try:
            lines = os.read(fifo, 1 << 16)
        except BlockingIOError:
            return  # another server was faster
        for line in lines.split(b"\n"):
            if _ID.fullmatch(line):
                self._answer(line.decode())
            elif line == _SESSION:
                self._readiness.session_begins()

    def _answer(self, asker: str) -> None:
        """Answer one hook; a fault is an empty answer, so that nobody waits for it."""
        request, answer = self._folder / f"{asker}.json", self._folder / f"{asker}.answer"
        started = time.monotonic()
        try:
            prompt = Prompt.of(_content(request))
        except OSError:
            return  # the hook went before anybody read its line
        recalled = self._recalled(prompt)
        _unlink(request)
        is_told = _tell(answer, _lines(prompt.formatted(recalled.text), asker))
        is_said = is_told and recalled.text != ""
        if is_said:
            self._runtime.memory().note_injected(
                recalled, session_id=prompt.session_id, by="prompt"
            )
        word = "said" if is_said else "silent" if is_told else "late"
        elapsed = round((time.monotonic() - started) * 1000)
        count = len(recalled.memory_ids) if is_said else 0
        try:
            self._records.write(
                f"{word} memories={count} reason={recalled.reason} ms={elapsed}"
                f"{_raised(recalled.threshold)}"
            )
        except (OSError, MemoryFault) as exc:
            _log.info("a prompt is not counted: %s", exc)
        self._readiness.after_prompt()

    def _recalled(self, prompt: Prompt) -> PromptRecall:
        """Return what belongs to the prompt; nothing where a switch or a fault says no."""
        from iai_memory.projects.switches import prompt_recall_off
        from iai_memory.results import PromptRecall

        try:
            if prompt.text is None:
                return PromptRecall(reason="no_prompt")
            if prompt.cwd is not None and (off := prompt_recall_off(prompt.cwd)) is not None:
                return PromptRecall(reason=off)
            return self._runtime.for_request().prompt_recall(
                prompt.text, session_id=prompt.session_id, cwd=prompt.cwd, host=prompt.host
            )
        except (InvalidInput, ForeignFileFault) as exc:
            _log.info("a prompt is not answered: %s", exc)
            return PromptRecall(reason="unusable")
        except Exception as exc:  # noqa: BLE001 - the edge of the thread: the next prompt may do
            self._report(exc)
            return PromptRecall(reason="fault")


def _raised(threshold: PromptThreshold | None) -> str:
    """Return the threshold for the log, where it is not that of the base."""
    if threshold is None or not threshold.is_raised:
        return ""
    return f" threshold={threshold.min_answer:.3f}"


def open_ask(folder: Path, ask: Path) -> int:
    """Open the FIFO of a store's servers; what else has its place gives it up.

    Raises:
        StoreUnavailable: The folder is another user's or a link, or a folder has the FIFO's name.
        OSError: The folder cannot be written, or its file system has no FIFOs.
    """
    if folder.is_symlink() or make_private_folder(folder).stat().st_uid != os.geteuid():
        raise StoreUnavailable(f"{folder} is not a folder of this user: remove it")
    with suppress(FileExistsError):
        os.mkfifo(ask, PRIVATE_FILE)
    if not _is_own_fifo(ask.lstat()):
        fresh = ask.with_name(f"{ask.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        os.mkfifo(fresh, PRIVATE_FILE)
        try:
            fresh.replace(ask)
        except IsADirectoryError as exc:
            raise StoreUnavailable(f"{ask} is a folder: remove it") from exc
        finally:
            _unlink(fresh)
    return os.open(ask, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def sweep(folder: Path) -> None:
    """Remove what hooks and servers left that were killed.

    A hook lives for a third of a second; of one that went on for longer nobody waits any more.
    """
    for entry in os.scandir(folder):
        if entry.name.startswith(_MARK):
            if not _is_server(Path(entry)):
                _unlink(Path(entry))
        elif _LEFT.fullmatch(entry.name):
            with suppress(OSError):
                # Either way: a clock may have been set back.
                if abs(time.time() - entry.stat(follow_symlinks=False).st_mtime) > LEFT_AFTER_SEC:
                    _unlink(Path(entry))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, as a host tells its hook of it.

    Attributes:
        text: What the user wrote; None where the host named none.
        session_id: The host's session.
        cwd: The session's folder.
        host: The host's name, as far as it can be told.
        form: How the host wants its answer, text or JSON.
    """

    text: str | None
    session_id: str | None
    cwd: str | None
    host: str
    form: str

    @classmethod
    def of(cls, raw: bytes) -> Prompt:
        """Read a host's JSON; of what is none nothing is known."""
        try:
            # A raw NUL or line break in a string is no reason to say nothing.
            read = json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
        except (ValueError, RecursionError):
            read = None
        fields: dict[str, Any] = read if isinstance(read, dict) else {}
        event = _text(fields, "hook_event_name")
        transcript = _text(fields, "transcript_path") or ""
        if "hookEventName" in fields:
            host, form = "vscode", "hookSpecificOutput"
        elif event == "BeforeAgent":
            host, form = "gemini", "hookSpecificOutput"
        elif "/.qwen/" in transcript:
            host, form = "qwen", "hookSpecificOutput"
        else:
            host, form = ("codex" if "turn_id" in fields else "claude-code"), "text"
        session = _text(fields, "session_id") or _text(fields, "sessionId")
        return cls(_text(fields, "prompt"), session, _text(fields, "cwd"), host, form)

    def formatted(self, text: str) -> str:
        """Return a text as the host reads it; nothing is nothing for each of them."""
        if not text or self.form == "text":
            return text
        event = "BeforeAgent" if self.host == "gemini" else "UserPromptSubmit"
        answer = {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}
        return json.dumps(answer)


def _text(fields: dict[str, Any], name: str) -> str | None:
    """Return a field's text, with half a character replaced."""
    value = fields.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _content(request: Path) -> bytes:
    """Return the request of a hook that still waits for its answer.

    Raises:
        OSError: There is none any more, or something else in its place.
    """
    with os.fdopen(os.open(request, _READ), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or abs(time.time() - about.st_mtime) > ANSWER_SEC:
            raise FileNotFoundError(request)
        return file.read(_MAX_REQUEST)


def _lines(text: str, asker: str) -> bytes:
    """Return an answer as the hook reads it, each line of text behind a bar."""
    lines = [f"|{line}" for line in text.split("\n")] if text else []
    whole = "".join(f"{line}\n" for line in [*lines, f"end {asker}"])
    return whole.replace("\0", "").encode("utf-8", "replace")


def _tell(answer: Path, content: bytes) -> bool:
    """Give a hook its whole answer; return whether it was there to take it."""
    try:
        fifo = os.open(answer, _WRITE)
    except OSError:
        return False  # it went
    try:
        _unlink(answer)
        is_fifo = stat.S_ISFIFO(os.fstat(fifo).st_mode)
        return is_fifo and len(content) <= _MAX_ANSWER and os.write(fifo, content) == len(content)
    except OSError:
        return False
    finally:
        os.close(fifo)


def _is_own_fifo(about: os.stat_result) -> bool:
    return stat.S_ISFIFO(about.st_mode) and about.st_uid == os.geteuid()


def _is_server(mark: Path) -> bool:
    """Return whether the process that a mark names lives, and is the one that made it."""
    try:
        pid = int(mark.name.removeprefix(_MARK))
        os.kill(pid, 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return False  # another user's: the number was given again
    try:
        noted = read_own_file(mark, _MAX_MARK)
    except OSError:
        return False
    return noted is not None and noted.strip() in (b"", began(pid).encode())


def _make_mark(mark: Path) -> None:
    """Make the mark of this process, which says when it began.

    Raises:
        OSError: The folder cannot be written.
    """
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(mark, how, PRIVATE_FILE), "wb") as file:
        file.write(f"{began(os.getpid())}\n".encode())


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
