"""The settings: everything that a user can set, read from the environment as one value.

`Settings()` reads the environment at the moment of the call and never a `.env` file, so that the
folder in which a host starts us cannot change where memories go.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import InvalidInput
from .store_setting import store_folder

INSTALLED = "installed"
"""The value of IAI_MCP_MODEL for a model that was installed, also in a checkout."""
DEFAULT_MIN_INTERVAL_SEC = 60.0
DEFAULT_CACHE_MAX_AGE_SEC = 43_200.0


def _or_default(default: float) -> BeforeValidator:
    """Read a duration as the session-start hook does: garbage or a negative one is the default."""

    def read(value: Any) -> float:
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            return default
        return seconds if 0 <= seconds < float("inf") else default

    return BeforeValidator(read)


def _known_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError("it is no IANA name such as Europe/Berlin") from exc
    return name


def _store_folder(value: Any) -> Any:
    return store_folder(value) if isinstance(value, str) else value


def _model_folder(value: Any) -> Any:
    """Return the folder; what names none stays as it is spelled, and who looks there says why."""
    if value == INSTALLED:
        return None
    if isinstance(value, Path):
        return _absolute(value)
    if isinstance(value, str):
        with suppress(ValueError):
            return store_folder(value)
    return value


def _absolute(path: Path) -> Path:
    return Path.cwd() / path.expanduser()


def _plain(path: Path) -> Path:
    """Return the path; LanceDB takes that of a store for a URL, which holds no such characters."""
    if re.search(r"[\x00-\x1f\x7f]", str(_absolute(path))):
        raise ValueError(
            f"{str(_absolute(path))!r} has a control character: set IAI_MCP_STORE to a folder "
            f"without one"
        )
    return path


class Settings(BaseSettings):
    """The settings of one process; every field is the environment variable `IAI_MCP_<NAME>`.

    Attributes:
        store: Folder of the store, absolute or below `~`.
        model: Folder of an embedding model; overrides the bundled and the installed one. None is
            one of those; in a checkout also that of `make setup`, but where None was chosen, as by
            IAI_MCP_MODEL=installed.
        backup: Folder of the store's backups, absolute or below `~`; None is `backups` in the
            store.
        backup_recipient: Public key, of age or SSH, that backups are sealed for; None seals none.
        disable: True makes the hooks do nothing. Only the hooks read it.
        prompt_recall: False puts nothing before a model at a prompt. Only the prompt hook reads it.
        refresh_tick_sec: Seconds between two comparisons of the page with the store in a server.
        session_cache_refresh_min_sec: Minimum seconds between two renders; a change that comes
            earlier is rendered when they are over.
        session_cache_max_age_sec: Age of the page in seconds above which the hook calls the live
            command; 0 = no limit. Only the hook reads it.
        recall_hook_timeout: Seconds after which the hook ends the live command. Only the hook reads
            it.
        payload_tokens: Estimated tokens of the whole session-start page.
        commit_budget: Commits after which a small store is compacted; a large one after up to four
            times as many.
        tz: Time zone of the user, an IANA name; None takes that of the system.
        copy_mb: MiB of memory that a snapshot of the store may take in a server; 0 = no snapshot.
        drowsy_after_sec: Seconds without a request until DROWSY.
        sleep_after_sec: Seconds without a request until SLEEP.
        threads: Threads of the embedding model; 0 = leave one core to the foreground.
        log_level: Lowest level that is logged: debug, info, warning or error.
    """

    model_config = SettingsConfigDict(env_prefix="IAI_MCP_", frozen=True, env_ignore_empty=True)

    store: Annotated[
        Path,
        BeforeValidator(_store_folder),
        AfterValidator(_plain),
        Field(default=Path("~/.iai-mcp"), validate_default=True),
    ]
    model: Annotated[Path | None, BeforeValidator(_model_folder)] = None
    backup: Annotated[Path | None, BeforeValidator(_store_folder)] = None
    backup_recipient: str | None = None
    disable: bool = False
    prompt_recall: bool = True
    refresh_tick_sec: float = Field(default=5.0, gt=0, le=3600)
    session_cache_refresh_min_sec: Annotated[float, _or_default(DEFAULT_MIN_INTERVAL_SEC)] = (
        DEFAULT_MIN_INTERVAL_SEC
    )
    session_cache_max_age_sec: Annotated[float, _or_default(DEFAULT_CACHE_MAX_AGE_SEC)] = (
        DEFAULT_CACHE_MAX_AGE_SEC
    )
    recall_hook_timeout: float = Field(default=10.0, gt=0)
    payload_tokens: int = Field(default=2000, ge=200, le=10_000)
    commit_budget: int = Field(default=64, ge=1)
    tz: Annotated[str | None, AfterValidator(_known_zone)] = None
    copy_mb: int = Field(default=320, ge=0)
    drowsy_after_sec: float = Field(default=300.0, gt=0)
    sleep_after_sec: float = Field(default=1800.0, gt=0)
    threads: int = Field(default=0, ge=0, le=64)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    def model_post_init(self, context: Any, /) -> None:
        """Make the store's folder absolute, so that a later change of folder does not move it."""
        object.__setattr__(self, "store", _absolute(self.store))

    @property
    def takes_any_model(self) -> bool:
        """Whether nothing was said about the model, so that the one of a checkout counts."""
        return "model" not in self.model_fields_set


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of the environment; overrides win.

    Raises:
        InvalidInput: A variable has a value that cannot be used; the text names the variable.
    """
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "?"
        raise InvalidInput(
            f"IAI_MCP_{name} has a value that cannot be used "
            f"({first['msg'].removeprefix('Value error, ')}): "
            f"unset it or see `iai-mcp --help`"
        ) from exc
