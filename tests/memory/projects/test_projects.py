"""A project is told from files alone, and the hook and the library agree on it byte for byte."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.checkout import HOOKS
from tests.support.mounts import silent_mount
from tests.support.shells import yash_loses_bytes, yash_loses_bytes_of_some

from iai_memory.errors import ForeignFileFault, InvalidInput
from iai_memory.projects.identity import Project, ignored, project_of
from iai_memory.projects.key import project_key
from iai_memory.projects.lookup import ProjectLookup

HOOK = HOOKS / "iai-mcp-session-recall.sh"


def keys_by_hook(shell: list[str], folders: Sequence[str]) -> list[str]:
    """The keys that the hook finds, one sh process for all folders."""
    done = subprocess.run(
        [*shell, str(HOOK), "--key", *folders], capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode("ascii").splitlines()


def git(*args: str, cwd: Path) -> None:
    subprocess.run(
        ["git", *args],
        cwd=cwd,
        check=True,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(cwd),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        },
    )


def repository(folder: Path, url: str | None = None, remote: str = "origin") -> Path:
    folder.mkdir(parents=True)
    git("init", "-q", ".", cwd=folder)
    if url is not None:
        git("config", f"remote.{remote}.url", url, cwd=folder)
    return folder


RELATIVE = ["", ".", "sub", "~/p", "C:p", "C", "c/:", "1:/p", "é:/p", "file:///home/me/p"]
WINDOWS = {
    "C:\\Users\\me\\p": "/mnt/c/Users/me/p",
    "C:/Users/me/p": "/mnt/c/Users/me/p",
    "c:\\Users/me\\\\p/": "/mnt/c/Users/me/p",
    "/mnt/c/Users/me/p": "/mnt/c/Users/me/p",
    "\\\\?\\C:\\Users\\me\\p": "/mnt/c/Users/me/p",
    "//?/c:/Users/me/p": "/mnt/c/Users/me/p",
    "D:\\work\\": "/mnt/d/work",
    "d:/src//": "/mnt/d/src",
    "z:": "/mnt/z",
    "E:\\": "/mnt/e",
    "\\\\wsl$\\Debian\\home\\me\\none": "/home/me/none",
    "\\\\WSL.localhost\\Ubuntu-24.04\\home\\me\\none\\": "/home/me/none",
    "//wsl$/Debian/home/me/none": "/home/me/none",
    "//wsl.LOCALHOST/Debian//home/me/none/": "/home/me/none",
    "\\\\wsl$\\Debian": "/",
    "\\\\wsl$\\": "//wsl$",
    "\\\\server\\share\\x\\": "//server/share/x",
    "\\\\?\\UNC\\server\\share\\x": "//server/share/x",
    "\\\\?\\Volume{0}\\x": "//?/Volume{0}/x",
    "\\rooted": "/rooted",
    "\\:x": "/:x",
    "\\\\": "/",
    "C:\\a b\\漢字\nx": "/mnt/c/a b/漢字\nx",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:acme/weather-station.git", "github.com/acme/weather-station"),
        ("https://github.com/acme/weather-station", "github.com/acme/weather-station"),
        ("https://github.com/acme/weather-station.git/", "github.com/acme/weather-station"),
        ("https://GitHub.com/acme/weather-station//", "github.com/acme/weather-station"),
        ("ssh://git@github.com:22/acme/weather-station.git", "github.com/acme/weather-station"),
        ("ssh://git@github.com/acme/weather-station.git", "github.com/acme/weather-station"),
        ("git@github.com:/acme/weather-station.git", "github.com/acme/weather-station"),
        (
            "ssh://git@ssh.github.com:443/acme/weather-station.git",
            "github.com/acme/weather-station",
        ),
        ("ssh://git@altssh.gitlab.com:443/acme/a.git", "gitlab.com/acme/a"),
        ("ssh://git@altssh.bitbucket.org:443/Acme/a.git/", "bitbucket.org/acme/a"),
        ("git@ssh.github.com:acme/a", "github.com/acme/a"),
        ("https://www.GitHub.com/Acme/a.git/", "github.com/acme/a"),
        ("https://bitbucket.org:443/acme/a", "bitbucket.org/acme/a"),
        ("git://github.com:9418/acme/a.git", "github.com/acme/a"),
        ("https://ann:t0ken@github.com/acme/a.git", "github.com/acme/a"),
        ("https://ann:p@ss@github.com/acme/a", "github.com/acme/a"),
        ("https://ann:pa/ss@github.com/acme/a", "github.com/acme/a"),
        ("ann:t0ken@github.com:acme/a.git", "github.com/acme/a"),
        ("https://github.com/acme/a.git?token=t0ken", "github.com/acme/a"),
        ("https://git.example.org:8443/a/b", "git.example.org:8443/a/b"),
        ("ssh://git@[2001:DB8::1]:22/a/b.git", "[2001:db8::1]/a/b"),
        ("git@[2001:db8::1]:a/b.git", "[2001:db8::1]/a/b"),
        ("https://git.example.org/Any/Case", "git.example.org/any/Case"),
        ("https://git.example.org/Group/Sub/Case", "git.example.org/group/Sub/Case"),
        ("git@git.example.org:Alone", "git.example.org/Alone"),
        ("https://WWW.GitHub.com/ACME/a.git", "github.com/acme/a"),
        ("ssh://git@ssh.github.com:443/Acme/a.git", "github.com/acme/a"),
        ("ssh://git@altssh.gitlab.com:443/Acme/a.git", "gitlab.com/acme/a"),
        ("ssh://git@altssh.bitbucket.org:443/Acme/a.git", "bitbucket.org/acme/a"),
        ("ssh://git@ssh.example.org:443/acme/a.git", "ssh.example.org:443/acme/a"),
        ("file:///no/such/place.git", "/no/such/place.git"),
        ("/no/such/place/", "/no/such/place"),
    ],
)
def test_every_spelling_of_a_remote_gives_one_name_without_credentials(
    here: Path, url: str, name: str
) -> None:
    folder = repository(here / "repo", url)

    assert project_of(folder).name == name
    assert "t0ken" not in project_of(folder).key


def test_a_subfolder_belongs_to_its_repository(here: Path) -> None:
    repository(here / "repo", "git@example.org:a/b")
    inner = here / "repo" / "src" / "deep"
    inner.mkdir(parents=True)

    assert project_of(inner) == Project("example.org/a/b", "example.org+a+b", str(here / "repo"))


def test_origin_wins_over_an_earlier_remote_and_the_first_remote_serves_without_origin(
    here: Path,
) -> None:
    folder = repository(here / "repo", "git@example.org:fork/b", "fork")
    git("config", "remote.other.url", "git@example.org:other/b", cwd=folder)
    assert project_of(folder).name == "example.org/fork/b"

    git("config", "remote.origin.url", "git@example.org:main/b", cwd=folder)
    assert project_of(folder).name == "example.org/main/b"


def test_a_worktree_and_a_clone_are_the_same_project(here: Path) -> None:
    bare = here / "server.git"
    bare.mkdir()
    git("init", "-q", "--bare", ".", cwd=bare)
    git("clone", "-q", str(bare), "one", cwd=here)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=here / "one")
    git("worktree", "add", "-q", str(here / "tree"), cwd=here / "one")
    git("clone", "-q", str(bare), "two", cwd=here)

    names = {project_of(here / place).name for place in ("one", "two", "tree", "server.git")}
    assert names == {str(bare)}


def test_a_worktree_of_a_repository_without_a_remote_is_the_main_tree(here: Path) -> None:
    main = repository(here / "main")
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    git("worktree", "add", "-q", str(here / "tree"), cwd=main)

    assert project_of(here / "tree").name == str(main)
    assert project_of(main / ".git" / "hooks").name == str(main)


def test_a_submodule_is_the_project_of_its_own_remote(here: Path) -> None:
    library = repository(here / "library")
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=library)
    outer = repository(here / "outer", "git@example.org:a/outer")
    git(
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "inner"),
        cwd=outer,
    )

    assert (outer / "inner" / ".git").is_file()
    assert project_of(outer / "inner").name == str(library)
    assert project_of(outer).name == "example.org/a/outer"


def test_a_folder_without_a_repository_is_its_own_project(here: Path) -> None:
    assert project_of(here) == Project(str(here), project_key(str(here)), str(here))
    assert project_of(f"{here}//").name == str(here)


def test_a_link_is_the_folder_that_it_leads_to(here: Path) -> None:
    (here / "real").mkdir()
    (here / "link").symlink_to("real")

    assert project_of(here / "link") == project_of(here / "real")


def test_a_folder_that_is_gone_is_told_by_its_spelling_or_its_repository(here: Path) -> None:
    assert project_of(here / "gone" / "deep").name == f"{here}/gone/deep"

    repository(here / "repo", "git@example.org:a/b")
    assert project_of(here / "repo" / "gone").name == "example.org/a/b"


@pytest.mark.parametrize("spelled", RELATIVE)
def test_a_relative_folder_is_of_no_project_wherever_this_process_is(
    spelled: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(here / "repo", "git@example.org:a/b")
    monkeypatch.chdir(here / "repo")

    assert ProjectLookup().project(spelled) is None
    assert not ProjectLookup().ignored(spelled)
    with pytest.raises(InvalidInput, match="relative"):
        project_of(spelled)


@pytest.mark.parametrize(("spelled", "name"), WINDOWS.items())
def test_a_folder_of_windows_is_one_project_in_every_spelling_wherever_this_process_is(
    spelled: str, name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(here / "repo", "git@example.org:a/b")
    (here / "repo" / ".iai-mcp-ignore").touch()
    monkeypatch.chdir(here / "repo")

    assert project_of(spelled).name == name
    assert not ignored(spelled)


@pytest.mark.parametrize("marker", [".git", ".git/config", "gitdir", "commondir"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_fifo_or_a_device_in_a_repository_is_as_if_it_were_not_readable(
    make: Callable[[Path], object], marker: str, here: Path
) -> None:
    (here / "p").mkdir()
    if marker == ".git/config":
        (here / "p" / ".git").mkdir()
    elif marker in ("gitdir", "commondir"):
        (here / "git").mkdir()
        (here / "p" / ".git").write_text("gitdir: ../git\n")
        marker = f"../git/{'config' if marker == 'gitdir' else marker}"
    make(here / "p" / marker)

    assert project_of(here / "p").name == f"{here}/p"
    assert not ignored(here / "p")


def test_a_folder_on_a_mount_that_does_not_answer_is_told_by_its_spelling(here: Path) -> None:
    with silent_mount(here / "dead") as dead:
        assert project_of(dead / "p").name == f"{dead}/p"
        with pytest.raises(ForeignFileFault, match="does not answer"):
            ignored(dead / "p")
        repository(here / "alive", "git@example.org:a/b")
        assert project_of(here / "alive").name == "example.org/a/b"


def test_the_root_of_the_file_system_has_a_key() -> None:
    assert project_of("/").name
    assert project_key("/") == "+"


@pytest.mark.parametrize("folder", ["/a\0b", "/half \ud83d of one", "C:\\\0"])
def test_a_folder_with_a_nul_is_refused_with_what_to_send_instead(folder: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        project_of(folder)
    assert str(caught.value) == (
        "a working folder cannot hold a NUL or half a character: pass the path of a folder"
    )


def test_a_name_that_is_not_utf8_can_be_stored(here: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(here) + b"/\xff"))
    folder.mkdir()

    assert project_of(folder).name == f"{here}/\\xff"
    assert project_of(folder).name.encode("utf-8")


def test_an_ignore_file_counts_up_to_the_root_of_the_project_and_not_beyond(here: Path) -> None:
    repo = repository(here / "outer" / "repo")
    (repo / "src").mkdir()
    plain = here / "outer" / "plain"
    plain.mkdir()
    assert not ignored(repo / "src")

    (here / "outer" / ".iai-mcp-ignore").touch()
    assert not ignored(repo / "src")
    assert ignored(plain)

    (repo / ".iai-mcp-ignore").touch()
    assert ignored(repo / "src")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), min_size=2, max_size=2))
@example(["A", "a"])
@example(["a/b", "a+b"])
@example(["=2b", "+"])
def test_different_names_have_different_keys_that_a_file_system_can_hold(names: list[str]) -> None:
    one, two = (project_key(name) for name in names)

    assert (one == two) == (names[0] == names[1])
    assert one == one.lower()
    assert len(one) <= 200
    assert "/" not in one


SEGMENT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12),
    st.text("Aa.-_ '\"\\\n\t*?[]$`~#;=+%漢é\x01\x7f\x81", min_size=1, max_size=8),
    st.sampled_from(["CamelCase", "x" * 120, "漢字" * 30, "-n", "a b", "$(false)", "*"]),
).filter(lambda name: name not in (".", "..") and len(os.fsencode(name)) < 250)

URL = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=40),
    st.text('abAB:/@.[]~?#;"\\ 0129git', max_size=30),
    st.builds(
        "{}{}{}{}{}{}".format,
        st.sampled_from(
            ["https://", "ssh://", "SSH://", "git://", "file://", "http://", "", "x::"]
        ),
        st.sampled_from(["", "git@", "u:p@", "u:p/q@", "u:p@q@", "@"]),
        st.sampled_from(
            ["GitHub.com", "h", "", "[::1]", "localhost", "WWW.host.example", "ssh.github.com"]
        ),
        st.sampled_from(["", ":", ":22", ":443", ":8080", ":x"]),
        st.sampled_from(["/", "", "//"]),
        st.sampled_from(
            [
                "acme/x.git",
                "ACME/X/Y.git",
                "É/x",
                "a/b/",
                "a.git//",
                ".git",
                "~u/é",
                "a?b",
                "a#b",
                "../up",
            ]
        ),
    ),
)

CONFIG_LINE = st.one_of(
    st.sampled_from(
        [
            "[core]",
            '[remote "origin"]',
            '[REMOTE   "origin"] # note',
            '[remote "origin"] url = git@same.line:a/b',
            '[remote "up]stream"]',
            '[remote "Origin"]',
            "[remote]",
            '[branch "main"]',
            "\turl = git@example.org:a/b.git",
            "  URL=https://example.org/c ; comment",
            '\turl = "https://quo ted/x" # y',
            '\turl = a\\\\b\\tc\\"d\\',
            "\turl",
            "\turl =",
            "\turlx = no",
            "# url = no",
            "; url = no",
            "\tfetch = +refs/heads/*:refs/remotes/origin/*",
            "",
        ]
    ),
    URL.map(lambda url: f"\turl = {url}"),
)
CONFIG = st.tuples(st.lists(CONFIG_LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))


def lookup_key(folder: str) -> str:
    name = ProjectLookup().project(folder)
    return "" if name is None else project_key(name)


SLOW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def agree(shell: list[str], folders: list[str]) -> None:
    assert keys_by_hook(shell, folders) == [project_of(folder).key for folder in folders]


@yash_loses_bytes_of_some
def test_the_hook_tells_folders_of_windows_the_same_way(shell: list[str]) -> None:
    agree(shell, list(WINDOWS))


@yash_loses_bytes_of_some
@SLOW
@given(
    st.lists(
        st.text("\\/:Ccé .", max_size=6)
        | st.lists(
            st.sampled_from(
                [
                    *("\\", "/", "//", "\\\\", "?", "UNC", "unc", "c:", "Q:", "é:", ":", "x"),
                    *("wsl$", "WSL.localhost", "wsl.localhosts", "mnt", "Debian", "a b"),
                ]
            ),
            max_size=7,
        ).map("".join),
        min_size=1,
        max_size=40,
    )
)
def test_the_hook_tells_every_spelling_of_a_folder_the_same_way(
    shell: list[str], spellings: list[str]
) -> None:
    keys = [lookup_key(spelled) for spelled in spellings]
    assert keys_by_hook(shell, spellings) == keys


def test_the_hook_has_no_key_for_a_relative_folder(shell: list[str]) -> None:
    assert keys_by_hook(shell, RELATIVE) == [""] * len(RELATIVE)


@yash_loses_bytes_of_some
@SLOW
@given(st.lists(st.lists(SEGMENT, min_size=1, max_size=3), min_size=1, max_size=30))
def test_the_hook_finds_the_same_key_for_any_folder(
    shell: list[str], paths: list[list[str]]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        folders = [f"{root}/{'/'.join(path)}" for path in paths]
        for folder in folders[::2]:  # the others stay missing
            Path(folder).mkdir(parents=True, exist_ok=True)
        agree(shell, folders)


@yash_loses_bytes_of_some
@SLOW
@given(st.lists(CONFIG, min_size=1, max_size=40))
def test_the_hook_finds_the_same_key_for_any_git_config(
    shell: list[str], configs: list[tuple[list[str], str]]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        folders: list[str] = []
        for number, (lines, end) in enumerate(configs):
            folder = Path(root, str(number))
            (folder / ".git").mkdir(parents=True)
            (folder / ".git" / "config").write_bytes(end.join(lines).encode("utf-8"))
            folders.append(str(folder))
        agree(shell, folders)


ORIGIN = '[remote "origin"]\n\turl = git@example.org:a/b.git\n'
HUGE = 3_000_000


def _one_line(path: Path) -> None:
    path.write_bytes(b"x" * HUGE)


def _zero_bytes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE)


def _many_lines(path: Path) -> None:
    path.write_bytes(b"[branch]\n" * (HUGE // 9))


def _address_first(path: Path) -> None:
    path.write_bytes(ORIGIN.encode() + b"[branch]\n" * (HUGE // 9))


def _address_behind(path: Path) -> None:
    path.write_bytes(b"[branch]\n" * (65536 // 9) + ORIGIN.encode())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", [".git/config", ".git"])
@pytest.mark.parametrize(
    ("make", "has_address"),
    [
        (_one_line, False),
        (_zero_bytes, False),
        (_many_lines, False),
        (_address_first, True),
        (_address_behind, False),
    ],
)
def test_of_a_git_file_of_any_size_the_hook_and_we_read_the_same_beginning(
    shell: list[str], here: Path, name: str, make: Callable[[Path], None], has_address: bool
) -> None:
    folder = here / "work"
    path = folder / name
    path.parent.mkdir(parents=True)
    make(path)
    agree(shell, [str(folder)])
    named = "example.org/a/b" if has_address and name == ".git/config" else str(folder)
    assert project_of(folder).name == named
    path.unlink()  # temporary folders may be in memory


@yash_loses_bytes
def test_the_hook_finds_the_same_key_for_every_byte(shell: list[str], here: Path) -> None:
    folders = [
        os.fsdecode(os.fsencode(here) + b"/a" + bytes([byte]) + b"b")
        for byte in range(1, 256)
        if byte != ord("/")
    ]

    agree(shell, folders)


def test_the_hook_finds_the_same_key_for_every_kind_of_repository(
    shell: list[str], here: Path
) -> None:
    main = repository(here / "main")
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    git("worktree", "add", "-q", str(here / "tree"), cwd=main)
    git("clone", "-q", "--bare", str(main), "server.git", cwd=here)
    git("clone", "-q", str(here / "server.git"), "clone", cwd=here)
    git("config", "remote.origin.url", "../server.git", cwd=here / "clone")
    (here / "broken").mkdir()
    (here / "broken" / ".git").write_text("gitdir: nowhere\n")
    (here / "odd").mkdir()
    (here / "odd" / ".git").write_text("not git\r\n")
    (here / "link").symlink_to(here / "clone")
    places = ["main", "tree", "server.git", "server.git/refs", "clone", "broken", "odd", "link"]

    agree(shell, [*(str(here / place) for place in places), "/", "//", f"//{here}//"])


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_the_hook_waits_for_no_fifo_or_device_in_a_repository(
    make: Callable[[Path], object], shell: list[str], here: Path
) -> None:
    for name in ("a", "b", "c", "git"):
        (here / name).mkdir()
    make(here / "a" / ".git")
    (here / "b" / ".git").mkdir()
    make(here / "b" / ".git" / "config")
    (here / "c" / ".git").write_text("gitdir: ../git\n")
    make(here / "git" / "commondir")
    make(here / "git" / "config")

    agree(shell, [str(here / name) for name in ("a", "b", "c")])


@yash_loses_bytes
def test_the_hook_shortens_a_long_key_the_same_way(shell: list[str], here: Path) -> None:
    deep = here.joinpath(*("Long" * 10 for _ in range(8)))
    deep.mkdir(parents=True)

    agree(shell, [str(deep), f"{deep}/x", f"{here}/{'漢' * 80}"])
    assert len(project_of(deep).key) <= 200


def test_a_path_that_is_too_long_for_any_system_is_looked_up_at_once(here: Path) -> None:
    (here / ".iai-mcp-ignore").touch()
    endless = f"{here}{'/x' * 50_000}"
    assert ignored(endless)
    assert project_of(endless).name == endless


SSH_CONFIG = """
# Host github.com
Host work-github personal
  HostName github.com
  IdentityFile ~/.ssh/work
