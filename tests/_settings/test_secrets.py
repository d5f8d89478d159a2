"""Every secret of the settings is found."""

from __future__ import annotations

from pydantic import SecretStr

from talkwire.settings import McpServerSettings, ModelSettings, RedisSettings, Settings


def test_secrets_are_found_wherever_they_stand() -> None:
    settings = Settings(
        openai_api_key=SecretStr("one"),
        redis=RedisSettings(url=SecretStr("redis://:two@h")),
        models=(ModelSettings(name="m", provider="openai-chat", api_key=SecretStr("three")),),
        mcpServers={"x": McpServerSettings(command="c", env={"KEY": SecretStr("four")})},
    )

    assert settings.secrets == {"one", "redis://:two@h", "three", "four"}


def test_settings_without_secrets_have_none() -> None:
    assert Settings().secrets == frozenset()
