"""Which models the settings mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.engine.ports import Choice
from talkwire.models.callers import Caller
from talkwire.models.configured import OPENAI_MODEL, catalogue
from talkwire.models.ollama import Ollama
from talkwire.models.registry import Catalogue
from talkwire.models.scripted import Scripted
from talkwire.settings import ModelSettings, Settings
from tests.models.conftest import KEY, ask, listen
from tests.upstream.server import Upstream

LOCAL = Ollama("http://127.0.0.1:11434/v1", ("llama", "qwen"))


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "USE_MOCK"):
        monkeypatch.delenv(name, raising=False)


def models(found: Ollama | None = None, **values: object) -> Catalogue[Choice]:
    settings = Settings.model_validate(values)
    return catalogue(settings, Choice, find_ollama=lambda: found)


def test_the_mock_wins_over_all() -> None:
    mocked = models(use_mock=True, openai_api_key=KEY)

    assert isinstance(mocked.resolve("anything").model, Scripted)
    assert "USE_MOCK" in mocked.told


def test_the_mock_asks_no_server_of_a_caller_either() -> None:
    caller = Caller("http://theirs.example/v1", ("192.0.2.1",), SecretStr(KEY))
    choice = models(use_mock=True).resolve("m", caller)

    assert isinstance(choice.model, Scripted)
    assert not choice.lent
    assert models(openai_api_key=KEY).resolve("m", caller).lent


def test_a_key_alone_is_openai_with_any_name() -> None:
    named = models(openai_api_key=KEY)

    assert named.names() == (OPENAI_MODEL,)
    assert named.resolve("o9").upstream_model == "o9"
    assert models(openai_api_key=KEY, default_model="mine").names() == ("mine",)


def test_without_anything_an_ollama_answers() -> None:
    local = models(LOCAL)

    assert local.names() == ("llama", "qwen")
    assert "Ollama" in local.told
    assert models(LOCAL, default_model="qwen").names()[0] == "qwen"


@pytest.mark.parametrize("found", [None, Ollama("http://127.0.0.1:1/v1", ())])
def test_without_anything_and_an_ollama_the_demo_answers(found: Ollama | None) -> None:
    demo = models(found)

    assert isinstance(demo.resolve(None).model, Scripted)
    assert "OPENAI_API_KEY" in demo.told


def test_the_demo_carries_on_an_answer_that_was_cut() -> None:
    assert models(use_mock=True).resolve(None).continuation == "prefill"


async def test_an_entry_without_a_server_has_that_of_the_environment(upstream: Upstream) -> None:
    entry = ModelSettings(name="a", provider="openai-chat", upstream_model="n3")
    other = ModelSettings(name="b", provider="openai-chat", base_url=upstream.base_url)
    given = models(
        models=(entry, other), openai_api_key=SecretStr(KEY), openai_base_url=upstream.base_url
    )

    await listen(given.resolve("a").model, ask("n3"))
    await listen(given.resolve("b").model, ask("n3"))
    await given.close()

    assert [r.headers.get("authorization") for r in upstream.requests] == [f"Bearer {KEY}", None]