Host=*.corp !old.corp
    hostname = git-%h.example.org
    Port 2222
Host old.corp
    HostName "old.example.org"
Host behind
    Port 443
    HostName ssh.github.com
Host lab-?
    HostName altssh.gitlab.com
    Port=443
Match host never
    HostName never.example.org
Host GitHub.com
    HostName mirror.example.org
Host work-github
    HostName second.example.org
"""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@work-github:acme/x.git", "github.com/acme/x"),
        ("work-github:/Acme/x.git/", "github.com/acme/x"),
        ("ssh://git@WORK-GitHub/acme/x", "github.com/acme/x"),
        ("git+ssh://personal/acme/x", "github.com/acme/x"),
        ("git@a.corp:acme/x", "git-a.corp.example.org:2222/acme/x"),
        ("ssh://git@a.corp:22/acme/x", "git-a.corp.example.org/acme/x"),
        ("git@old.corp:acme/x", "old.example.org/acme/x"),
        ("git@behind:acme/x", "github.com/acme/x"),
        ("git@lab-1:acme/x", "gitlab.com/acme/x"),
        ("git@lab-10:acme/x", "lab-10/acme/x"),
        ("git@never:acme/x", "never/acme/x"),
        ("git@github.com:acme/x", "github.com/acme/x"),
        ("https://work-github/acme/x", "work-github/acme/x"),
        ("git@elsewhere.example:acme/x", "elsewhere.example/acme/x"),
    ],
)
def test_an_alias_of_the_ssh_configuration_is_the_host_that_it_stands_for(
    url: str, name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / ".ssh").mkdir()
    (here / ".ssh" / "config").write_text(SSH_CONFIG)
    assert project_of(repository(here / "repo", url)).name == name


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_an_ssh_configuration_that_is_no_file_holds_nobody_up(
    make: Callable[[Path], object], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / ".ssh").mkdir()
    make(here / ".ssh" / "config")
    folder = repository(here / "repo", "git@work-github:acme/x.git")
    assert project_of(folder).name == "work-github/acme/x"
    assert keys_by_hook(["sh"], [str(folder)]) == [project_of(folder).key]


SSH_LINE = st.one_of(
    st.sampled_from(SSH_CONFIG.splitlines()),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "  ", "\t"]),
        st.sampled_from(["Host", "host", "HostName", "HOSTNAME", "Port", "Match", "Hosts", "User"]),
        st.sampled_from([" ", "=", " = ", "\t", "", "  =  =", "\x0b"]),
        st.sampled_from(
            [
                *("h", "*", "H *.example", "!h *", "* !h", "h?", '"h" x', "h[a]", "(h|x)", "é", ""),
                *("git-%h", "%h%h", "a b", "22", "443", "ssh.github.com", "Git.Example ", "%%h"),
            ]
        ),
    ),
    st.text('host=Hn \t"#!*?%[]\\é\r', max_size=20),
)


@yash_loses_bytes_of_some
@SLOW
@given(
    st.lists(SSH_LINE, max_size=12),
    st.lists(
        st.builds(
            "{}{}{}{}".format,
            st.sampled_from(["git@", "ssh://", "ssh://git@", "git+ssh://", "https://", ""]),
            st.sampled_from(["h", "H", "hh", "x.example", "é", "lab-1", "a.corp", "[::1]"]),
            st.sampled_from(["", ":", ":22", ":2222"]),
            st.sampled_from(["/acme/x", "acme/x.git", ":acme/x"]),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_the_hook_finds_the_same_key_under_any_ssh_configuration(
    shell: list[str], lines: list[str], urls: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", root)
        Path(root, ".ssh").mkdir()
        Path(root, ".ssh", "config").write_bytes("\n".join(lines).encode("utf-8"))
        folders: list[str] = []
        for number, url in enumerate(urls):
            folder = Path(root, str(number))
            (folder / ".git").mkdir(parents=True)
            text = f'[remote "origin"]\n\turl = {url}\n'
            (folder / ".git" / "config").write_bytes(text.encode("utf-8"))
            folders.append(str(folder))
        agree(shell, folders)
