"""The groups of settings for whoever runs a server: its log, and the gateway that sends to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from talkwire._settings.kinds import Folder, Group, Seconds, Url

LOGS = Path("logs")
"""The folder of log files in the data folder, where the settings do not say which."""

_YES, _NO = {"true", "yes", "on", "1"}, {"false", "no", "off", "0", ""}


def log_folder(value: Any) -> Any:
    """A folder; true is `LOGS`, false is none."""
    if not isinstance(value, bool | str):
        return value
    word = str(value).lower()
    if word in _YES:
        return LOGS
    return None if word in _NO else value


class LogSettings(Group):
    """`auto` is console where stderr is a terminal, else JSON. `file` is a folder for files that
    are begun anew after `max_bytes`; `backups` older ones are kept of each.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"
    file: Annotated[Folder | None, BeforeValidator(log_folder)] = None
    max_bytes: Annotated[int, Field(ge=1024)] = 10_485_760
    backups: Annotated[int, Field(ge=0, le=1000)] = 5
    access: bool = True
    content: bool = False


class GatewaySettings(Group):
    """Where the server says that it is there; used where `url` is given. `advertise_url` is where
    it can be reached from outside.
    """

    url: Url | None = None
    protocol: Literal["rest", "consul"] = "rest"
    service_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] = "talkwire"
    advertise_url: Url | None = None
    token: SecretStr | None = None
    ttl_s: Annotated[Seconds, Field(ge=1)] = 15
    timeout_s: Seconds = 2
