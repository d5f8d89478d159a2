"""The key that a command shows to a server. It is never typed in a command: others would see it."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from talkwire.cli.words import say
from talkwire.settings import client_key

_MOST_CHARS = 8192  # a JWT may be long; a file that is no key may be longer


class BadKey(Exception):
    """This is no key; the message is for the person, and does not hold it."""


def own_key(path: Path | None) -> SecretStr | None:
    """Of the file, else of the environment; None where there is neither.

    :raises BadKey: the file cannot be read, or what was found cannot be a key.
    :raises SettingsError: `.env` cannot be read.
    """
    if path is None:
        found = client_key()
        return None if found is None else _checked(found.get_secret_value(), "TALKWIRE_API_KEY")
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(_MOST_CHARS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BadKey(say("bad_key_file", path=path, reason=reason)) from None
    return _checked(text, path)


def _checked(text: str, source: object) -> SecretStr:
    key = text.strip()
    if not key or len(key) > _MOST_CHARS or not all("!" <= c <= "~" for c in key):
        raise BadKey(say("bad_key", source=source))
    return SecretStr(key)
