"""The API of Consul's agent."""

from __future__ import annotations

import pytest

from talkwire.gateway.consul import Consul
from talkwire.gateway.instance import Forgotten, GatewayAway, Instance
from tests.gateway.stand_in import StandIn

ONE = Instance("chat-10.0.0.7-8000", "chat", "http://10.0.0.7:8000", 15, "1.2")


async def test_a_service_comes_stays_and_goes() -> None:
    async with StandIn() as agent:
        consul = Consul(agent.url, token="secret")
        await consul.register(ONE)
        told = agent.known[ONE.id].told
        await consul.renew(ONE)
        await consul.deregister(ONE)
        await consul.close()

    assert agent.known == {}
    assert (told["ID"], told["Name"]) == (ONE.id, "chat")
    assert (told["Address"], told["Port"]) == ("10.0.0.7", 8000)
    assert told["Check"] == {
        "CheckID": f"service:{ONE.id}",
        "Name": "talkwire",
        "TTL": "15s",
        "Status": "passing",
        "DeregisterCriticalServiceAfter": "60s",
    }
    assert [(each.method, each.path) for each in agent.asked] == [
        ("PUT", "/v1/agent/service/register"),
        ("PUT", f"/v1/agent/check/pass/service%3A{ONE.id}"),
        ("PUT", f"/v1/agent/service/deregister/{ONE.id}"),
    ]
    assert {each.headers["x-consul-token"] for each in agent.asked} == {"secret"}


@pytest.mark.parametrize(("url", "port"), [("https://a.example", 443), ("http://a.example", 80)])
async def test_an_address_without_a_port_has_the_usual_one(url: str, port: int) -> None:
    async with StandIn() as agent:
        consul = Consul(agent.url)
        await consul.register(Instance("a", "chat", url, 2))
        await consul.close()

    assert agent.known["a"].told["Port"] == port


@pytest.mark.parametrize("status", [404, 500])
async def test_a_check_that_is_not_known_is_forgotten(status: int) -> None:
    async with StandIn() as agent:
        consul = Consul(agent.url)
        agent.status = status
        with pytest.raises(Forgotten):
            await consul.renew(ONE)
        agent.status = 403
        with pytest.raises(GatewayAway):
            await consul.renew(ONE)
        await consul.close()
