"""Backups that only the key of the user opens, and the store's own."""

from __future__ import annotations

import shutil
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.support.backups import DAY_0, backups, nobody, records, segment_files, take

from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up_if_due
from iai_memory.backup.place import last_backups
from iai_memory.backup.rewriting import rewrite_backups
from iai_memory.errors import BackupFault, InvalidInput

WORDS = b"swordfish"
age: Any = import_module("pyrage")


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, Path]:
    """A public key, and the file of its secret half as age-keygen writes it."""
    identity = age.x25519.Identity.generate()
    file = tmp_path / "key.txt"
    file.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public()), file


def sealing(tmp_path: Path, recipient: str | None) -> Memory:
    """A memory whose backups go to a folder beside the store, sealed or not."""
    settings = load_settings(
        store=tmp_path / "store", backup=tmp_path / "disk", backup_recipient=recipient
    )
    return Memory(settings=settings, on_commit=nobody)


@pytest.fixture
def memory(tmp_path: Path, key: tuple[str, Path]) -> Memory:
    """One memory, and a sealed backup of it."""
    memory = sealing(tmp_path, key[0])
    memory.ingest({"text": "the password is swordfish", "project": "fishery"})
    memory.projects().alias("swordfishing", "fishery")
    take(memory)
    return memory


def in_clear(folder: Path) -> bool:
    """Whether a word of the memories stands in a file, as it is or compressed."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    plain = [zstandard.ZstdDecompressor().decompress(one) for one in contents if _is_packed(one)]
    return any(WORDS in one for one in (*contents, *plain))


def _is_packed(content: bytes) -> bool:
    return content.startswith(zstandard.FRAME_HEADER)


def test_nothing_of_the_memories_stands_in_clear_in_a_sealed_backup(
    memory: Memory, tmp_path: Path
) -> None:
    assert not in_clear(tmp_path / "disk")
    assert all(path.name.endswith(".age") for path in segment_files(tmp_path / "disk"))


def test_the_store_reads_its_own_sealed_backups_and_goes_on_from_them(memory: Memory) -> None:
    memory.ingest("sugar feeds bees")
    assert take(memory, 1).written == 1
    assert [one.verify() for one in backups(memory)] == [True, True]
    assert len(records(backups(memory)[0])) == 2
    assert memory.paths.backup_key.stat().st_mode & 0o777 == 0o600


def test_without_the_store_the_users_key_opens_them_and_no_other(
    memory: Memory, tmp_path: Path, key: tuple[str, Path]
) -> None:
    shutil.rmtree(memory.paths.root)
    again = sealing(tmp_path, None)
    with pytest.raises(BackupFault, match="it is encrypted: name the file of your key"):
        again.restore_backup()
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"{age.x25519.Identity.generate()}\n")
    with pytest.raises(BackupFault, match=f"the key in {wrong} does not open it"):
        again.restore_backup(identity=wrong)
    wrong.write_text("my notes")
    with pytest.raises(InvalidInput, match="holds no key"):
        again.restore_backup(identity=wrong)
    with pytest.raises(InvalidInput, match="does not exist"):
        again.restore_backup(identity=tmp_path / "nowhere")
    done = again.restore_backup(identity=key[1])
    assert (done.memories, done.missing, done.faults) == (1, 0, ())
    assert again.recall("password").hits[0].text == "the password is swordfish"
    assert again.store.project_names.same("swordfishing", "fishery")


def test_former_backups_in_clear_are_sealed_with_the_next_one(
    tmp_path: Path, key: tuple[str, Path]
) -> None:
    clear = sealing(tmp_path, None)
    clear.ingest("the password is swordfish")
    take(clear, 0)
    assert in_clear(tmp_path / "disk")
    memory = sealing(tmp_path, key[0])
    assert take(memory, 1).written == 0
    assert not in_clear(tmp_path / "disk")
    assert [len(records(one)) for one in backups(memory)] == [1, 1]


def test_former_backups_are_sealed_anew_for_another_recipient(
    memory: Memory, tmp_path: Path
) -> None:
    identity = age.x25519.Identity.generate()
    other = sealing(tmp_path, str(identity.to_public()))
    take(other, 1)
    for path in segment_files(tmp_path / "disk"):
        assert age.decrypt(path.read_bytes(), [identity])


def test_a_backup_whose_key_is_lost_is_followed_by_a_whole_one(
    memory: Memory, tmp_path: Path, key: tuple[str, Path]
) -> None:
    memory.paths.backup_key.unlink()
    again = sealing(tmp_path, key[0])
    assert take(again, 1).written == 1
    assert len(records(backups(again)[0])) == 1
    assert [one.verify() for one in backups(again)] == [True, True]


def test_what_has_to_leave_leaves_sealed_backups_too(memory: Memory) -> None:
    ids = set(memory.store.latest.ids())
    done = rewrite_backups(
        memory.paths,
        memory.settings,
        lambda record: None if record.id in ids else record,
        lambda text: text.replace("swordfish", "…"),
    )
    assert (done.states, done.faults) == (1, [])
    [backup] = backups(memory)
    assert records(backup) == {}
    assert WORDS not in b"".join(backup.file_lines())


def test_what_no_key_at_hand_opens_stays_and_is_named(memory: Memory, tmp_path: Path) -> None:
    memory.paths.backup_key.unlink()
    again = sealing(tmp_path, None)
    done = rewrite_backups(again.paths, again.settings, lambda record: record, str)
    assert "it is encrypted" in done.faults[0]
    assert done.removed == []
    assert backups(again)[0].verify()


def test_a_process_whose_environment_names_no_key_seals_on_and_none_ends_it(
    memory: Memory, tmp_path: Path
) -> None:
    other = sealing(tmp_path, None)
    other.ingest("a swordfish was caught")
    take(other, 1)
    assert not in_clear(tmp_path / "disk")
    plain = sealing(tmp_path, "none")
    plain.ingest("another swordfish was caught")
    take(plain, 2)
    assert in_clear(tmp_path / "disk")
    other.ingest("and a third swordfish")
    take(other, 3)
    assert len(records(backups(other)[0])) == 4


def test_a_recipient_that_is_no_key_is_a_sentence(tmp_path: Path) -> None:
    memory = sealing(tmp_path, "anna@example.org")
    memory.ingest("sugar feeds bees")
    with pytest.raises(InvalidInput, match="IAI_MCP_BACKUP_RECIPIENT is no public key"):
        take(memory)
    later = DAY_0 + timedelta(hours=2)
    assert back_up_if_due(memory.store, memory.settings, later, asleep=True) is None
    [last] = last_backups(memory.paths).values()
    assert "IAI_MCP_BACKUP_RECIPIENT is no public key" in last.fault
    assert not in_clear(tmp_path / "disk")
