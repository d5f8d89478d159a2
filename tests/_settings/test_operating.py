"""Logs and gateways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from talkwire.settings import GatewaySettings, LogSettings, Settings

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


EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is not bound here


@pytest.mark.parametrize("given", [{"host": EVERYWHERE}, {"host": "::"}, {"port": 0}])
def test_where_that_cannot_be_seen_it_has_to_be_said(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="gateway: advertise_url must say"):
        Settings(gateway=GatewaySettings(url=GATEWAY), **given)

    told = GatewaySettings(url=GATEWAY, advertise_url="https://chat.example/one/")
    assert Settings(gateway=told, **given).gateway.advertise_url == "https://chat.example/one"


@pytest.mark.parametrize("name", ["", "a/b", "-a", "a b", "x" * 64])
def test_a_service_has_a_name_that_fits_an_address(name: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(url=GATEWAY, service_name=name)
