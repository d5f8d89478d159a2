"""Models out of their entries. The one place that knows which provider is which class."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from talkwire.models import _target, playback
from talkwire.models._endpoint import Codec, Endpoint
from talkwire.models._http import Client, Limits, origin
from talkwire.models.allowance import Allowance
from talkwire.models.entries import Entry, Site, at
from talkwire.models.fallback import Fallback
from talkwire.models.health import Health
from talkwire.models.local import Local
from talkwire.models.openai_chat import ChatCodec
from talkwire.models.openai_responses import ResponsesCodec
from talkwire.models.pool import Deployment, Model, Pool
from talkwire.models.scripted import Scripted


def build(entry: Entry, allowance: Allowance | None = None) -> Model:
    """The model of an entry; all but a scripted one is a `Pool`.

    `allowance` is the process's, for what is asked again. The module of a `python` model is
    executed, and what that raises is raised here.

    :raises ValueError: a bad URL, key, recording or target.
    """
    if entry.provider == "scripted":
        return playback.load(entry.script) if entry.script else Scripted()
    return Pool(
        entry.name,
        list(_deployments(entry)),
        max_attempts=entry.max_attempts,
        allowance=allowance,
        any_name=entry.any_name,
    )


def _deployments(entry: Entry) -> Iterator[Deployment]:
    if entry.provider == "python":
        yield Deployment(_function(entry), health=Health(entry.tolerance))
        return
    for site in entry.sites or (Site(entry.base_url, entry.api_key),):
        yield Deployment(
            _server(at(entry, site)),
            weight=site.weight,
            upstream_model=site.upstream_model,
            local=is_near(site.base_url) or entry.type.startswith("local"),
            health=Health(entry.tolerance, most=entry.max_connections),
        )


def _function(entry: Entry) -> Local:
    return Local(
        entry.name,
        _target.load(entry.target, Path.cwd()),
        prefill=entry.continuation == "prefill",
        pace_s=entry.pace_s,
        threads=entry.threads,
        first_token_s=entry.first_token_timeout_s,
        idle_s=entry.idle_timeout_s,
    )


def _server(entry: Entry) -> Model:
    if entry.provider == "openai-responses":
        return _endpoint(entry, ResponsesCodec())
    chat = _endpoint(entry, ChatCodec(entry.continuation))
    if entry.provider == "openai-chat":
        return chat
    return Fallback(_endpoint(entry, ResponsesCodec()), chat)


def _endpoint(entry: Entry, codec: Codec) -> Endpoint:
    key = entry.api_key.get_secret_value().strip() if entry.api_key else ""
    limits = Limits(
        connect_s=entry.connect_timeout_s,
        first_token_s=entry.first_token_timeout_s,
        idle_s=entry.idle_timeout_s,
        max_connections=entry.max_connections,
    )
    client = Client(origin(entry.base_url, entry.addresses), key, limits)
    # An entry that takes any name has no model of its own to look for.
    named = "" if entry.any_name else entry.upstream_model or entry.name
    return Endpoint(client, codec, key=key, upstream_model=named)


def is_near(base_url: str) -> bool:
    """Whether the server is on this machine. :raises ValueError: a bad URL."""
    host = origin(base_url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
