"""The settings of what is told to collectors: traces and bugs."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, SecretStr

from talkwire._settings.kinds import Group, Url
from talkwire._settings.texts import mapped

Share = Annotated[float, Field(ge=0, le=1)]
_PATH = "/v1/traces"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def paired(value: Any) -> Any:
    """Headers from a variable: a JSON object, or `name=value` with commas between, as the standard
    variable has them.

    :raises ValueError: with what was expected, never with what came.
    """
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if not all(equals for _, equals, _ in pairs):
            raise ValueError("expected name=value, with commas between")
        value = {name.strip(): unquote(text.strip()) for name, _, text in pairs}
    value = mapped(value)
    if isinstance(value, dict) and not all(_TOKEN.fullmatch(str(name)) for name in value):
        raise ValueError("expected names of headers")
    return value


class TracesSettings(Group):
    """Where traces go, by OTLP over HTTP; `endpoint` None makes none. `sample_ratio` is the share
    of turns that have one, where the caller has not decided on it.
    """

    endpoint: Url | None = None
    headers: Annotated[dict[str, SecretStr], BeforeValidator(paired)] = Field(default_factory=dict)
    sample_ratio: Share = 1
    service_name: str = Field(default="talkwire", min_length=1)

    @property
    def url(self) -> str | None:
        """Where traces are posted: below what the standard variable names."""
        if self.endpoint is None or self.endpoint.endswith(_PATH):
            return self.endpoint
        return self.endpoint + _PATH


class SentrySettings(Group):
    """Where bugs are told; `dsn` None tells none."""

    dsn: SecretStr | None = None
    environment: str = Field(default="production", min_length=1)
    sample_rate: Share = 1
