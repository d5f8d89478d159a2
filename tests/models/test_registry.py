"""Names become models."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import NotFound
from talkwire.engine.ports import Choice, Models
from talkwire.models.callers import Caller
from talkwire.models.registry import Catalogue, Entry, Provider
from tests.models.conftest import KEY, ask, listen
from tests.upstream.server import Upstream

FAST = Entry("fast", "scripted", type="local", price_in=1.0)
SMART = Entry("smart", "openai-chat", upstream_model="gpt-x", api_key=SecretStr(KEY))


def test_a_name_is_its_model_and_no_name_the_default() -> None:
    models: Models = Catalogue([FAST, SMART], Choice, default="smart")

    assert (models.resolve("fast").model_type, models.resolve("fast").price_in) == ("local", 1.0)
    assert models.resolve(None).upstream_model == models.resolve("").upstream_model == "gpt-x"
    assert models.names() == ("smart", "fast")
    assert models.resolve("fast").reasons == ()


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"Did you mean 'smart'\? Known: fast, smart") as raised:
        Catalogue([FAST, SMART], Choice).resolve("smrat")

    assert raised.value.param == "model"


def test_an_open_entry_takes_any_name_as_it_is() -> None:
    models = Catalogue([Entry("gpt", "openai", any_name=True)], Choice)

    assert models.resolve("o9-mini").upstream_model == "o9-mini"
    assert models.names() == ("gpt",)


def test_at_a_callers_server_a_name_is_handed_on_as_it_is() -> None:
    models = Catalogue([FAST, SMART], Choice)
    caller = Caller("http://theirs.example/v1", ("192.0.2.1",), SecretStr("sk-theirs"))

    for name in ("smart", "fast", "whatever-7b"):
        choice = models.resolve(name, caller)
        assert (choice.name, choice.upstream_model, choice.model_type) == (name, name, "caller")
        assert (choice.lent, choice.price_in) == (True, None)


def test_a_callers_key_alone_names_our_models_and_costs_us_nothing() -> None:
    models = Catalogue([FAST, SMART], Choice)
    caller = Caller(api_key=SecretStr("sk-theirs"))
    choice = models.resolve("smart", caller)

    assert (choice.upstream_model, choice.lent, choice.price_in) == ("gpt-x", True, None)
    assert choice.model is not models.resolve("smart").model
    assert not models.resolve("smart").lent
    with pytest.raises(NotFound):
        models.resolve("unknown", caller)


@pytest.mark.parametrize(
    ("entries", "default"),
    [
        ([], None),
        ([FAST, FAST], None),
        ([FAST], "other"),
        ([Entry("x", "openai", base_url="nope")], None),
        ([Entry("x", "openai", api_key=SecretStr("a b"))], None),
        ([Entry("x", "scripted", script=Path("/no/such/file"))], None),
    ],
)
def test_what_cannot_work_is_refused_at_once(entries: list[Entry], default: str | None) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Catalogue(entries, Choice, default=default)


def test_no_secret_is_printed() -> None:
    assert KEY not in repr(SMART)


@pytest.mark.parametrize("provider", ["openai", "openai-chat", "openai-responses"])
async def test_every_provider_answers(provider: Provider, upstream: Upstream) -> None:
    entry = Entry("n3", provider, base_url=upstream.base_url)
    models = Catalogue([entry], Choice)
    choice = models.resolve(None)

    heard = await listen(choice.model, ask(choice.upstream_model))
    told = await choice.model.check()
    await models.close()

    assert (heard.text, "1 models" in told) == ("w0 w1 w2 ", True)
