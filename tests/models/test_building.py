"""Entries become models."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr

from talkwire.models.building import build, is_near
from talkwire.models.entries import Entry, Provider, Site
from talkwire.models.local import Local
from talkwire.models.pool import Pool
from talkwire.models.scripted import Scripted
from tests.models.conftest import KEY, ask, listen
from tests.upstream.server import Upstream


@pytest.mark.parametrize("provider", ["openai", "openai-chat", "openai-responses"])
async def test_every_provider_is_asked_at_every_site_under_its_own_name_and_key(
    provider: Provider, upstream: Upstream
) -> None:
    sites = (
        Site(upstream.base_url, SecretStr(KEY), "n2", weight=2),
        Site(f"{upstream.base_url}/", None),
    )
    model = cast(Pool, build(Entry("m", provider, upstream_model="n3", sites=sites)))

    heard = [await listen(model, ask("n3")) for _ in range(2)]
    for place in model.deployments[1:]:
        heard.append(await listen(place.model, ask("n3")))
    await model.close()

    assert [each.text for each in heard] == ["w0 w1 ", "w0 w1 ", "w0 w1 w2 "]
    keys = [request.headers.get("authorization") for request in upstream.requests]
    assert keys == [f"Bearer {KEY}", f"Bearer {KEY}", None]
    assert [place.weight for place in model.deployments] == [2, 1]


def test_a_model_without_sites_is_one_deployment() -> None:
    model = cast(Pool, build(Entry("m", "openai-chat", type="local_small", max_attempts=2)))

    assert (model.alone, model.max_attempts, model.deployments[0].local) == (True, 2, True)
    assert isinstance(build(Entry("demo", "scripted")), Scripted)


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8080", True),
        ("http://127.8.9.1", True),
        ("http://10.0.0.1/v1", False),
        ("https://models.example/v1", False),
    ],
)
def test_a_server_on_this_machine_is_near(url: str, near: bool) -> None:
    assert is_near(url) is near


async def test_a_python_model_has_a_place_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def answer(messages): return 'hi'\n", "utf-8")
    model = cast(Pool, build(Entry("m", "python", target=f"{tmp_path / 'mine.py'}:answer")))

    assert isinstance(model.deployments[0].model, Local)
    assert not model.deployments[0].local, "it need not be looked after"
    assert (await listen(model, ask())).text == "hi"
    assert "in this process" in await model.check()
    await model.close()


@pytest.mark.parametrize(
    "entry",
    [
        Entry("x", "openai", base_url="nope"),
        Entry("x", "openai", api_key=SecretStr("a b")),
        Entry("x", "openai-chat", sites=(Site("nope"),)),
        Entry("x", "scripted", script=Path("/no/such/file")),
        Entry("x", "python"),
    ],
)
def test_what_cannot_work_is_refused(entry: Entry) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build(entry)
