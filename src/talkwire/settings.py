"""All settings, in one frozen tree, and the only reader of the environment.

Order: defaults < config.yaml < `.env` < environment < command line. An unknown key is an error.
`Settings(...)` itself reads nothing; `load` does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic import model_validator as whole
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from talkwire._settings.files import Place
from talkwire._settings.problems import SettingsError
from talkwire._settings.sources import Loaded, gather
from talkwire._settings.texts import home, http, listed, sqlite_file

__all__ = ["Loaded", "Settings", "SettingsError", "language", "load", "trace"]

WireName = Literal["responses-sse", "native"]
WIRES: tuple[WireName, ...] = get_args(WireName)

# Names that other software sets or that clients' documents promise; `TALKWIRE_…` wins over them.
FROZEN_NAMES: dict[str, Place] = {
    "PORT": ("port",),
    "OPENAI_API_KEY": ("openai_api_key",),
    "OPENAI_BASE_URL": ("openai_base_url",),
    "USE_MOCK": ("use_mock",),
    "DATABASE_URL": ("database", "url"),
    "VOICE_CLONE_BASE_URL": ("voice", "clone_base_url"),
    "VOICE_CLONE_API_KEY": ("voice", "clone_api_key"),
    "VOICE_USE_MOCK": ("voice", "use_mock"),
}


Port = Annotated[int, Field(ge=0, le=65_535)]
Words = Annotated[tuple[str, ...], BeforeValidator(listed)]
Wires = Annotated[tuple[WireName, ...], BeforeValidator(listed)]
Folder = Annotated[Path, BeforeValidator(home)]
Url = Annotated[str, BeforeValidator(http)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Group(BaseModel):
    """A group of settings: frozen, unknown keys are errors, input is never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ListenerSettings(Group):
    """An address to listen on; `wires` None means all that are switched on."""

    host: str = "127.0.0.1"
    port: Port
    wires: Wires | None = None

    @whole(mode="after")
    def _can_be_told_apart(self) -> ListenerSettings:
        if self.wires is not None and self.port == 0:
            raise ValueError("port: a listener with wires of its own needs a port of its own")
        return self


class ModelSettings(Group):
    """One model. `base_url` None is the provider's own; `upstream_model` None is `name`."""

    name: str = Field(min_length=1)
    provider: Literal["openai-responses", "openai-chat", "scripted"]
    base_url: Url | None = None
    api_key: SecretStr | None = None
    upstream_model: str | None = None
    type: str = "cloud_large"
    context_tokens: Count = 128_000
    continuation: Literal["none", "prefill"] = "none"
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_output_tokens: Count | None = None
    price_in: Price | None = None
    price_out: Price | None = None
    connect_timeout_s: Seconds = 10
    first_token_timeout_s: Seconds = 30
    idle_timeout_s: Seconds = 60
    max_attempts: Count = 3
    max_connections: Count = 5000
    script: Folder | None = None


class SessionSettings(Group):
    """How long a conversation lives, and how much of it a model is given."""

    ttl_s: Seconds = 86_400
    window_messages: Count = 40
    window_share: Annotated[float, Field(gt=0, le=1)] = 0.75


class TurnSettings(Group):
    """What happens to turns; the delivery contract's choices."""

    on_busy: Literal["queue", "reject", "interrupt"] = "queue"
    max_waiting: Annotated[int, Field(ge=0)] = 3
    on_disconnect: Literal["continue", "abort"] = "continue"
    disconnect_grace_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 15
    on_lost: Literal["auto", "continue", "fail"] = "auto"
    max_turn_s: Seconds = 600
    drain_timeout_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 30
    max_running: Count = 10_000
    keep_ended: Annotated[int, Field(ge=0)] = 256
    max_backlog_events: Count = 2000


class EventSettings(Group):
    """How long the events of ended turns can be read."""

    retention_s: Seconds = 86_400


class StreamSettings(Group):
    """One connection that streams."""

    heartbeat_s: Annotated[float, Field(ge=1, le=60)] = 15
    send_timeout_s: Seconds = 30
    max_send_bytes: Count = 65_536


