"""Keys go to their own server: ours to ours, a caller's wherever that caller says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from talkwire.canon.errors import ModelError
from talkwire.models.building import build
from talkwire.models.callers import Caller, entry_for
from talkwire.models.entries import Entry, Provider, Site
from talkwire.models.pool import Model
from tests.models.conftest import KEY, ask, listen
from tests.upstream.server import Upstream

THEIRS = "sk-caller-77aa"
PINNED = ("127.0.0.1",)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


def entry(upstream: Upstream, provider: Provider = "openai-chat") -> Entry:
    return Entry(
        name="m", provider=provider, base_url=upstream.base_url, api_key=SecretStr(KEY),
        max_attempts=1,
    )  # fmt: skip


def model_for(ours: Entry, caller: Caller) -> Model:
    return build(entry_for(ours, caller))


@pytest.mark.parametrize("provider", ["openai", "openai-chat", "openai-responses", "scripted"])
@pytest.mark.parametrize("key", [None, THEIRS])
async def test_at_a_callers_server_our_key_is_never_shown(
    provider: Provider, key: str | None, upstream: Upstream, elsewhere: Upstream
) -> None:
    caller = Caller(elsewhere.base_url, PINNED, SecretStr(key) if key else None)
    model = model_for(entry(upstream, provider), caller)

    heard = await listen(model, ask("n3"))
    await model.close()

    assert heard.text == "w0 w1 w2 "
    assert upstream.calls == 0
    (request,) = elsewhere.requests
    assert request.headers.get("authorization") == (f"Bearer {key}" if key else None)
    assert KEY not in str(request)


async def test_a_callers_key_alone_goes_to_our_server(upstream: Upstream) -> None:
    model = model_for(entry(upstream), Caller(api_key=SecretStr(THEIRS)))

    assert (await listen(model, ask("n3"))).error is None
    await model.close()

    assert upstream.requests[0].headers["authorization"] == f"Bearer {THEIRS}"


async def test_who_brings_nothing_is_served_by_us(upstream: Upstream) -> None:
    ours = entry(upstream)

    assert entry_for(ours, Caller()) is ours


async def test_a_redirect_takes_no_key_anywhere(upstream: Upstream) -> None:
    moved = (
        f"HTTP/1.1 307 Moved\r\nlocation: {upstream.base_url}/chat/completions\r\n"
        "content-length: 0\r\n\r\n"
    )

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(moved.encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        model = model_for(entry(upstream), Caller(url, PINNED, SecretStr(THEIRS)))
        heard = await listen(model, ask("n3"))
        await model.close()

    assert isinstance(heard.error, ModelError)
    assert upstream.calls == 0
    assert "127.0.0.1" not in heard.error.message


def test_an_unchecked_server_cannot_be_said() -> None:
    with pytest.raises(ValueError, match="addresses"):
        Caller("http://a.example/v1")
    with pytest.raises(ValueError, match="addresses"):
        Caller(addresses=PINNED)


def test_a_caller_shows_nothing() -> None:
    caller = Caller("http://a.example/?sig=1", PINNED, SecretStr(THEIRS))

    assert repr(caller) == "Caller(…)"


def test_a_key_that_cannot_be_sent_is_refused_without_being_told(upstream: Upstream) -> None:
    with pytest.raises(ValueError, match="API key") as raised:
        model_for(entry(upstream), Caller(api_key=SecretStr("a\r\nx: y")))

    assert "x: y" not in str(raised.value)


@given(
    st.sampled_from(["http://ours.example/v1", "http://theirs.example/v1", ""]),
    st.none() | st.text(max_size=20),
    st.sampled_from(["openai", "openai-chat", "openai-responses", "scripted"]),
)
def test_our_key_and_a_server_of_a_caller_never_meet(
    base_url: str, key: str | None, provider: Provider
) -> None:
    ours = Entry("m", provider, "http://ours.example/v1", SecretStr(KEY))
    caller = Caller(base_url, PINNED if base_url else (), None if key is None else SecretStr(key))

    asked = entry_for(ours, caller)

    if asked.api_key is ours.api_key:
        assert (asked.base_url, asked.addresses) == (ours.base_url, ())
        assert not base_url


@given(st.sampled_from(["http://theirs.example/v1", ""]), st.none() | st.text(max_size=20))
def test_nor_do_they_where_we_have_several_servers(base_url: str, key: str | None) -> None:
    sites = tuple(Site(f"http://{n}.example/v1", SecretStr(KEY)) for n in ("one", "two"))
    ours = Entry("m", "openai-chat", sites=sites)
    caller = Caller(base_url, PINNED if base_url else (), None if key is None else SecretStr(key))

    asked = entry_for(ours, caller)

    if base_url or key is not None:
        assert asked.sites == ()
        assert asked.base_url == (base_url or "http://one.example/v1")
        assert asked.api_key == caller.api_key
    else:
        assert asked is ours
