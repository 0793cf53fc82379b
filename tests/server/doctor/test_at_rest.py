"""What the doctor says of the disk that a store lies on, and of programs that copy its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.pages import opened

from iai_server.doctor.at_rest import check_at_rest, check_disk, synchroniser
from iai_server.doctor.check import WeakLink
from iai_server.doctor.mounts import Encryption, Mount, encryption_of, mount_of

# A device that is there on every Linux, so that its numbers can be asked for.
_DEVICE = "/dev/null"


class Machine:
    """A system's lists of its mounts and of its block devices."""

    def __init__(self, root: Path) -> None:
        self.proc, self.sys = root / "proc", root / "sys"
        self._mounts = self.proc / "self" / "mountinfo"
        self._mounts.parent.mkdir(parents=True)
        self._mounts.touch()
        self.device(_DEVICE)

    def mount(self, folder: str, kind: str, source: str) -> None:
        with self._mounts.open("a") as file:
            file.write(f"36 35 98:0 / {folder} rw,noatime shared:1 - {kind} {source} rw\n")

    def device(self, name: str, uuid: str = "", below: tuple[Path, ...] = ()) -> Path:
        number = Path(name).stat().st_rdev if name.startswith("/") else 0
        called = f"{os.major(number)}:{os.minor(number)}" if number else name
        place = self.sys / "dev" / "block" / called
        (place / "slaves").mkdir(parents=True, exist_ok=True)
        if uuid:
            (place / "dm").mkdir()
            (place / "dm" / "uuid").write_text(f"{uuid}\n")
        for one in below:
            (place / "slaves" / one.name).symlink_to(one)
        return place

    def encryption(self, folder: str = "/home/ann/.iai-mcp") -> Encryption:
        return encryption_of(Path(folder), proc=self.proc, sys=self.sys)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_folder_lies_on_the_innermost_mount_and_the_last_one_there(machine: Machine) -> None:
    machine.mount("/", "ext4", "/dev/sda1")
    machine.mount("/home", "ext4", "/dev/sda2")
    machine.mount("/home", "xfs", "/dev/sdb1")
    machine.mount("/home/ann\\040b", "btrfs", "/dev/sdc1")
    found = [
        mount_of(Path(name), proc=machine.proc) for name in ("/home/ann", "/homes", "/home/ann b/x")
    ]
    assert found == [
        Mount(Path("/home"), "xfs", "/dev/sdb1"),
        Mount(Path("/"), "ext4", "/dev/sda1"),
        Mount(Path("/home/ann b"), "btrfs", "/dev/sdc1"),
    ]


def test_a_plain_device_is_not_encrypted(machine: Machine) -> None:
    machine.mount("/", "ext4", _DEVICE)
    assert machine.encryption() is Encryption.CLEAR


def test_a_store_on_a_disk_that_is_not_encrypted_is_worth_a_look(machine: Machine) -> None:
    machine.mount("/", "ext4", _DEVICE)
    with pytest.raises(WeakLink, match=f"^{_DEVICE} is not encrypted"):
        check_disk(Path("/home/ann/.iai-mcp"), proc=machine.proc, sysfs=machine.sys)


def test_a_device_of_dm_crypt_is_encrypted(machine: Machine) -> None:
    machine.mount("/", "ext4", _DEVICE)
    machine.device(_DEVICE, "CRYPT-LUKS2-0123456789abcdef-home")
    assert machine.encryption() is Encryption.ENCRYPTED


@pytest.mark.parametrize(
    ("second", "expected"),
    [("CRYPT-LUKS2-b", Encryption.ENCRYPTED), ("", Encryption.CLEAR)],
)
def test_a_volume_on_several_devices_is_encrypted_if_each_of_them_is(
    machine: Machine, second: str, expected: Encryption
) -> None:
    machine.mount("/", "ext4", _DEVICE)
    below = (machine.device("dm-1", "CRYPT-LUKS1-a"), machine.device("dm-2", second))
    machine.device(_DEVICE, "LVM-abc", below)
    assert machine.encryption() is expected


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("ecryptfs", "/home/.ecryptfs/ann/.Private", Encryption.ENCRYPTED),
        ("fuse.gocryptfs", "/home/ann/.sealed", Encryption.ENCRYPTED),
        ("tmpfs", "tmpfs", Encryption.IN_MEMORY),
        ("overlay", "overlay", Encryption.UNKNOWN),
        ("zfs", "tank/home", Encryption.UNKNOWN),
        ("ext4", "/dev/that-is-not-there", Encryption.UNKNOWN),
    ],
)
def test_other_file_systems_are_told_by_their_kind_or_not_at_all(
    machine: Machine, kind: str, source: str, expected: Encryption
) -> None:
    machine.mount("/", kind, source)
    assert machine.encryption() is expected


def test_a_system_that_lists_no_mounts_tells_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert mount_of(tmp_path, proc=nowhere) is None
    assert encryption_of(tmp_path, proc=nowhere, sys=nowhere) is Encryption.UNKNOWN


def test_a_kernel_that_shows_no_devices_tells_nothing(machine: Machine, tmp_path: Path) -> None:
    machine.mount("/", "ext4", _DEVICE)
    found = encryption_of(Path("/home"), proc=machine.proc, sys=tmp_path / "nowhere")
    assert found is Encryption.UNKNOWN


@pytest.mark.parametrize(
    ("mark", "program"),
    [
        (".stfolder", "Syncthing"),
        (".dropbox", "Dropbox"),
        (".nextcloudsync.log", "Nextcloud"),
        (".sync/ID", "Resilio Sync"),
    ],
)
def test_a_program_that_copies_a_folder_is_known_by_what_it_leaves_above(
    tmp_path: Path, mark: str, program: str
) -> None:
    (tmp_path / mark).mkdir(parents=True)
    assert synchroniser(tmp_path / "notes" / "memory") == program


@pytest.mark.parametrize(
    ("place", "program"),
    [
        ("Dropbox/memory", "Dropbox"),
        ("OneDrive - Kiln and Sons/memory", "OneDrive"),
        ("Library/CloudStorage/GoogleDrive-ann@example.org/memory", "GoogleDrive"),
        ("Library/Mobile Documents/com~apple~CloudDocs/memory", "iCloud"),
        (".iai-mcp", None),
        ("work/Dropbox/memory", None),
    ],
)
def test_or_by_the_name_of_its_folder_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, program: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert synchroniser(tmp_path / place) == program


def test_a_store_in_a_folder_that_is_copied_is_worth_a_look(tmp_path: Path) -> None:
    (tmp_path / ".stfolder").mkdir()
    store = opened(tmp_path / "store")
    store.ingest("The kiln fires at 1,200 degrees.")
    [_, copies] = check_at_rest(store)
    assert copies.state == "warning"
    assert "Syncthing" in copies.finding
    assert "IAI_MCP_STORE" in copies.finding


def test_the_disk_is_spoken_of_without_breaking_anything(tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    [disk, copies] = check_at_rest(store)
    assert disk.ok
    assert copies.ok
    assert disk.finding
