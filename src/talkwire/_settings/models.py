"""The settings of models: what an entry of `models:` can be told, and which entries go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic import model_validator as whole

from talkwire._settings.kinds import Count, Folder, Group, Price, Seconds, Url, Words
from talkwire._settings.problems import near

EMBEDDING = "embedding"


class DeploymentSettings(Group):
    """One server of a model. `upstream_model` None is that of the model."""

    base_url: Url
    api_key: SecretStr | None = None
    upstream_model: str | None = None
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1


class BreakerSettings(Group):
    """After how many failures in a row a server is left alone, and for how long: each time twice as
    long, up to `open_max_s`.
    """

    failures: Count = 5
    open_s: Seconds = 5
    open_max_s: Seconds = 120

    @whole(mode="after")
    def _grows(self) -> BreakerSettings:
        if self.open_max_s < self.open_s:
            raise ValueError("open_max_s must be at least open_s")
        return self


class ModelSettings(Group):
    """One model. `base_url` None is the provider's own; `upstream_model` None is `name`."""

    name: str = Field(min_length=1)
    provider: Literal["openai-responses", "openai-chat", "python", "scripted"]
    base_url: Url | None = None
    api_key: SecretStr | None = None
    deployments: tuple[DeploymentSettings, ...] = ()
    upstream_model: str | None = None
    type: str = "cloud_large"
    fallbacks: Words = ()
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
    breaker: BreakerSettings = BreakerSettings()
    target: str | None = None
    pace_s: Annotated[float, Field(ge=0, le=60)] = 0
    threads: Count = 1
    script: Folder | None = None

    @whole(mode="after")
    def _keys_go_with_the_provider(self) -> ModelSettings:
        given = self.model_fields_set
        if self.deployments and given & {"base_url", "api_key"}:
            raise ValueError("deployments: has base_url and api_key in each entry, not beside it")
        if self.provider in ("python", "scripted"):
            for key in ("base_url", "api_key", "deployments"):
                if getattr(self, key):
                    raise ValueError(f"{key}: the provider {self.provider} asks no server")
        if (self.provider == "python") != bool(self.target):
            raise ValueError("target: goes with the provider python, as module:function")
        for key in ("pace_s", "threads"):
            if self.provider != "python" and key in given:
                raise ValueError(f"{key}: goes with the provider python")
        if self.type == EMBEDDING and (self.deployments or self.provider in ("python", "scripted")):
            raise ValueError("type: an embedding model has one server, at base_url")
        return self


def expect_models_that_fit(models: Sequence[ModelSettings], default: str | None) -> None:
    """Whether the entries go together. Embedding models are none that answer.

    :raises ValueError: a name given twice, or a name that is no model's; begins with the key.
    """
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"models: the name {twice[0]!r} is given twice")
    known = [model.name for model in models if model.type != EMBEDDING]
    if known and default not in (None, *known):
        raise ValueError(f"default_model: no such model; known: {', '.join(known)}")
    for model in models:
        _expect_fallbacks(model, known)


def _expect_fallbacks(model: ModelSettings, known: Sequence[str]) -> None:
    of = f"models: the fallbacks of {model.name!r}"
    for name in model.fallbacks:
        if name == model.name:
            raise ValueError(f"{of} name the model itself")
        if name not in known:
            raise ValueError(f"{of} name no such model{near(name, known)}")
        if model.fallbacks.count(name) > 1:
            raise ValueError(f"{of} name {name!r} twice")
    if model.fallbacks and model.type == EMBEDDING:
        raise ValueError(f"{of}: an embedding model has none")
