"""A gateway that keeps a list of instances, as plain JSON over HTTP; see docs/operations.md.

PUT    {url}/services/{service}/instances/{id}          it is there, for `ttl_s`
PUT    {url}/services/{service}/instances/{id}/renew    it is still there; 404: not known
DELETE {url}/services/{service}/instances/{id}          it goes
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from talkwire.gateway._http import Link
from talkwire.gateway.instance import Forgotten, Instance


class Rest:
    """Fits `Gateway`."""

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 2.0) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._link = Link(url, headers=headers, timeout_s=timeout_s)

    async def register(self, instance: Instance) -> None:
        """See `Gateway`."""
        await self._link.send("PUT", _path(instance), _told(instance))

    async def renew(self, instance: Instance) -> None:
        """See `Gateway`."""
        path = f"{_path(instance)}/renew"
        status = await self._link.send("PUT", path, {"ttl_s": instance.ttl_s}, fine=(404, 410))
        if status in (404, 410):
            raise Forgotten

    async def deregister(self, instance: Instance) -> None:
        """See `Gateway`."""
        await self._link.send("DELETE", _path(instance), fine=(404, 410))

    async def close(self) -> None:
        """See `Gateway`."""
        await self._link.close()


def _path(instance: Instance) -> str:
    return f"/services/{quote(instance.service, safe='')}/instances/{quote(instance.id, safe='')}"


def _told(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "service": instance.service,
        "url": instance.url,
        "ttl_s": instance.ttl_s,
        "version": instance.version,
        "listeners": list(instance.listeners),
        "health": {
            "liveness": f"{instance.url}/health/liveness",
            "readiness": f"{instance.url}/health/readiness",
        },
    }
