"""A file packed by zstd as a stream that can be read again from its start, in bounded memory."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Final

from ..errors import TranscriptFault

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from zstandard import ZstdDecompressionObj

MAGIC: Final = b"\x28\xb5\x2f\xfd"

_BUFFER: Final = 256 * 1024
_PIECE: Final = 512  # packed; four bytes can unpack to 128 KiB
_MAX_WINDOW: Final = 32 << 20  # the highest ordinary level of zstd needs 8 MiB
# JSON of a host packs to a tenth, with much repetition to a hundredth.
_MAX_RATIO: Final = 1000
_ALWAYS_ALLOWED: Final = 64 << 20


def unpacked(stream: BinaryIO, name: str, size: int) -> BinaryIO:
    """Return the content of a packed stream.

    Args:
        stream: The packed bytes, at their start.
        name: The file, for faults.
        size: How many bytes that are.

    Raises:
        TranscriptFault: Comes with a read: the stream is damaged, wants more memory than it may, or
            unpacks to a thousand times its size.
    """
    return io.BufferedReader(_Unpacked(stream, name, size), _BUFFER)


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
        self._broken = ""
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
        while not self._ready and self._unpack(self._stream.read(_PIECE)):
            continue
        if not self._ready and self._broken:
            raise self._fault(self._broken)
        content, self._ready = self._ready[:size], self._ready[size:]
        self._at += len(content)
        if self._at > self._max_bytes:
            raise self._fault(f"unpacks to more than {_MAX_RATIO} times its size")
        return content

    def _unpack(self, packed: bytes) -> bool:
        """Unpack the next bytes; return whether there may be more."""
        is_end = not packed
        if is_end and self._frame is not None:
            self._broken = "ends in the middle"
        try:
            while packed and not self._broken:
                frame = self._frame or self._unpacker.decompressobj()
                self._ready += frame.decompress(packed)
                packed = frame.unused_data
                self._frame = None if frame.eof else frame
        except (self._error, MemoryError) as exc:
            self._broken = f"cannot be unpacked ({exc})"
        return not is_end and not self._broken

    def _fault(self, what: str) -> TranscriptFault:
        return TranscriptFault(
            f"{self._name} {what}: what stands before that place was read; "
            f"unpack it with `zstd -d` to see the rest"
        )