class LimitSettings(Group):
    """What a request may be at most."""

    body_bytes: Count = 1_048_576
    headers: Count = 100
    json_depth: Count = 64
    input_chars: Annotated[int, Field(ge=1, le=200_000)] = 200_000


class VoiceSettings(Group):
    """The voice clone service."""

    clone_base_url: Url | None = None
    clone_api_key: SecretStr | None = None
    use_mock: bool = False
    connect_timeout_s: Seconds = 10
    idle_timeout_s: Seconds = 30
    max_bytes: Count = 10_485_760


class DatabaseSettings(Group):
    """Where things are stored; None is a SQLite file in the data folder."""

    url: Annotated[str | None, BeforeValidator(sqlite_file)] = None


class NodeSettings(Group):
    """How a process shows that it lives."""

    beat_s: Seconds = 2
    dead_after_s: Seconds = 10

    @whole(mode="after")
    def _beats_in_time(self) -> NodeSettings:
        if self.dead_after_s < 2 * self.beat_s:
            raise ValueError("dead_after_s must be at least twice beat_s")
        return self


class LogSettings(Group):
    """`auto` is console where stderr is a terminal, else JSON."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class TestingSettings(Group):
    """Negative controls of the chaos tests: False breaks promises. Never for use."""

    fence: bool = True
    write_ahead: bool = True


class Settings(BaseSettings):
    """The whole tree. A secret prints as `**********`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="TALKWIRE_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
    )

    host: str = "127.0.0.1"
    port: Port = 8000
    listeners: Annotated[tuple[ListenerSettings, ...], BeforeValidator(listed)] = ()
    wires: Wires = WIRES
    data_dir: Folder = Field(default_factory=lambda: Path.home() / ".local/share/talkwire")
    open: bool = False
    workers: Count = 1
    trusted_hosts: Words = ()
    openai_api_key: SecretStr | None = None
    openai_base_url: Url | None = None
    use_mock: bool = False
    default_model: str | None = None
    models: Annotated[tuple[ModelSettings, ...], BeforeValidator(listed)] = ()
    sessions: SessionSettings = SessionSettings()
    turns: TurnSettings = TurnSettings()
    durability: Literal["journal", "memory"] = "journal"
    events: EventSettings = EventSettings()
    streams: StreamSettings = StreamSettings()
    limits: LimitSettings = LimitSettings()
    voice: VoiceSettings = VoiceSettings()
    prompts_dir: Folder | None = None
    database: DatabaseSettings = DatabaseSettings()
    node: NodeSettings = NodeSettings()
    log: LogSettings = LogSettings()
    testing: TestingSettings = TestingSettings()

    @whole(mode="after")
    def _fits_together(self) -> Settings:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"models: the name {twice[0]!r} is given twice")
        if self.models and self.default_model not in (None, *names):
            known = ", ".join(names)
            raise ValueError(f"default_model: no such model; known: {known}")
        for name in (name for listener in self.listeners for name in listener.wires or ()):
            if name not in self.wires:
                raise ValueError(f"listeners: the wire {name} is switched off by `wires`")
        if self.workers > 1:
            raise ValueError(
                "workers: more than one process needs PostgreSQL; this build stores in SQLite,"
                " which serves one process"
            )
        return self

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where to listen: the configured listeners, or else host and port."""
        if self.listeners:
            return [(listener.host, listener.port) for listener in self.listeners]
        return [(self.host, self.port)]

    @property
    def sqlite_path(self) -> Path:
        """The database file."""
        url = self.database.url
        return Path(url.partition("://")[2][1:]) if url else self.data_dir / "talkwire.sqlite3"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the caller gives: `load` merges the sources, so that each value has one."""
        return (init_settings,)


def load(config: Path | None = None, **options: Any) -> Settings:
    """The settings in force. `options` are the command line's; None means not given.

    :raises SettingsError: a source cannot be read, or a value cannot be used.
    """
    return trace(config, **options).settings


def trace(config: Path | None = None, **options: Any) -> Loaded[Settings]:
    """As `load`, with where each value came from and what was not understood.

    :raises SettingsError: as `load`.
    """
    return gather(Settings, config, os.environ, FROZEN_NAMES, options)


def language() -> Literal["en", "zh"]:
    """The language to speak to the person at this terminal, as POSIX finds it."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"
