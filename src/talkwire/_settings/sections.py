"""The groups of settings: what each part of a server can be told, with bounds and defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic import model_validator as whole

from talkwire._settings.kinds import (
    Algorithms,
    Count,
    Folder,
    Group,
    Port,
    Seconds,
    Url,
    Wires,
    Words,
)
from talkwire._settings.texts import database, mapped, redis


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
    """What a request may be at most, and how many of them; None is no limit.

    `rpm` and `tpm` are requests and tokens a minute of one principal, `address_rpm` requests of one
    network address; `streams` is what one principal may have open at once.
    """

    body_bytes: Count = 1_048_576
    headers: Count = 100
    json_depth: Count = 64
    input_chars: Annotated[int, Field(ge=1, le=200_000)] = 200_000
    rpm: Count | None = None
    tpm: Count | None = None
    address_rpm: Count | None = None
    streams: Count | None = None


class DatabaseSettings(Group):
    """Where things are stored; None is a SQLite file in the data folder.

    The pool's sizes and time-outs are for PostgreSQL. `max_overflow` connections are opened beyond
    `pool_size` in busy times, as in SQLAlchemy.
    """

    url: Annotated[SecretStr | None, BeforeValidator(database)] = None
    pool_size: Count = 5
    max_overflow: Annotated[int, Field(ge=0)] = 10
    connect_timeout_s: Seconds = 5
    statement_timeout_s: Seconds = 10

    @property
    def is_postgres(self) -> bool:
        """True for a PostgreSQL server."""
        return self.url is not None and self.url.get_secret_value().startswith("postgres")


class RedisSettings(Group):
    """Word between nodes, cache and counters; None does without. `timeout_s` is for one command.
    Where it is `required` a server without it is not ready.
    """

    url: Annotated[SecretStr | None, BeforeValidator(redis)] = None
    max_connections: Count = 20
    timeout_s: Seconds = 0.2
    required: bool = False


class JwtSettings(Group):
    """JSON Web Tokens of another issuer; used where `secret` or `jwks_url` is given.

    `claim_user` names the principal, `claim_scopes` holds scopes: a list, or words; both may be
    paths into claims. `scope_names` tell what the issuer's words open. `algorithms` empty is HS256
    with a secret, RS256 and ES256 else.
    """

    secret: SecretStr | None = None
    jwks_url: Url | None = None
    issuer: str | None = None
    audience: str | None = None
    algorithms: Algorithms = ()
    claim_user: str = "sub"
    claim_scopes: str = "scope"
    scope_names: Annotated[dict[str, Words], BeforeValidator(mapped)] = Field(default_factory=dict)
    leeway_s: Annotated[float, Field(ge=0, le=600)] = 60

    @whole(mode="after")
    def _says_whom_to_trust(self) -> JwtSettings:
        if self.secret is None and self.jwks_url is None:
            return self
        if self.secret is not None and self.jwks_url is not None:
            raise ValueError("secret or jwks_url, not both")
        if self.secret is not None and len(self.secret.get_secret_value()) < 32:
            raise ValueError("secret: must have at least 32 bytes")
        if any(name.startswith("HS") != (self.secret is not None) for name in self.algorithms):
            raise ValueError("algorithms: HS… go with secret, all others with jwks_url")
        if self.issuer is None or self.audience is None:
            raise ValueError("issuer and audience must be given")
        return self


class AuthSettings(Group):
    """Who may ask. `auto` is `open` on loopback and `keys` elsewhere; `keys` takes JWTs too."""

    mode: Literal["auto", "keys", "open"] = "auto"
    jwt: JwtSettings = JwtSettings()

    def asks_for_keys(self, *, near: bool) -> bool:
        """Whether requests need a key; `near`: the server listens to this machine alone."""
        return self.mode == "keys" or (self.mode == "auto" and not near)


class BuiltinToolSettings(Group):
    """The tools that come along; each has to be switched on."""

    clock: bool = False
    calculator: bool = False
    fetch: bool = False


class ToolSettings(Group):
    """Tools that models may call. `module` is a module's name, or a path that ends in `.py`."""

    module: str | None = None
    builtin: BuiltinToolSettings = BuiltinToolSettings()
    max_rounds: Count = 10
    summarize_over: Annotated[int, Field(ge=200)] = 8_000
    summarize_timeout_s: Seconds = 120
    approve: Words = ()
    approval_ttl_s: Seconds = 900


class McpServerSettings(BaseModel):
    """One MCP server, as other hosts write it; keys that only those know are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, SecretStr] = Field(default_factory=dict)
    cwd: str | None = None
    url: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout_s: Seconds = 60
    connect_timeout_s: Seconds = 15
    enabled: bool = True
    requires_approval: bool | Literal["destructive"] = False

    @whole(mode="after")
    def _is_somewhere(self) -> McpServerSettings:
        if (self.command is None) == (self.url is None):
            raise ValueError("expected either `command` or `url`")
        return self


class ScenarioSettings(Group):
    """The catalogue of scenarios; `path` None is the sample that comes along. `weights` are those
    that `talkwire scenarios evaluate --learn` has written for it.
    """

    path: Folder | None = None
    weights: Folder | None = None
    reload_s: Seconds = 2
    decide_timeout_s: Seconds = 10
    embedding_model: str | None = None


class EgressSettings(Group):
    """Where requests and tools may lead this server. `allow` lists hosts, with ports or without;
    `private` opens networks that only this machine or its neighbours can reach.
    """

    allow: Words = ()
    private: bool = False


class NodeSettings(Group):
    """How a process shows that it lives."""

    beat_s: Seconds = 2
    dead_after_s: Seconds = 10

    @whole(mode="after")
    def _beats_in_time(self) -> NodeSettings:
        if self.dead_after_s < 2 * self.beat_s:
            raise ValueError("dead_after_s must be at least twice beat_s")
        return self


class TestingSettings(Group):
    """Negative controls of the chaos tests: False breaks promises. Never for use."""

    fence: bool = True
    write_ahead: bool = True
