"""A server at a URL: what is read of it is bounded, and it leads nowhere else."""

from __future__ import annotations

import time

import pytest

from talkwire.tools.mcp_config import Address
from tests.tools.servers import call, connected, eventually, on_http, opened


async def test_a_redirect_to_elsewhere_is_not_followed() -> None:
    with on_http("away") as config:
        async with opened(config) as servers:
            await eventually(lambda: servers.status()[0]["status"] == "failed")

            assert "not followed" in servers.status()[0]["last_error"]


async def test_a_silent_server_fails_by_time_and_closes_at_once() -> None:
    with on_http("mute", connect_timeout_s=1) as config:
        async with opened(config) as servers:
            await eventually(lambda: servers.status()[0]["status"] == "failed")
            assert servers.status()[0]["last_error"] == "It did not answer within 1 s."
            began = time.monotonic()

        assert time.monotonic() - began < 5


async def test_a_body_that_is_too_large_is_told_as_such() -> None:
    with on_http(timeout_s=40) as config:
        async with connected(config) as servers:
            answer = await call(servers, "flood_result")

            assert answer.is_error
            assert "larger than any that is read" in answer.result


async def test_a_compressed_body_is_not_unpacked() -> None:
    with on_http(timeout_s=40) as config:
        async with connected(config) as servers:
            assert (await call(servers, "flood_stderr")).is_error


async def test_proxies_of_the_environment_are_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with on_http() as config:
        async with connected(config) as servers:
            assert isinstance(config.at, Address)
            assert not (await call(servers, "echo")).is_error
