"""Names become models."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import NotFound
from talkwire.engine.ports import Choice, Models
from talkwire.models.callers import Caller
from talkwire.models.entries import Entry, Provider, Site
from talkwire.models.pool import Pool
from talkwire.models.registry import Catalogue
from tests.models.conftest import KEY, ask, listen, until
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
    ],
)
def test_what_cannot_work_is_refused_at_once(entries: list[Entry], default: str | None) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Catalogue(entries, Choice, default=default)


def test_with_a_callers_key_alone_the_first_of_several_servers_is_asked() -> None:
    sites = (Site("http://one.example/v1", SecretStr(KEY), "one"), Site("http://two.example/v1"))
    models = Catalogue([Entry("m", "openai-chat", sites=sites, upstream_model="m")], Choice)

    choice = models.resolve("m", Caller(api_key=SecretStr("sk-theirs")))

    assert (choice.upstream_model, choice.lent) == ("one", True)
    assert isinstance(choice.model, Pool)
    assert choice.model.alone


def test_what_callers_keys_ask_again_is_counted_apart() -> None:
    models = Catalogue([SMART], Choice)
    ours = models.resolve("smart").model
    lent = [models.resolve("smart", Caller(api_key=SecretStr(f"sk-{n}"))).model for n in range(2)]

    assert isinstance(ours, Pool)
    allowances = [each.allowance for each in lent if isinstance(each, Pool)]
    assert allowances[0] is allowances[1], "theirs together have one"
    assert allowances[0] is not ours.allowance


def test_a_python_model_is_nobodys_to_lend(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def answer(messages): return 'hi'\n", "utf-8")
    models = Catalogue([Entry("m", "python", target=f"{tmp_path / 'mine.py'}:answer")], Choice)

    choice = models.resolve("m", Caller(api_key=SecretStr("sk-theirs")))

    assert choice.model is models.resolve("m").model
    assert (choice.lent, choice.reads) == (False, True)


async def test_standings_are_of_each_model_the_default_one_first(upstream: Upstream) -> None:
    entry = Entry("n3", "openai-chat", base_url=upstream.base_url, context_tokens=9, price_out=2.0)
    models = Catalogue([FAST, entry], Choice, default="n3")
    upstream.script.extend(["status500"] * 5)
    for _ in range(5):
        await listen(models.resolve("n3").model, ask())

    real, demo = models.standings()
    await models.close()

    assert (real.name, real.context_tokens, real.price_out) == ("n3", 9, 2.0)
    assert (real.running, real.healthy) == (0, True)
    assert real.error_rate > 0.1
    assert real.latency_ms is not None
    assert (demo.name, demo.model_type, demo.price_in, demo.healthy) == ("fast", "local", 1.0, True)


async def test_watching_heals_what_was_away(upstream: Upstream) -> None:
    entry = Entry("n3", "openai-chat", base_url=upstream.base_url, max_attempts=1)
    models = Catalogue([FAST, entry], Choice)
    await upstream.kill()
    watching = asyncio.ensure_future(models.watch())
    await until(lambda: not models.standings()[1].healthy)

    watching.cancel()
    await asyncio.wait([watching])
    assert "upstream_unavailable" in models.standings()[1].why
    await upstream.begin()
    watching = asyncio.ensure_future(models.watch())
    await until(lambda: models.standings()[1].healthy)

    watching.cancel()
    await asyncio.wait([watching])
    await models.close()


@pytest.mark.parametrize("provider", ["openai", "openai-chat", "openai-responses"])
async def test_every_provider_answers(provider: Provider, upstream: Upstream) -> None:
    entry = Entry("n3", provider, base_url=upstream.base_url)
    models = Catalogue([entry], Choice)
    choice = models.resolve(None)

    heard = await listen(choice.model, ask(choice.upstream_model))
    told = await choice.model.check()
    await models.close()

    assert (heard.text, "1 models" in told) == ("w0 w1 w2 ", True)
