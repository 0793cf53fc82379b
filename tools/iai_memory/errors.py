"""Every error that iai_memory raises on purpose.

MemoryFault
├── InvalidInput            the caller's value cannot be used; the text says what to send instead
├── UnknownRecord           no record has that id
├── Cancelled               the caller took a change back before it was made
├── StoreFault              the table or its folder
│   ├── StoreUnavailable    cannot be opened, read or written (permissions, disk, damage)
│   │   └── StoreLost       there was a table, and it is gone, emptied, set back or another one
│   ├── StoreBusy           a lock or a commit was not obtained in time
│   └── StoreMismatch       written by another schema version or another embedder
├── ModelFault              the embedding model
│   ├── ModelMissing        no model files where the settings say to look
│   ├── ModelCorrupt        files are there, but they are not what their manifest promises
│   └── ModelInstallFailed  fetching or converting the published weights failed
├── ForeignFileFault        a file that somebody else named cannot be read
│   └── ForeignFileMissing  there is none
├── BackupFault             a backup cannot be taken or read
├── OutputFault             what was asked for cannot be written where it should go
└── TranscriptFault         a host's transcript cannot be read
    └── EmptyTranscript     nothing is written in it yet

Each text is one line that names the thing and the next command.
"""

import re

MAX_CHARS = 1_000
"""Of a fault's text: a path out of a transcript may have 100,000."""

_HEAD_CHARS = 400
_SUSPECT = re.compile(r"[^ -~]")


def one_line(text: str) -> str:
    """Return a text of faults as one printable line; of a long one the middle is left out.

    The thing stands at the beginning and the next command at the end.
    """
    if len(text) > MAX_CHARS:
        text = f"{text[:_HEAD_CHARS]} … {text[len(text) - MAX_CHARS + _HEAD_CHARS :]}"
    return _SUSPECT.sub(_printable, text)


def _printable(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else found[0].encode("unicode_escape").decode()


class MemoryFault(Exception):
    """Base of every error that this package raises on purpose.

    Its text may quote what others wrote, so it is told in one printable line.
    """

    def __str__(self) -> str:
        """Return the text, see `one_line`."""
        return one_line(super().__str__())


class InvalidInput(MemoryFault, ValueError):
    """A value from the caller cannot be used; the text says what to send instead."""


class UnknownRecord(MemoryFault, LookupError):
    """No record has that id."""


class Cancelled(MemoryFault):
    """The caller took a change back before any of it was made."""


class StoreFault(MemoryFault):
    """The table or its folder failed."""


class StoreUnavailable(StoreFault):
    """The store cannot be opened, read or written."""


class StoreLost(StoreUnavailable):
    """There was a table, and it is gone, emptied, set back or another one's: nothing is begun anew.

    What is left stays as it is until somebody repairs or restores it.
    """


class StoreBusy(StoreFault):
    """A lock or a commit was not obtained in time; trying again is safe."""


class StoreMismatch(StoreFault):
    """The store was written by another schema version or another embedder.

    Attributes:
        embedder: Key of the embedder whose vectors the store holds; None where the schema is
            another version's.
    """

    def __init__(self, message: str, embedder: str | None = None) -> None:
        """Take the sentence, and whose vectors they are."""
        super().__init__(message)
        self.embedder = embedder


class ModelFault(MemoryFault):
    """The embedding model failed."""


class ModelMissing(ModelFault):
    """No model files where the settings say to look."""


class ModelCorrupt(ModelFault):
    """Model files are there, but they are not what their manifest promises."""


class ModelInstallFailed(ModelFault):
    """Fetching or converting the published weights failed."""


class ForeignFileFault(MemoryFault):
    """A file that somebody else named cannot be read.

    Attributes:
        path: The file, in printable characters.
        what: What is wrong with it: "is a FIFO", "does not answer within 2 s".
    """

    def __init__(self, path: str, what: str) -> None:
        """Name the file and its fault."""
        self.path = path.encode("utf-8", "backslashreplace").decode()
        self.what = what
        super().__init__(f"{self.path} {what}: a regular file that you may read belongs there")


class ForeignFileMissing(ForeignFileFault):
    """Nothing is at the path, or a link to nothing."""


class BackupFault(MemoryFault):
    """A backup, or the folder of them, cannot be read or written."""


class OutputFault(MemoryFault):
    """What was asked for cannot be written where it should go."""


class TranscriptFault(MemoryFault):
    """A host's transcript cannot be read."""


class EmptyTranscript(TranscriptFault):
    """Nothing is written in a host's transcript yet."""
