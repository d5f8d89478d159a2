"""All secrets in a tree of settings, for whoever has to keep them out of sight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr


def secrets(value: Any) -> Iterator[str]:
    """What each secret in the tree holds."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets(getattr(value, name))
        case Mapping():
            for entry in value.values():
                yield from secrets(entry)
        case tuple() | list():
            for entry in value:
                yield from secrets(entry)
