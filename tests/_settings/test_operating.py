"""Logs and gateways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from talkwire.settings import GatewaySettings, ListenerSettings, LogSettings, Settings

GATEWAY = "http://gateway.example"


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        (True, Path("/data/logs")),
        ("true", Path("/data/logs")),
        (False, None),
        ("off", None),
        ("", None),
        (None, None),
        ("/var/log/talkwire", Path("/var/log/talkwire")),
        (Path("here"), Path("here")),
    ],
)
def test_log_files_are_in_the_data_folder_or_where_it_says(given: Any, folder: Path | None) -> None:
    settings = Settings(data_dir=Path("/data"), log=LogSettings.model_validate({"file": given}))

    assert settings.log_dir == folder


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
    assert Settings(gateway=GatewaySettings(url=GATEWAY), **given).advertised == url


@pytest.mark.parametrize("given", [{"host": "0.0.0.0"}, {"host": "::"}, {"port": 0}])  # noqa: S104
def test_where_that_cannot_be_seen_it_has_to_be_said(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="gateway: advertise_url must say"):
        Settings(gateway=GatewaySettings(url=GATEWAY), **given)

    told = GatewaySettings(url=GATEWAY, advertise_url="https://chat.example/one")
    assert Settings(gateway=told, **given).advertised == "https://chat.example/one"


@pytest.mark.parametrize("name", ["", "a/b", "-a", "a b", "x" * 64])
def test_a_service_has_a_name_that_fits_an_address(name: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(url=GATEWAY, service_name=name)
