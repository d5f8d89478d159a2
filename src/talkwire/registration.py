"""The registration at a gateway that settings ask for.

Each process registers by itself. Workers share an address and have names of their own, so that the
address stays listed as long as one of them serves, and one that is replaced takes nothing away.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from talkwire import __version__
from talkwire.gateway.consul import Consul
from talkwire.gateway.instance import Gateway, Instance
from talkwire.gateway.registering import Registering
from talkwire.gateway.rest import Rest
from talkwire.settings import Settings


def registering(settings: Settings) -> Registering | None:
    """Not begun yet; None where there is no gateway."""
    asked = settings.gateway
    if asked.url is None:
        return None
    token = asked.token.get_secret_value() if asked.token is not None else None
    return Registering(_gateway(settings, asked.url, token), instance(settings))


def instance(settings: Settings) -> Instance:
    """What a gateway is told of this process."""
    asked, url = settings.gateway, advertised(settings)
    parts = urlsplit(url)
    where = f"{parts.hostname}-{parts.port or parts.scheme}".replace(":", ".")
    # A server that comes back takes its own place; workers have one place each.
    worker = f"-{os.getpid()}" if settings.workers > 1 else ""
    return Instance(
        id=f"{asked.service_name}-{where}{worker}",
        service=asked.service_name,
        url=url,
        ttl_s=asked.ttl_s,
        version=__version__,
        listeners=tuple(_listeners(settings)),
    )


def advertised(settings: Settings) -> str:
    """Where others reach this server."""
    host, port = settings.addresses[0]
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return settings.gateway.advertise_url or f"http://{name}:{port}"


def _gateway(settings: Settings, url: str, token: str | None) -> Gateway:
    if settings.gateway.protocol == "consul":
        return Consul(url, token=token, timeout_s=settings.gateway.timeout_s)
    return Rest(url, token=token, timeout_s=settings.gateway.timeout_s)


def _listeners(settings: Settings) -> list[dict[str, Any]]:
    if not settings.listeners:
        host, port = settings.addresses[0]
        return [{"host": host, "port": port, "wires": list(settings.wires)}]
    return [
        {"host": each.host, "port": each.port, "wires": list(each.wires or settings.wires)}
        for each in settings.listeners
    ]
