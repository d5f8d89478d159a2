"""What understands speech: whether it answers, and whether uploads can be decoded at all."""

from __future__ import annotations

import importlib.util

from talkwire import hearing
from talkwire.cli.checks import Check, listing
from talkwire.settings import Settings

_PART = "hearing"


def listens(settings: Settings) -> Check:
    """What `POST /chat/voice` would be understood with. Nothing is heard."""
    found = hearing.provider(settings)
    if found == "none":
        return Check(_PART, "note", "none configured (voice.hearing.base_url, OPENAI_API_KEY)")
    if importlib.util.find_spec("av") is None:
        return Check(_PART, "note", "uploads cannot be decoded (pip install 'talkwire[voice]')")
    if found == "sphinx":
        if importlib.util.find_spec("pocketsphinx") is None:
            return Check(_PART, "broken", "no PocketSphinx (pip install 'talkwire[voice]')")
        return Check(_PART, "ok", "PocketSphinx: a few clear words of English")
    return listing(_PART, *hearing.service(settings))
