"""The list of instances in plain JSON."""

from __future__ import annotations

import pytest

from talkwire.gateway.instance import Forgotten, GatewayAway, Instance
from talkwire.gateway.rest import Rest
from tests.gateway.stand_in import StandIn

ONE = Instance(
    "chat-10.0.0.7-8000", "chat", "http://10.0.0.7:8000", 15, "1.2", ({"host": "::", "port": 1},)
)


async def test_an_instance_comes_stays_and_goes() -> None:
    async with StandIn() as gateway:
        rest = Rest(gateway.url, token="secret")
        await rest.register(ONE)
        await rest.register(ONE)
        told = gateway.known[ONE.id].told
        await rest.renew(ONE)
        await rest.deregister(ONE)
        left = dict(gateway.known)
        await rest.deregister(ONE)
        await rest.close()

    assert told == {
        "id": ONE.id,
        "service": "chat",
        "url": "http://10.0.0.7:8000",
        "ttl_s": 15,
        "version": "1.2",
        "listeners": [{"host": "::", "port": 1}],
        "health": {
            "liveness": "http://10.0.0.7:8000/health/liveness",
            "readiness": "http://10.0.0.7:8000/health/readiness",
        },
    }
    assert left == {}
    assert {each.headers["authorization"] for each in gateway.asked} == {"Bearer secret"}
    assert gateway.asked[0].path == f"/services/chat/instances/{ONE.id}"


async def test_what_is_not_known_any_more_is_told_apart_from_what_is_away() -> None:
    async with StandIn() as gateway:
        rest = Rest(gateway.url)
        with pytest.raises(Forgotten):
            await rest.renew(ONE)
        gateway.status = 500
        with pytest.raises(GatewayAway, match="it answered 500"):
            await rest.renew(ONE)
        await rest.close()

    assert "authorization" not in gateway.asked[0].headers
