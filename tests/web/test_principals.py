"""Who asks, and what they may do."""

from __future__ import annotations

import msgspec
import pytest
from starlette.requests import Request

from talkwire.canon.errors import Forbidden, Unauthorized
from talkwire.web.principals import LOCAL, PRINCIPAL, Principal, owner_of, principal_of
from tests.web.wire import scope


def asked_by(principal: Principal | None) -> Request:
    given = scope()
    if principal is None:
        del given[PRINCIPAL]
    else:
        given[PRINCIPAL] = principal
    return Request(given)


def test_one_of_the_scopes_is_enough() -> None:
    reader = Principal("ann", scopes=frozenset({"sessions:read"}))

    assert owner_of(asked_by(reader), "chat", "sessions:read") == "ann"
    with pytest.raises(Forbidden, match="needs the scope chat or tools"):
        owner_of(asked_by(reader), "chat", "tools")


def test_an_admin_may_all_and_so_may_the_user_of_an_open_server() -> None:
    assert owner_of(asked_by(Principal("root", admin=True, scopes=frozenset())), "tools") == "root"
    assert owner_of(asked_by(LOCAL), "admin") == "local"


def test_a_request_that_nobody_has_looked_at_is_nobodys() -> None:
    with pytest.raises(Unauthorized):
        principal_of(asked_by(None))


def test_a_principal_survives_being_written_down() -> None:
    ann = Principal("ann", "k1", "phone", scopes=frozenset({"chat"}), rpm=3)

    assert msgspec.json.decode(msgspec.json.encode(ann), type=Principal) == ann


def test_keys_of_one_user_are_counted_apart() -> None:
    assert Principal("ann", "1").counted_as != Principal("ann", "2").counted_as
    assert Principal("ann").counted_as == "ann"
