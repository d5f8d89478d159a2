"""Whose sessions are meant, in SQL: nobody's are everybody's."""

from __future__ import annotations

import pytest

from talkwire.canon.sessions import Whose
from talkwire.stores.session_rows import last, metadata_of, of


def test_an_owner_is_always_asked_for_or_a_user_is() -> None:
    assert "owner" in str(of(Whose("ann")))
    assert str(of(Whose("ann", "u"))).count("AND") == 1
    assert str(of(Whose(None, "u"))).count("OR") == 1
    with pytest.raises(ValueError, match="somebody"):
        of(Whose(None))


def test_nothing_is_told_of_nothing() -> None:
    assert (last(None), metadata_of(None), metadata_of('{"a":1}')) == ("", {}, {"a": 1})
