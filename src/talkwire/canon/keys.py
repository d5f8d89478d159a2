"""API keys, and what they allow.

The text of a key is `tw_<id>_<secret>`; only its owner has it. What is stored is in here but for
the secret's hash, which stays in the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from talkwire.canon.budgets import Budget

SCOPES = frozenset(
    {"chat", "sessions:read", "sessions:write", "usage:read", "tools", "admin", "metrics"}
)
USUAL_SCOPES = frozenset({"chat", "sessions:read", "sessions:write"})
KEY_OWNER = "key:"  # begins the ids of principals that are one key, and no user's name


class NewKey(Struct, frozen=True):
    """A key that is asked for. `expires_at` is Unix milliseconds; None never.

    `user` is whose sessions it opens; None gives the key sessions of its own. Its `budget` is for
    what is asked with it alone.
    """

    name: str
    user: str | None = None
    admin: bool = False
    scopes: frozenset[str] = USUAL_SCOPES
    expires_at: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    budget: Budget | None = None


class ApiKey(Struct, frozen=True):
    """A stored key. Times are Unix milliseconds; `last_used_at` is exact to a minute or so."""

    id: str
    owner: str
    name: str
    created_at: int
    user: str | None = None
    admin: bool = False
    scopes: frozenset[str] = USUAL_SCOPES
    expires_at: int | None = None
    revoked_at: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    last_used_at: int | None = None
    budget: Budget | None = None

    def opens(self, at: int) -> bool:
        """True while it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def unknown_scopes(names: Iterable[str]) -> list[str]:
    """The names that are no scope, sorted."""
    return sorted(set(names) - SCOPES)


def is_user(name: str) -> bool:
    """True for a name that may own sessions: visible, of bounded length, and no key's own."""
    return (
        0 < len(name) <= 255
        and name.isprintable()
        and name == name.strip()
        and not name.startswith(KEY_OWNER)
    )
