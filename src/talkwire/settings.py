"""All settings, in one frozen tree, and the only reader of the environment.

Order: defaults < config.yaml < `.env` < environment < command line. An unknown key is an error.
`Settings(...)` itself reads nothing; `load` does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic import model_validator as whole
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from talkwire._settings.agents import AgentSettings, AgnoSettings, expect_agents_that_fit
from talkwire._settings.budgets import BudgetSettings, expect_one_each
from talkwire._settings.files import Place
from talkwire._settings.hearing import HearingSettings
from talkwire._settings.kinds import (
    WIRES,
    Count,
    Folder,
    Networks,
    Port,
    Url,
    Wires,
    Words,
)
from talkwire._settings.models import ModelSettings, expect_models_that_fit
from talkwire._settings.operating import LOGS, GatewaySettings, LogSettings
from talkwire._settings.problems import SettingsError
from talkwire._settings.routing import RoutingSettings
from talkwire._settings.secrets import secrets
from talkwire._settings.sections import (
    AuthSettings,
    DatabaseSettings,
    EgressSettings,
    EventSettings,
    JwtSettings,
    LimitSettings,
    ListenerSettings,
    McpServerSettings,
    NodeSettings,
    RedisSettings,
    ScenarioSettings,
    SessionSettings,
    StreamSettings,
    TestingSettings,
    ToolSettings,
    TurnSettings,
)
from talkwire._settings.sources import Loaded, client_value, gather
from talkwire._settings.telemetry import SentrySettings, TracesSettings
from talkwire._settings.texts import is_loopback, listed, mapped
from talkwire._settings.voice import VoiceSettings

__all__ = [
    "AgentSettings",
    "AgnoSettings",
    "AuthSettings",
    "BudgetSettings",
    "DatabaseSettings",
    "GatewaySettings",
    "HearingSettings",
    "JwtSettings",
    "ListenerSettings",
    "Loaded",
    "LogSettings",
    "McpServerSettings",
    "ModelSettings",
    "RedisSettings",
    "ScenarioSettings",
    "SentrySettings",
    "Settings",
    "SettingsError",
    "TracesSettings",
    "TurnSettings",
    "VoiceSettings",
    "client_key",
    "language",
    "load",
    "trace",
]

# Names that other software sets or that clients' documents promise; `TALKWIRE_…` wins over them.
FROZEN_NAMES: dict[str, Place] = {
    "PORT": ("port",),
    "OPENAI_API_KEY": ("openai_api_key",),
    "OPENAI_BASE_URL": ("openai_base_url",),
    "USE_MOCK": ("use_mock",),
    "DATABASE_URL": ("database", "url"),
    "REDIS_URL": ("redis", "url"),
    "AGNO_API_URL": ("agno", "api_url"),
    "VOICE_CLONE_BASE_URL": ("voice", "clone_base_url"),
    "VOICE_CLONE_API_KEY": ("voice", "clone_api_key"),
    "VOICE_USE_MOCK": ("voice", "use_mock"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("traces", "endpoint"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("traces", "headers"),
    "OTEL_SERVICE_NAME": ("traces", "service_name"),
    "SENTRY_DSN": ("sentry", "dsn"),
}


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
    trusted_proxies: Networks = ()
    openai_api_key: SecretStr | None = None
    openai_base_url: Url | None = None
    use_mock: bool = False
    default_model: str | None = None
    models: Annotated[tuple[ModelSettings, ...], BeforeValidator(listed)] = ()
    agents: Annotated[tuple[AgentSettings, ...], BeforeValidator(listed)] = ()
    agno: AgnoSettings = AgnoSettings()
    sessions: SessionSettings = SessionSettings()
    turns: TurnSettings = TurnSettings()
    durability: Literal["journal", "memory"] = "journal"
    events: EventSettings = EventSettings()
    streams: StreamSettings = StreamSettings()
    limits: LimitSettings = LimitSettings()
    budgets: Annotated[tuple[BudgetSettings, ...], BeforeValidator(listed)] = ()
    voice: VoiceSettings = VoiceSettings()
    prompts_dir: Folder | None = None
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    tools: ToolSettings = ToolSettings()
    routing: RoutingSettings = RoutingSettings()
    scenarios: ScenarioSettings = ScenarioSettings()
    # As other hosts of such servers write it.
    mcpServers: Annotated[dict[str, McpServerSettings], BeforeValidator(mapped)] = Field(
        default_factory=dict
    )
    egress: EgressSettings = EgressSettings()
    auth: AuthSettings = AuthSettings()
    node: NodeSettings = NodeSettings()
    gateway: GatewaySettings = GatewaySettings()
    log: LogSettings = LogSettings()
    traces: TracesSettings = TracesSettings()
    sentry: SentrySettings = SentrySettings()
    testing: TestingSettings = TestingSettings()

    @whole(mode="after")
    def _fits_together(self) -> Settings:
        expect_models_that_fit(self.models, self.default_model)
        expect_agents_that_fit(self.agents, self.models)
        for name in (name for listener in self.listeners for name in listener.wires or ()):
            if name not in self.wires:
                raise ValueError(f"listeners: the wire {name} is switched off by `wires`")
        expect_one_each(self.budgets)
        self._expect_an_address_to_advertise()
        if self.open and self.auth.mode == "keys":
            raise ValueError("open: contradicts auth.mode keys")
        if self.workers > 1 and not self.database.is_postgres:
            raise ValueError(
                "workers: more than one process needs PostgreSQL (DATABASE_URL=postgresql://…);"
                " SQLite serves one process"
            )
        return self

    def _expect_an_address_to_advertise(self) -> None:
        """:raises ValueError: a gateway is to be told where, and it cannot be seen here."""
        if self.gateway.url is None or self.gateway.advertise_url is not None:
            return
        host, port = self.addresses[0]
        if port == 0 or host.strip("[]") in ("", "0.0.0.0", "::"):  # noqa: S104 - compared
            raise ValueError(
                "gateway: advertise_url must say where others reach this server, since"
                f" {host}:{port} does not"
            )

    @property
    def log_dir(self) -> Path | None:
        """The folder of log files, where they are asked for."""
        folder = self.log.file
        return self.data_dir / folder if folder == LOGS else folder

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where to listen: the configured listeners, or else host and port."""
        if self.listeners:
            return [(listener.host, listener.port) for listener in self.listeners]
        return [(self.host, self.port)]

    @property
    def asks_for_keys(self) -> bool:
        """Whether requests need a key; `auth.mode: auto` is open on loopback alone."""
        return not self.open and self.auth.asks_for_keys(near=self.listens_near)

    @property
    def listens_near(self) -> bool:
        """Whether only this machine reaches what is listened to."""
        return all(is_loopback(host) for host, _ in self.addresses)

    @property
    def sqlite_path(self) -> Path:
        """The database file, where SQLite is used."""
        url = self.database.url
        if url is None or self.database.is_postgres:
            return self.data_dir / "talkwire.sqlite3"
        return Path(url.get_secret_value().partition("://")[2][1:])

    @property
    def secrets(self) -> frozenset[str]:
        """All that must not be seen, wherever in the tree it stands."""
        return frozenset(secrets(self))

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


def client_key() -> SecretStr | None:
    """The key that commands show to a server: of the environment, else of `.env`. No setting."""
    found = client_value("TALKWIRE_API_KEY", os.environ)
    return SecretStr(found) if found else None
