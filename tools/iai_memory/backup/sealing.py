"""Backups that only a key opens: age's format, for whom the settings name and for the store itself.

The store has a key of its own, `backup-key.txt`: without one it could not read a backup back, tell
what changed since, or take a text out of all of them. Whoever can read that file can read the
table beside it. Without the store, the user's identity opens a backup; `age -d` does, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.foreign_file import read_foreign
from ..base.json_file import read_own_file
from ..base.machine_faults import machine_fault
from ..errors import BackupFault, ForeignFileFault, InvalidInput

SUFFIX: Final = ".age"
_MAX_BYTES: Final = 64 << 10
_SECRET: Final = "AGE-SECRET-KEY-"
_PEM: Final = "-----BEGIN"


class SealedFault(BackupFault):
    """No key that is at hand opens it."""


class Keys:
    """The keys of the backups of one store.

    Attributes:
        recipient: Whose key new backups are sealed for, besides that of the store; None seals none.
    """

    def __init__(
        self, own: Path | None = None, recipient: str | None = None, identity: Path | None = None
    ) -> None:
        """Bind the keys; no file is read.

        Args:
            own: The store's key.
            recipient: An age or SSH public key.
            identity: A file of the user's with the key to it.
        """
        self.recipient = (recipient or "").strip() or None
        self._own = own
        self._identity = identity
        self._identities: list[Any] | None = None

    def sealed(self, content: bytes) -> bytes:
        """Return the content so that the recipient and the store alone can open it.

        Raises:
            InvalidInput: The recipient is no public key.
            BackupFault: The store's key cannot be read or made.
        """
        age = _age()

        assert self.recipient is not None, "it seals nothing"
        recipients = [_recipient(self.recipient)]
        if self._own is not None:
            recipients.append(_own_identity(self._own, make=True)[0].to_public())
            self._identities = None  # it may just have been made
        sealed: bytes = age.encrypt(content, recipients)
        return sealed

    def opened(self, content: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SealedFault: None of the keys opens it, or it is damaged.
            InvalidInput: The user's file holds no key.
        """
        age = _age()

        if self._identities is None:
            own = [] if self._own is None else _own_identity(self._own, make=False)
            given = [] if self._identity is None else _given_identities(self._identity)
            self._identities = [*own, *given]
        if not self._identities:
            raise SealedFault("it is encrypted: name the file of your key with --identity")
        try:
            opened: bytes = age.decrypt(content, self._identities)
        except age.DecryptError as exc:
            where = f"the key in {self._identity}" if self._identity else "the store's own key"
            raise SealedFault(
                f"it is encrypted, and {where} does not open it ({exc}): name the file of your key "
                f"with --identity"
            ) from exc
        return opened


def _age() -> Any:
    return import_module("pyrage")  # it has no types, and few backups are sealed


def _recipient(value: str) -> Any:
    age = _age()

    for kind in (age.x25519, age.ssh):
        try:
            return kind.Recipient.from_str(value)
        except age.RecipientError:
            continue
    raise InvalidInput(
        "IAI_MCP_BACKUP_RECIPIENT is no public key: set it to one of `age-keygen`, such as age1…, "
        "or of SSH"
    )


def _own_identity(path: Path, *, make: bool) -> list[Any]:
    """Return the store's key; [] where there is none and none is to be made."""
    age = _age()

    try:
        content = read_own_file(path, _MAX_BYTES)
        if content is not None:
            return [age.x25519.Identity.from_str(content.decode().strip())]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, age.IdentityError) as exc:
        if not make:
            return []
        raise BackupFault(f"{path} holds no key ({exc}): move it away, a new one is made") from exc
    if not make:
        return []
    identity = age.x25519.Identity.generate()
    make_private_folder(path.parent)
    try:
        replace_file(path, f"{identity}\n".encode())
    except OSError as exc:
        raise BackupFault(machine_fault(exc, f"{path} cannot be written")) from exc
    return [identity]


def _given_identities(path: Path) -> Sequence[Any]:
    """Return the keys of a file of the user's, of age or of SSH.

    Raises:
        InvalidInput: It holds none.
    """
    age = _age()

    try:
        content = read_foreign(path, _MAX_BYTES)
        text = content.decode()
        if text.startswith(_PEM):
            return [age.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in text.splitlines()]
        found = [age.x25519.Identity.from_str(line) for line in lines if line.startswith(_SECRET)]
    except ForeignFileFault as exc:
        raise InvalidInput(f"{exc}, with your key in it") from exc
    except (ValueError, age.IdentityError) as exc:
        raise InvalidInput(f"{path} holds no key that opens a backup ({exc})") from exc
    if not found:
        raise InvalidInput(f"{path} holds no key: name a file of `age-keygen`, or an SSH key")
    return found
