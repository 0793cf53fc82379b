"""The name of a project as a file name."""

from __future__ import annotations

import os
import re
from typing import Final

_MAX_KEY: Final = 200  # leaves room below 255 for `.cached.meta.json` and a temporary's suffix
_KEPT_OF_LONG_KEY: Final = 160
_UNSAFE: Final = re.compile(rb"[^a-z0-9._-]")


def project_key(name: str) -> str:
    """Return the file-name-safe key of a project's name.

    Lower-case ASCII letters, digits and `._-` stay, `/` is `+`, every other byte is `=` and two
    hexadecimal digits, so that different names have different keys even where a file system folds
    case. Of a key longer than 200 bytes the first 160 stay, followed by `~`, the POSIX `cksum` of
    the name and its length in bytes.
    """
    raw = os.fsencode(name)
    key = _UNSAFE.sub(lambda m: b"+" if m[0] == b"/" else b"=%02x" % ord(m[0]), raw).decode("ascii")
    if len(key) <= _MAX_KEY:
        return key
    return f"{key[:_KEPT_OF_LONG_KEY]}~{_cksum(raw)}-{len(raw)}"


def _cksum(data: bytes) -> int:
    """Return the checksum of the POSIX utility `cksum`: CRC-32/CKSUM over data and its length."""
    length = len(data)
    crc = 0
    for byte in data + length.to_bytes((length.bit_length() + 7) // 8, "little"):
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc ^ 0xFFFFFFFF
