"""What a key allows, and for how long."""

from __future__ import annotations

from talkwire.canon.keys import SCOPES, USUAL_SCOPES, ApiKey, unknown_scopes


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
