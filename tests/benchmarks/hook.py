"""What the hooks cost a session: their wall time beside that of a bare `cat`, in the same run.

    python -m tests.benchmarks.hook [--rounds 200] [--json PATH]

Every round runs each pair once, one after the other, so that a busy moment hits both. The goal is a
ratio of medians of at most 3. 10,000 bytes is the largest payload, 48,000 a very long message and a
megabyte what a host hands over at worst; a prompt or a stop is usually one or two KiB. A stop
leaves a waiting process behind, unless one is there already.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .timings import arguments_of, keep

HOOKS = Path(__file__).parents[2] / "hooks"
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
WARM_UP = 5


@dataclass(frozen=True, eq=False)
class Pair:
    """A hook and the bare command that it is held against; both get the same stdin."""

    case: str
    shell: str
    bare: list[str]
    hook: list[str]
    stdin: bytes
    store: Path
    starts_drain: bool = False


@dataclass(frozen=True)
class Row:
    """Milliseconds of wall time; ratio is that of the medians."""

    case: str
    shell: str
    bare_median: float
    bare_p95: float
    hook_median: float
    hook_p95: float
    ratio: float


def seconds(argv: list[str], stdin: bytes, env: Mapping[str, str]) -> float:
    """Wall time of one process from its start to its end; its stdin is there before it starts."""
    if len(stdin) < 1 << 16:
        read, write = os.pipe()
        os.write(write, stdin)
        os.close(write)
    else:  # more than a pipe holds
        read = os.memfd_create("stdin")
        os.write(read, stdin)
        os.lseek(read, 0, os.SEEK_SET)
    with Path(os.devnull).open("wb") as out:
        actions = [(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        began = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, env, file_actions=actions)
        _, status = os.waitpid(pid, 0)
        took = time.perf_counter() - began
    os.close(read)
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with status {status}")
    return took


def host_json(folder: Path, event: str, text: str) -> bytes:
    session = "48bbfa77-8682-4936-a738-ddb4fb421498"
    return json.dumps(
        {
            "session_id": session,
            "transcript_path": f"/home/user/.claude/projects/-home-user-work/{session}.jsonl",
            "cwd": str(folder),
            "prompt_id": "8c642a24-59b8-4099-9ab5-3926df53900d",
            "hook_event_name": event,
            **({"source": "startup"} if event == "SessionStart" else {}),
            **({"last_assistant_message": text} if text else {}),
        }
    ).encode()


def pairs(root: Path) -> list[Pair]:
    """Every case in every shell that is installed, with stores below `root`."""
    project = root / "work" / "weather-station"
    (project / ".git").mkdir(parents=True)
    (project / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
        '[remote "origin"]\n\turl = git@github.com:acme/weather-station.git\n'
        "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    )
    found: list[Pair] = []
    for shell, command in SHELLS.items():
        if not shutil.which(command[0]):
            continue
        for size in (2_000, 10_000):
            store = root / f"recall-{size}"
            cache = store / "session-start" / "github.com+acme+weather-station.cached.md"
            cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            cache.write_text(("- 2026-05-08 a memory of the usual length\n" * 300)[:size])
            cache.chmod(0o600)
            found.append(
                Pair(
                    f"recall, {size:,} bytes",
                    shell,
                    [*command, "-c", 'cat "$1"', "sh", str(cache)],
                    [*command, str(HOOKS / "iai-mcp-session-recall.sh")],
                    host_json(project, "SessionStart", ""),
                    store,
                )
            )
        for case, event, size in (
            ("prompt", "UserPromptSubmit", 0),
            ("prompt", "UserPromptSubmit", 2_000),
            ("prompt", "UserPromptSubmit", 48_000),
            ("stop, one waits", "Stop", 2_000),
            ("stop, one waits", "Stop", 1_000_000),
            ("stop, none waits", "Stop", 2_000),
        ):
            store = root / f"capture-{shell}-{case}-{size}"
            keeping = ">>" if size < 1 << 16 else ">"  # of megabytes one is enough
            text = ("All 212 tests pass now. " * 42_000)[:size]
            found.append(
                Pair(
                    f"{case}, {size:,} bytes",
                    shell,
                    [
                        *command,
                        "-c",
                        f'cat {keeping}"$1"',
                        "sh",
                        str(root / f"bare-{shell}-{size}"),
                    ],
                    [*command, str(HOOKS / "iai-mcp-capture.sh")],
                    host_json(project, event, text),
                    store,
                    starts_drain=case == "stop, none waits",
                )
            )
    return found


def measure(rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        every = pairs(Path(folder).resolve())
        bare: dict[Pair, list[float]] = {}
        hook: dict[Pair, list[float]] = {}
        for number in range(rounds + WARM_UP):
            for pair in every:
                env = {"PATH": "/usr/bin:/bin", "IAI_MCP_STORE": str(pair.store)}
                if pair.starts_drain:
                    (pair.store / "spool" / ".waiter").unlink(missing_ok=True)
                took = (
                    seconds(pair.bare, pair.stdin, env),
                    seconds(pair.hook, pair.stdin, env),
                )
                if number >= WARM_UP:
                    bare.setdefault(pair, []).append(took[0] * 1e3)
                    hook.setdefault(pair, []).append(took[1] * 1e3)
        served = list(Path(folder).glob("recall-*/logs/recall-*.log"))
        if not served or any("cache-hit" not in line for p in served for line in lines_of(p)):
            raise SystemExit("a recall was no cache hit: nothing was measured")
        return [row(pair, bare[pair], hook[pair]) for pair in every]


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def row(pair: Pair, bare: list[float], hook: list[float]) -> Row:
    medians = statistics.median(bare), statistics.median(hook)
    return Row(
        pair.case,
        pair.shell,
        round(medians[0], 3),
        round(p95(bare), 3),
        round(medians[1], 3),
        round(p95(hook), 3),
        round(medians[1] / medians[0], 2),
    )


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    parser = arguments_of("hook", __doc__)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()

    rows = measure(max(2, options.rounds))
    print(f"{'case':<34}{'shell':<9}{'bare ms':>9}{'p95':>8}{'hook ms':>9}{'p95':>8}{'ratio':>7}")
    for each in rows:
        print(
            f"{each.case:<34}{each.shell:<9}{each.bare_median:>9.2f}{each.bare_p95:>8.2f}"
            f"{each.hook_median:>9.2f}{each.hook_p95:>8.2f}{each.ratio:>7.2f}"
        )
    keep(options.json, [asdict(each) for each in rows])


if __name__ == "__main__":
    main()
