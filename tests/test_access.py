"""Who may ask, as the settings say; and that an open server pays nothing for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from talkwire import access
from talkwire._settings.sections import LimitSettings
from talkwire.app import build
from talkwire.canon.keys import NewKey
from talkwire.settings import AuthSettings, DatabaseSettings, JwtSettings, Settings
from talkwire.storage import database_of
from talkwire.web.gate import Gate
from tests.test_app import asked, events_of, served
from tests.web.issuer import AUDIENCE, ISSUER, KeySetServer, claims_of, ec_pair, rsa_pair

ROUTED = "/api/v1/models"


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(data_dir=folder, use_mock=True, **given)


def gates(given: Settings) -> int:
    layers: list[Any] = build(given).user_middleware
    return sum(layer.cls is Gate for layer in layers)


def test_an_open_server_without_limits_has_no_gate(tmp_path: Path) -> None:
    assert gates(settings(tmp_path)) == 0
    assert gates(settings(tmp_path, limits=LimitSettings(rpm=5))) == 1
    assert gates(settings(tmp_path, limits=LimitSettings(streams=5))) == 1
    assert gates(settings(tmp_path, auth=AuthSettings(mode="keys"))) == 1
    for wires in (("native", "routed-chat"), ("native", "mcp")):  # there may be keys, and be shown
        assert gates(settings(tmp_path, host="0.0.0.0", open=True, wires=wires)) == 1  # noqa: S104 - not bound


@pytest.mark.parametrize(("proxies", "last"), [(("127.0.0.1",), 200), ((), 429)])
async def test_behind_a_proxy_that_is_believed_each_client_has_its_own_limit(
    tmp_path: Path, proxies: tuple[str, ...], last: int
) -> None:
    given = settings(tmp_path, limits=LimitSettings(address_rpm=1), trusted_proxies=proxies)
    async with served(build(given)) as client:
        statuses = [
            (await client.get("/prompts", headers={"X-Forwarded-For": address})).status_code
            for address in ("192.0.2.1", "192.0.2.1", "203.0.113.9, 192.0.2.2")
        ]

    assert statuses == [200, 429, last]


@pytest.mark.parametrize(
    ("given", "everyone", "strict"),
    [
        ({}, 200, 200),
        ({"open": True}, 200, 200),
        ({"host": "0.0.0.0", "open": True}, 200, 401),  # noqa: S104 - not bound
        ({"host": "0.0.0.0", "auth": {"mode": "open"}}, 200, 401),  # noqa: S104 - the same
        ({"auth": {"mode": "keys"}}, 401, 401),
    ],
)
async def test_a_wire_for_bearers_alone_is_open_to_its_own_machine_only(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, Any],
    everyone: int,
    strict: int,
) -> None:
    asks = Settings.model_validate({"data_dir": tmp_path, "use_mock": True, **given})
    async with access.keys(asks) as keys:
        _, text = await keys.create(NewKey("phone", user="ann"))
    async with served(build(asks)) as client:
        nothing = await client.get(ROUTED)
        tried = await client.get(ROUTED, headers={"X-API-Key": text})
        shown = await client.get(ROUTED, headers=bearer(text))
        others = await client.get("/prompts")
        stream = await client.post(
            f"{ROUTED.rpartition('/')[0]}/chat/stream", json={"message": "x"}
        )

    assert (others.status_code, nothing.status_code, tried.status_code) == (
        everyone,
        strict,
        strict,
    )
    assert shown.status_code == 200
    assert stream.status_code == strict
    if strict == 401:
        assert stream.headers["www-authenticate"] == "Bearer"
        assert stream.headers["content-type"] == "text/plain; charset=utf-8"
        assert stream.text.startswith('data: {"error":"')
        assert '"code":"unauthorized","content":"","session_id":""}\n\n' in stream.text
        assert nothing.json()["code"] == "unauthorized"
    assert "tw_first_" not in capsys.readouterr().out


async def test_the_first_key_is_printed_once_and_not_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings(tmp_path, auth=AuthSettings(mode="keys"))
    for _ in range(2):
        async with served(build(given)) as client:
            assert (await client.get("/prompts")).status_code == 401

    out, err = capsys.readouterr()
    (text,) = [line for line in out.splitlines() if line.startswith("tw_first_")]
    assert out.count("tw_first_") == 1
    assert text.startswith("tw_first_")
    assert "tw_first_" not in err
    async with served(build(given)) as client:
        assert (await client.get("/prompts", headers={"X-API-Key": text})).status_code == 200


async def test_tokens_of_the_issuer_are_taken_and_no_first_key_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair, stranger = ec_pair("k1"), rsa_pair("k1")
    async with KeySetServer(pair.public) as issuer:
        tokens = JwtSettings(jwks_url=issuer.address, issuer=ISSUER, audience=AUDIENCE)
        given = settings(tmp_path, auth=AuthSettings(mode="keys", jwt=tokens))
        async with served(build(given)) as client:
            ann = bearer(pair.signs())
            client.headers.update(ann)
            turn_id = await asked(client, "Hello!")
            assert (await events_of(client, turn_id))[-1] == "turn.completed"
            one = f"/turns/{turn_id}"
            bob = bearer(pair.signs(sub="bob"))
            narrow = bearer(pair.signs(scope="metrics"))
            answers = [
                (await client.get(one, headers=headers)).status_code
                for headers in (ann, bob, narrow, bearer(stranger.signs()))
            ]

    assert answers == [200, 404, 403, 401]
    assert "tw_first_" not in capsys.readouterr().out


async def test_a_users_key_and_token_open_the_same_sessions(tmp_path: Path) -> None:
    secret = "a secret of at least thirty-two bytes"
    auth = AuthSettings.model_validate(
        {"mode": "keys", "jwt": {"secret": secret, "issuer": ISSUER, "audience": AUDIENCE}}
    )
    given = settings(tmp_path, auth=auth)
    async with access.keys(given) as keys:
        _, text = await keys.create(NewKey("phone", user="ann"))
    async with served(build(given)) as client:
        client.headers.update(bearer(text))
        turn_id = await asked(client, "Hello!")
        token = bearer(jwt.encode(claims_of(), secret, "HS256"))

        assert (await client.get(f"/turns/{turn_id}", headers=token)).status_code == 200


async def test_what_is_begun_with_a_key_on_an_open_server_is_its_users_on_every_path(
    tmp_path: Path,
) -> None:
    given = settings(tmp_path, host="0.0.0.0", open=True)  # noqa: S104 - not bound
    async with access.keys(given) as keys:
        _, text = await keys.create(NewKey("phone", user="ann"))
    async with served(build(given)) as client:
        await events_of(client, await asked(client, "Nobody's."))
        nobodys = (await client.get("/usage?by=user")).json()["rows"]
        client.headers.update(bearer(text))
        turn_id = await asked(client, "Hello!")
        await events_of(client, turn_id)
        mine = await client.get(f"/turns/{turn_id}")
        anns = (await client.get("/usage?by=user")).json()["rows"]
        client.headers.update(bearer("tw_unknown"))
        unknown = await client.get(f"/turns/{turn_id}")
        del client.headers["authorization"]
        without = await client.get(f"/turns/{turn_id}")
        others = await client.get("/usage?by=user&user=ann")
        seen = (await client.get("/usage?by=user")).json()["rows"]

    statuses = [answer.status_code for answer in (mine, unknown, without, others)]
    assert statuses == [200, 401, 404, 403]
    assert [row["user"] for row in anns] == ["ann"]
    assert [row["user"] for row in seen] == ["local"]
    assert seen == nobodys


async def test_tokens_of_the_last_minute_are_counted_when_a_turn_has_ended(tmp_path: Path) -> None:
    given = settings(tmp_path, limits=LimitSettings(tpm=1))
    async with served(build(given)) as client:
        turn_id = await asked(client, "Hello!")
        await events_of(client, turn_id)
        again = await until(lambda: client.post("/turns", json={"input": "x"}), 429)
        reading = await client.get(f"/turns/{turn_id}")

    assert int(again.headers["retry-after"]) >= 1
    assert reading.status_code == 200


async def test_keys_can_be_made_while_the_database_serves(tmp_path: Path) -> None:
    given = settings(tmp_path, auth=AuthSettings(mode="keys"))
    async with served(build(given)) as client:
        async with access.keys(given) as keys:
            key, text = await keys.create(NewKey("late"))
        assert (await client.get("/prompts", headers=bearer(text))).status_code == 200
        async with access.keys(given) as keys:
            await keys.revoke(key.id)
        await until(lambda: client.get("/prompts", headers=bearer(text)), 401)


async def test_nodes_on_one_database_know_the_same_keys(tmp_path: Path, postgres_url: str) -> None:
    database = DatabaseSettings.model_validate({"url": postgres_url})
    given = settings(tmp_path, auth=AuthSettings(mode="keys"), database=database)
    async with served(build(given)) as one, served(build(given)) as other:
        async with access.keys(given) as keys:
            key, text = await keys.create(NewKey("phone"))
        one.headers.update(bearer(text))
        other.headers.update(bearer(text))
        turn_id = await asked(one, "Hello!")
        assert (await events_of(other, turn_id))[-1] == "turn.completed"
        ticket = (await one.post("/tickets")).json()["ticket"]
        path = f"/turns/{turn_id}/events?ticket={ticket}"
        del other.headers["authorization"], one.headers["authorization"]
        spent = [(await node.get(path)).status_code for node in (other, one, other)]
        async with access.keys(given) as keys:
            await keys.revoke(key.id)
        await until(lambda: one.get("/prompts", headers=bearer(text)), 401)
        await until(lambda: other.get("/prompts", headers=bearer(text)), 401)

    assert spent == [200, 401, 401]


async def test_an_end_leaves_nothing_running(tmp_path: Path) -> None:
    given = settings(tmp_path, auth=AuthSettings(mode="keys"))
    database = database_of(given)
    await database.open()
    who = access.access(given, database)
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        await access.begin(who, stack)
        assert len(asyncio.all_tasks()) == len(before) + 1

    assert asyncio.all_tasks() == before
    await database.close()


async def until(
    ask: Callable[[], Awaitable[httpx2.Response]], status: int, within_s: float = 5
) -> httpx2.Response:
    """Ask again until the answer has this status."""
    async with asyncio.timeout(within_s):
        while True:
            answer = await ask()
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
