"""Requests to a gateway end in time, and their faults name nothing."""

from __future__ import annotations

import pytest

from talkwire.gateway._http import Link
from talkwire.gateway.instance import GatewayAway
from tests.gateway.stand_in import StandIn


async def _fault(link: Link) -> str:
    with pytest.raises(GatewayAway) as raised:
        await link.send("PUT", "/services/a/instances/b", {"ttl_s": 1})
    await link.close()
    await link.close()
    return str(raised.value)


async def test_nobody_there_is_told_without_the_address() -> None:
    assert await _fault(Link("http://127.0.0.1:1", headers={}, timeout_s=2)) == (
        "cannot be reached (ConnectError)"
    )


async def test_a_gateway_that_says_nothing_is_given_up() -> None:
    async with StandIn() as gateway:
        gateway.stalls = True
        fault = await _fault(Link(gateway.url, headers={}, timeout_s=0.05))

    assert fault in ("no answer within 0.05 s", "cannot be reached (ReadTimeout)")


async def test_a_refusal_is_told_by_its_status() -> None:
    async with StandIn() as gateway:
        gateway.status = 403
        assert await _fault(Link(gateway.url, headers={}, timeout_s=2)) == "it answered 403"


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with StandIn() as gateway:
        link = Link(gateway.url, headers={"X-A": "b"}, timeout_s=2)
        status = await link.send("PUT", "/services/a/instances/b", {"ttl_s": 1})
        await link.close()

    assert status == 200
    assert gateway.asked[0].headers["x-a"] == "b"


@pytest.mark.parametrize(
    ("url", "token"), [("http://127.0.0.1:1", "t\u00f6ken"), ("http://127.0.0.1:99999", "token")]
)
async def test_what_cannot_be_sent_is_a_fault_like_any_other(url: str, token: str) -> None:
    fault = await _fault(Link(url, headers={"Authorization": token}, timeout_s=2))

    assert fault.startswith("cannot be reached (")
    assert token not in fault
