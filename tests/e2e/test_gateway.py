"""Real servers at a gateway: they come, stay, die, and go before they refuse anybody."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking
from tests.gateway.stand_in import Asked, StandIn

STREAM = {"Accept": "text/event-stream"}
Fresh = Callable[..., Server]


def _config(gateway: StandIn, port: int = 1, **more: Any) -> dict[str, Any]:
    advertised = f"http://127.0.0.1:{port}"
    asked = {"url": gateway.url, "ttl_s": 1, "advertise_url": advertised, "token": "canary-token"}
    return {"gateway": {**asked, **more}, "turns": {"drain_timeout_s": 1}}


@pytest.mark.parametrize("protocol", ["rest", "consul"])
async def test_a_server_is_listed_until_it_is_killed_and_again_when_it_is_back(
    protocol: str, fresh_server: Fresh
) -> None:
    async with StandIn() as gateway:
        config = _config(gateway, protocol=protocol)
        server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()
        await until(lambda: len(gateway.asked) >= 3)
        (name,) = gateway.alive

        server.kill9()
        await until(lambda: not gateway.alive)
        gateway.known.clear()
        await server.start()
        await until(lambda: gateway.alive)

        assert gateway.alive == {name}
        _, told = await ask(server.port, "GET", "/health/detailed")
        assert told["components"]["gateway"]["status"] == "ok"
        assert told["components"]["gateway"]["instance"] == name
        server.terminate()
        await server.exited()
        assert gateway.known == {}
    assert "canary-token" not in server.output


async def test_a_server_that_drains_is_taken_off_the_list_before_it_refuses(
    fresh_server: Fresh,
) -> None:
    ready: list[int] = []
    async with StandIn() as gateway:
        server = await fresh_server(config=_config(gateway), env={"USE_MOCK": "1"}).start()
        await until(lambda: gateway.alive)

        async def look(asked: Asked) -> None:
            if asked.method == "DELETE":
                ready.append((await ask(server.port, "GET", "/health/readiness"))[0])
                ready.append((await ask(server.port, "POST", "/turns", body={"input": "hi"}))[0])

        gateway.before = look
        body = {"input": "slowly count to 500"}
        async with asking(server.port, "POST", "/turns", body=body, headers=STREAM) as answer:
            frames = answer.frames()
            await anext(frames)
            server.terminate()
            await until(lambda: len(ready) == 2)
            await until(lambda: not gateway.known)
        await server.exited()

    assert ready == [200, 202]


async def test_a_server_starts_and_serves_without_its_gateway(fresh_server: Fresh) -> None:
    async with StandIn() as gateway:
        config = _config(gateway)
    server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()
    ready = await ask(server.port, "GET", "/health/readiness")

    async with gateway:
        await until(lambda: gateway.alive)
        server.terminate()
        await server.exited()

    assert ready == (200, {"status": "ok"})
    assert server.output.count('"event":"gateway.away"') == 1
    assert gateway.known == {}


async def test_workers_are_listed_with_one_address_and_each_by_itself(
    fresh_server: Fresh, postgres_migrated: str
) -> None:
    async with StandIn() as gateway:
        more = {"workers": 2, "database": {"url": postgres_migrated}}
        config = _config(gateway) | more
        server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()
        await until(lambda: len(gateway.alive) == 2, 20)
        first = gateway.alive
        urls = {gateway.known[name].told["url"] for name in first}

        os.kill(int(min(first).rpartition("-")[2]), signal.SIGKILL)
        await until(lambda: len(gateway.alive - first) == 1, 20)
        await until(lambda: min(first) not in gateway.alive)
        assert len(gateway.alive) == 2
        server.terminate()
        await until(lambda: not gateway.alive)
        await server.exited()

    assert urls == {"http://127.0.0.1:1"}
    assert set(gateway.known) <= {min(first)}
