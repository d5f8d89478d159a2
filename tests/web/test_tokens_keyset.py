"""The issuer's keys: fetched when needed, kept for a while, and never more than they are for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from talkwire.canon.errors import Unavailable
from talkwire.web import tokens_keyset
from talkwire.web.tokens import Tokens
from talkwire.web.tokens_keyset import KeySet
from tests.web.issuer import AUDIENCE, ISSUER, Answer, KeySetServer, ec_pair, rsa_pair

OLD, NEW, CURVE = rsa_pair("old"), rsa_pair("new"), ec_pair("curve")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_keys_are_fetched_once_in_a_while() -> None:
    clock = Clock()
    async with KeySetServer(OLD.public, CURVE.public) as server:
        keys = KeySet(server.address, clock=clock)
        found = await asyncio.gather(*(keys.find("RS256", "old") for _ in range(20)))
        assert await keys.find("ES256", "curve") is not None
        assert server.asked == 1
        clock.now += 301
        await keys.find("RS256", "old")

    assert server.asked == 2
    assert all(key == OLD.private.public_key() for key in found)


async def test_a_change_of_keys_is_seen_at_once_and_asked_for_no_more_than_that() -> None:
    clock = Clock()
    async with KeySetServer(OLD.public) as server:
        keys = KeySet(server.address, clock=clock)
        tokens = Tokens(issuer=ISSUER, audience=AUDIENCE, find_key=keys.find)
        assert await tokens.verify(OLD.signs())
        server.keys = [NEW.public]
        clock.now += 10
        assert await tokens.verify(NEW.signs())
        assert await tokens.verify(OLD.signs()) is None
        for number in range(20):
            assert await keys.find("RS256", f"made-up-{number}") is None

    assert server.asked == 2


async def test_without_a_kid_there_must_be_one_key_of_the_kind() -> None:
    async with KeySetServer(OLD.public, CURVE.public) as server:
        assert await KeySet(server.address).find("RS256", None) is not None
        server.keys.append(NEW.public)
        assert await KeySet(server.address).find("RS256", None) is None


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (OLD.public, "ES256"),
        (OLD.public, "HS256"),
        (CURVE.public, "RS256"),
        (ec_pair("k", ec.SECP384R1(), "ES384").public, "ES256"),
        (OLD.public | {"use": "enc"}, "RS256"),
        (OLD.public | {"alg": "RS512"}, "RS256"),
        (OLD.public | {"n": "AQAB"}, "RS256"),
        (OLD.public | {"n": None}, "RS256"),
        (OLD.public | {"d": "AQAB"}, "RS256"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "RS256"),
        ({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "HS256"),
        ({}, "RS256"),
        (rsa_pair("short", 1024).public, "RS256"),
    ],
)
async def test_a_key_of_another_kind_or_too_short_is_none(
    key: dict[str, Any], algorithm: str
) -> None:
    async with KeySetServer(key) as server:
        assert await KeySet(server.address).find(algorithm, None) is None


async def test_when_the_issuer_is_away_known_keys_serve_on_for_a_while() -> None:
    clock = Clock()
    async with KeySetServer(OLD.public) as server:
        keys = KeySet(server.address, clock=clock)
        await keys.find("RS256", "old")
        server.answer = Answer("500 Internal Server Error")
        clock.now += 1000
        assert await keys.find("RS256", "old") is not None
        clock.now += 5000
        with pytest.raises(Unavailable):
            await keys.find("RS256", "old")


@pytest.mark.parametrize(
    "answer",
    [
        Answer("404 Not Found"),
        Answer(body=b"<html>"),
        Answer(body=b"[]"),
        Answer(body=b'{"keys": 5}'),
        Answer(body=b'{"keys": [], "pad": "' + b"x" * 300_000 + b'"}'),
    ],
    ids=["404", "html", "list", "number", "huge"],
)
async def test_what_is_no_key_set_is_none(answer: Answer) -> None:
    async with KeySetServer(OLD.public) as server:
        server.answer = answer
        with pytest.raises(Unavailable):
            await KeySet(server.address).find("RS256", "old")


async def test_redirects_are_not_followed() -> None:
    async with KeySetServer(OLD.public) as real, KeySetServer() as server:
        server.answer = Answer("302 Found", b"", (f"Location: {real.address}",))
        with pytest.raises(Unavailable):
            await KeySet(server.address).find("RS256", "old")

    assert real.asked == 0


async def test_a_silent_issuer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_keyset, "_TIMEOUT_S", 0.2)
    async with KeySetServer(OLD.public) as server:
        server.stalls = True
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await KeySet(server.address).find("RS256", "old")


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with KeySetServer() as proxy, KeySetServer(OLD.public) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert await KeySet(server.address).find("RS256", "old") is not None

    assert proxy.asked == 0


async def test_a_refused_connection_is_told_as_unavailable() -> None:
    async with KeySetServer() as server:
        address = server.address
    with pytest.raises(Unavailable):
        await KeySet(address).find("RS256", "old")


def test_a_key_set_holds_no_private_part() -> None:
    assert "d" not in json.loads(json.dumps(OLD.public))
