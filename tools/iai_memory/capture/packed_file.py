"""A file packed by zstd as a stream that can be read again from its start, in bounded memory."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Final

from ..errors import TranscriptFault

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from zstandard import ZstdDecompressionObj

MAGIC_BYTES: Final = 6
"""How many of a file's first bytes `packed_by` needs."""

_FRAME: Final = b"\x28\xb5\x2f\xfd"
_SKIPPED_FRAME: Final = b"\x2a\x4d\x18"  # behind a byte 0x50 to 0x5f; tools put an index there
_OTHERS: Final = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
}

_BUFFER: Final = 256 * 1024
_PIECE: Final = 512  # packed; four bytes can unpack to 128 KiB
_MAX_WINDOW: Final = 32 << 20  # the highest ordinary level of zstd needs 8 MiB
# JSON of a host packs to a tenth, with much repetition to a hundredth.
_MAX_RATIO: Final = 1000
_ALWAYS_ALLOWED: Final = 64 << 20


def packed_by(beginning: bytes) -> str:
    """Return the name of the program that packed a file, by its first bytes; empty for none."""
    is_skipped = beginning[1:4] == _SKIPPED_FRAME and 0x50 <= beginning[0] <= 0x5F
    if is_skipped or beginning.startswith(_FRAME):
        return "zstd"
    return next((name for magic, name in _OTHERS.items() if beginning.startswith(magic)), "")


class UnpackedStream(io.BufferedReader):
    """The content of a packed file; a damaged one ends where it can be unpacked no further."""

    def __init__(self, content: _Unpacked) -> None:
        """Buffer what is unpacked."""
        super().__init__(content, _BUFFER)
        self._content = content

    def require_whole(self) -> None:
        """Check that the end that was met is that of the file.

        Raises:
            TranscriptFault: It is damaged, wants more memory than it may, or unpacks to a thousand
                times its size.
        """
        if self._content.fault:
            raise TranscriptFault(self._content.fault)


def unpacked(stream: BinaryIO, name: str, size: int) -> UnpackedStream:
    """Return the content of a stream that zstd packed.

    Args:
        stream: The packed bytes, at their start.
        name: The file, for faults.
        size: How many bytes that are.
    """
    return UnpackedStream(_Unpacked(stream, name, size))


class _Unpacked(io.RawIOBase):
    def __init__(self, stream: BinaryIO, name: str, size: int) -> None:
        self._stream = stream
        self._name = name
        self._max_bytes = max(_ALWAYS_ALLOWED, size * _MAX_RATIO)
        self._start()

    def _start(self) -> None:
        import zstandard  # only where such a file is met

        self._stream.seek(0)
        self._error: type[Exception] = zstandard.ZstdError
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        self._frame: ZstdDecompressionObj | None = None
        self._ready = b""
        self.fault = ""
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("only a place from the start is known")
        if offset < self._at:
            self._start()
        while self._at < offset and self._read(min(_BUFFER, offset - self._at)):
            continue
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        content = self._read(len(view))
        view[: len(content)] = content
        return len(content)

    def _read(self, size: int) -> bytes:
        while not self._ready and not self.fault and self._unpack(self._stream.read(_PIECE)):
            continue
        content, self._ready = self._ready[:size], self._ready[size:]
        self._at += len(content)
        if self._at > self._max_bytes:
            self._ends_early(f"unpacks to more than {_MAX_RATIO} times its size")
            self._ready = b""
        return content

    def _unpack(self, packed: bytes) -> bool:
        """Unpack the next bytes; return whether there may be more."""
        is_end = not packed
        if is_end and self._frame is not None:
            self._ends_early("ends in the middle")
        try:
            while packed:
                frame = self._frame or self._unpacker.decompressobj()
                self._ready += frame.decompress(packed)
                packed = frame.unused_data
                self._frame = None if frame.eof else frame
        except (self._error, MemoryError) as exc:
            self._ends_early(f"cannot be unpacked ({exc})")
        return not is_end and not self.fault

    def _ends_early(self, what: str) -> None:
        is_read = bool(self._at or self._ready)
        told = "what stands before that place was read" if is_read else "nothing of it was read"
        self.fault = f"{self._name} {what}: {told}; look at it with `zstd -d`"
