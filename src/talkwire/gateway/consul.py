"""Consul's agent as a gateway: a service with a check that expires unless it is passed again.

The agent removes an instance by itself only a while after its check has expired; until then it is
listed as critical, and no one that asks for passing instances is sent there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from talkwire.gateway._http import Link
from talkwire.gateway.instance import Forgotten, Instance

_LEAST_CRITICAL_S = 60  # Consul removes nothing sooner


class Consul:
    """Fits `Gateway`. `url` is an agent's, `token` an ACL token."""

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 2.0) -> None:
        headers = {} if token is None else {"X-Consul-Token": token}
        self._link = Link(url, headers=headers, timeout_s=timeout_s)

    async def register(self, instance: Instance) -> None:
        """See `Gateway`. The check has passed when this returns."""
        path = "/v1/agent/service/register?replace-existing-checks=true"
        await self._link.send("PUT", path, _told(instance))

    async def renew(self, instance: Instance) -> None:
        """See `Gateway`."""
        path = f"/v1/agent/check/pass/{_quoted(_check(instance))}"
        # Agents before 1.10 say 500 for a check that they do not know, and so do some proxies.
        if await self._link.send("PUT", path, fine=(404, 500)) in (404, 500):
            raise Forgotten

    async def deregister(self, instance: Instance) -> None:
        """See `Gateway`."""
        path = f"/v1/agent/service/deregister/{_quoted(instance.id)}"
        await self._link.send("PUT", path, fine=(404,))

    async def close(self) -> None:
        """See `Gateway`."""
        await self._link.close()


def _check(instance: Instance) -> str:
    return f"service:{instance.id}"


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _told(instance: Instance) -> dict[str, Any]:
    parts = urlsplit(instance.url)
    critical_s = max(_LEAST_CRITICAL_S, round(4 * instance.ttl_s))
    return {
        "ID": instance.id,
        "Name": instance.service,
        "Address": parts.hostname or "",
        "Port": parts.port or (443 if parts.scheme == "https" else 80),
        "Tags": ["talkwire"],
        "Meta": {"url": instance.url, "version": instance.version},
        "Check": {
            "CheckID": _check(instance),
            "Name": "talkwire",
            "TTL": f"{instance.ttl_s:g}s",
            "Status": "passing",
            "DeregisterCriticalServiceAfter": f"{critical_s}s",
        },
    }
