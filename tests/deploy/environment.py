"""Whether the variables of a deployment are understood."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from talkwire._settings.sources import gather
from talkwire.settings import FROZEN_NAMES, Loaded, Settings


def understood(variables: Mapping[str, str], folder: Path) -> Loaded[Settings]:
    """The settings that these variables alone make.

    :raises AssertionError: a name means nothing, or a value cannot be used.
    """
    known = {name for name in variables if name.startswith("TALKWIRE_") or name in FROZEN_NAMES}
    assert set(variables) - known - {"PYTHONDONTWRITEBYTECODE"} == set()
    loaded = gather(Settings, None, variables, FROZEN_NAMES, {})
    assert loaded.warnings == ()
    return loaded
