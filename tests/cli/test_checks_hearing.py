from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from talkwire import hearing
from talkwire.cli.checks_hearing import listens
from talkwire.settings import Settings
from tests.upstream.hearing import Reply, text
from tests.upstream.hearing import listens as listening


def _found(**asked: Any) -> tuple[str, str]:
    check = listens(Settings.model_validate({"voice": {"hearing": asked}}))
    return check.outcome, check.found


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in names else real(name)
    )


def test_what_is_installed_is_told_for_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found() == ("ok", "PocketSphinx: a few clear words of English")

    _without(monkeypatch, "pocketsphinx")
    assert _found(provider="sphinx")[0] == "broken"
    assert _found()[0] == "note"

    _without(monkeypatch, "av")
    assert "talkwire[voice]" in _found(provider="sphinx")[1]


def test_nothing_is_told_with_what_to_set() -> None:
    assert _found(provider="none") == (
        "note",
        "none configured (voice.hearing.base_url, OPENAI_API_KEY)",
    )


def test_a_service_is_asked_and_nothing_is_heard() -> None:
    with listening(lambda asked: text("x")) as server:
        assert _found(base_url=server.base_url)[0] == "ok"
        server.respond = lambda asked: Reply(status=401)
        assert _found(base_url=server.base_url)[0] == "broken"

    assert all(each.head.startswith("GET /v1/models") for each in server.asked)


def test_the_address_is_the_one_that_would_be_asked() -> None:
    assert hearing.service(Settings())[0] == hearing.OPENAI
