"""Requests to a gateway: bounded, without redirects and proxies, and with safe words for faults.

Nothing is opened before the first request, and the client's library is loaded then, apart from the
event loop.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from talkwire.gateway.instance import GatewayAway


class Link:
    """To one gateway. `headers` go with every request. Close it."""

    def __init__(self, url: str, *, headers: dict[str, str], timeout_s: float) -> None:
        self._url = url
        self._headers = headers
        self._timeout_s = timeout_s
        self._client: Any = None

    async def send(
        self, method: str, path: str, body: object = None, *, fine: tuple[int, ...] = ()
    ) -> int:
        """The answer's status: 2xx, or one of `fine`. :raises GatewayAway: anything else."""
        try:
            client = await self._open()
            async with asyncio.timeout(self._timeout_s):
                answer = await client.request(method, self._url + path, json=body)
        except TimeoutError:
            raise GatewayAway(f"no answer within {self._timeout_s:g} s") from None
        # Also what is wrong with the settings: a token that is no header, a port that is none.
        except Exception as error:
            raise GatewayAway(f"cannot be reached ({type(error).__name__})") from None
        status = int(answer.status_code)
        if not 200 <= status < 300 and status not in fine:
            raise GatewayAway(f"it answered {status}")
        return status

    async def close(self) -> None:
        """Give up all connections. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open(self) -> Any:
        if self._client is None:
            httpx2 = await asyncio.to_thread(importlib.import_module, "httpx2")
            self._client = httpx2.AsyncClient(
                headers=self._headers,
                timeout=self._timeout_s,
                follow_redirects=False,
                trust_env=False,
            )
        return self._client
