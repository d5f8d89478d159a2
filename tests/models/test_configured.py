"""Which models the settings mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.engine.ports import Choice
from talkwire.models.callers import Caller
from talkwire.models.configured import OPENAI_MODEL, catalogue, embeddings
from talkwire.models.embeddings import Embeddings
from talkwire.models.ollama import Ollama
from talkwire.models.pool import Pool
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


def test_vectors_are_made_by_an_entry_or_by_the_environment_s_server() -> None:
    def model(name: str, **values: object) -> Embeddings | None:
        return embeddings(Settings.model_validate(values), name)

    near = {"name": "near", "provider": "openai-chat", "base_url": "http://127.0.0.1:1/v1"}
    named = model("near", models=[{**near, "upstream_model": "bge"}], openai_api_key=KEY)
    other = model("vectors-3", openai_api_key=KEY, openai_base_url="http://127.0.0.1:2/v1")

    assert named is not None
    assert other is not None
    assert (named._model, named._key, named._client.server.text) == (
        "bge",
        "",
        "127.0.0.1:1",
    )
    assert (other._model, other._key) == ("vectors-3", KEY)


def test_the_demo_makes_no_vectors() -> None:
    scripted = {"name": "s", "provider": "scripted"}

    assert embeddings(Settings(use_mock=True, openai_api_key=SecretStr(KEY)), "v") is None
    assert embeddings(Settings.model_validate({"models": [scripted]}), "s") is None


def test_vectors_are_made_at_one_server_and_by_no_function() -> None:
    sites = [{"base_url": "http://127.0.0.1:1/v1", "upstream_model": "bge"}]
    several = {"name": "m", "provider": "openai-chat", "deployments": sites}
    python = {"name": "p", "provider": "python", "target": "json:dumps"}
    settings = Settings.model_validate({"models": [several, python], "openai_api_key": KEY})
    made = embeddings(settings, "m")

    assert made is not None
    assert (made._model, made._key, made._client.server.text) == ("bge", "", "127.0.0.1:1")
    assert embeddings(settings, "p") is None


def test_embedding_models_answer_nobody() -> None:
    vectors = {"name": "v", "provider": "openai-chat", "type": "embedding"}
    chat = {"name": "a", "provider": "openai-chat"}

    assert models(models=[vectors, chat]).names() == ("a",)
    assert models(models=[vectors], openai_api_key=KEY).names() == (OPENAI_MODEL,)
    assert isinstance(models(models=[vectors]).resolve(None).model, Scripted)


async def test_all_that_is_set_of_a_model_is_kept(upstream: Upstream) -> None:
    first = {"base_url": upstream.base_url, "api_key": "k-1", "weight": 3}
    second = {"base_url": upstream.base_url, "upstream_model": "n2"}
    small = {
        "name": "small",
        "provider": "openai-chat",
        "upstream_model": "n3",
        "deployments": [first, second],
        "fallbacks": ["mine"],
        "breaker": {"failures": 1},
    }
    mine = {"name": "mine", "provider": "python", "target": "builtins:str", "pace_s": 0.0001}
    given = models(models=[small, mine], openai_api_key=SecretStr(KEY))
    pool, local = given.resolve("small").model, given.resolve("mine").model
    assert isinstance(pool, Pool)
    assert [place.weight for place in pool.deployments] == [3, 1]

    for place in pool.deployments:
        await listen(place.model, ask("n3"))
    said = await listen(local, ask("mine", "Hi"))
    upstream.script.append("status500")
    await listen(pool, ask("n3"))
    await given.close()

    keys = [request.headers.get("authorization") for request in upstream.requests]
    assert keys[:2] == ["Bearer k-1", None], "the environment's key is for its own server"
    assert said.text == "[{'role': 'user', 'content': 'Hi'}]"
    assert given.fallbacks("small") == ("mine",)
    assert [place.health.state for place in pool.deployments] == ["open", "closed"]
