"""What a server says of itself at a gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire import __version__
from talkwire.gateway.consul import Consul
from talkwire.gateway.rest import Rest
from talkwire.registration import advertised, instance, registering
from talkwire.settings import DatabaseSettings, GatewaySettings, ListenerSettings, Settings

GATEWAY = GatewaySettings(url="http://gateway.example", service_name="chat", ttl_s=5)


def test_without_a_gateway_nobody_is_told(tmp_path: Path) -> None:
    assert registering(Settings(data_dir=tmp_path)) is None


@pytest.mark.parametrize(("protocol", "kind"), [("rest", Rest), ("consul", Consul)])
def test_the_settings_say_how_it_is_told(protocol: str, kind: type) -> None:
    asked = {"url": "http://gateway.example", "protocol": protocol, "token": SecretStr("x")}
    made = registering(Settings(gateway=GatewaySettings.model_validate(asked)))

    assert made is not None
    assert type(made._gateway) is kind


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"port": 8001}, "http://127.0.0.1:8001"),
        ({"host": "10.0.0.7"}, "http://10.0.0.7:8000"),
        ({"host": "fd00::7"}, "http://[fd00::7]:8000"),
        ({"listeners": (ListenerSettings(host="10.0.0.8", port=9),)}, "http://10.0.0.8:9"),
    ],
)
def test_what_is_advertised_is_where_it_listens(given: dict[str, Any], url: str) -> None:
    assert advertised(Settings(gateway=GATEWAY, **given)) == url


def test_a_process_has_the_name_of_its_address_and_tells_all_of_them() -> None:
    listeners = (
        ListenerSettings(host="10.0.0.7", port=8000),
        ListenerSettings(host="10.0.0.7", port=8084, wires=("native",)),
    )
    told = instance(Settings(gateway=GATEWAY, listeners=listeners))

    assert (told.id, told.url) == ("chat-10.0.0.7-8000", "http://10.0.0.7:8000")
    assert (told.service, told.ttl_s, told.version) == ("chat", 5, __version__)
    assert told.listeners[0]["wires"] == list(Settings().wires)
    assert told.listeners[1] == {"host": "10.0.0.7", "port": 8084, "wires": ["native"]}


def test_a_name_has_no_characters_of_addresses() -> None:
    told = instance(Settings(gateway=GATEWAY, host="fd00::7"))

    assert (told.id, told.url) == ("chat-fd00..7-8000", "http://[fd00::7]:8000")
    assert told.listeners[0]["host"] == "fd00::7"


def test_workers_share_an_address_and_have_names_of_their_own() -> None:
    database = DatabaseSettings(url=SecretStr("postgresql://u@h/d"))
    advertised = GATEWAY.model_copy(update={"advertise_url": "https://chat.example"})
    told = instance(Settings(gateway=advertised, workers=2, database=database))

    assert told.id == f"chat-chat.example-https-{os.getpid()}"
    assert told.url == "https://chat.example"
