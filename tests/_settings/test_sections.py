"""Groups that decide something by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire._settings.sections import AuthSettings, DatabaseSettings, JwtSettings, NodeSettings


@pytest.mark.parametrize(
    ("mode", "near", "asks"),
    [
        ("auto", True, False),
        ("auto", False, True),
        ("keys", True, True),
        ("keys", False, True),
        ("open", True, False),
        ("open", False, False),
    ],
)
def test_keys_are_asked_for_as_the_mode_says(mode: Any, near: bool, asks: bool) -> None:
    assert AuthSettings(mode=mode).asks_for_keys(near=near) == asks


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "s" * 31},
        {"secret": "s" * 32, "issuer": None},
        {"secret": "s" * 32, "audience": None},
        {"secret": "s" * 32, "jwks_url": "https://id.example/keys"},
        {"jwks_url": "ftp://id.example/keys"},
        {"secret": "s" * 32, "leeway_s": 601},
    ],
)
def test_tokens_need_all_that_makes_them_safe(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        JwtSettings.model_validate({"issuer": "i", "audience": "a", **given})


def test_a_database_is_a_file_or_a_server() -> None:
    assert DatabaseSettings.model_validate({"url": "postgres://u:p@h/d"}).is_postgres
    assert not DatabaseSettings.model_validate({"url": "sqlite:///file"}).is_postgres
    assert not DatabaseSettings().is_postgres


def test_a_node_must_be_able_to_miss_a_beat() -> None:
    with pytest.raises(ValueError, match="at least twice"):
        NodeSettings(beat_s=5, dead_after_s=9)
