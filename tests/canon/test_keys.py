"""What a key allows, and for how long."""

from __future__ import annotations

import pytest

from talkwire.canon.keys import SCOPES, USUAL_SCOPES, ApiKey, is_user, unknown_scopes


def test_a_key_opens_until_it_expires_or_is_revoked() -> None:
    assert ApiKey("a", "key:a", "", 1).opens(10**15)
    assert ApiKey("a", "key:a", "", 1, expires_at=5).opens(4)
    assert not ApiKey("a", "key:a", "", 1, expires_at=5).opens(5)
    assert not ApiKey("a", "key:a", "", 1, revoked_at=3).opens(2)


def test_scopes_are_a_closed_set() -> None:
    assert unknown_scopes(SCOPES) == []
    assert unknown_scopes(["chat", "root", "*"]) == ["*", "root"]
    assert USUAL_SCOPES < SCOPES
    assert not {"admin", "metrics", "tools"} & USUAL_SCOPES


@pytest.mark.parametrize("name", ["ann", "ann@example.org", "安", "a" * 255, "auth0|1"])
def test_users_may_have_any_visible_name(name: str) -> None:
    assert is_user(name)


@pytest.mark.parametrize("name", ["", " ", " ann", "a\n", "a\x00", "key:1", "a" * 256])
def test_no_user_is_invisible_or_poses_as_a_key(name: str) -> None:
    assert not is_user(name)
