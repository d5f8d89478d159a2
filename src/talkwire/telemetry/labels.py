"""Labels from closed sets: whatever a caller sends, no new series comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from talkwire.canon.errors import TalkwireError

OTHER = "other"
NONE = "none"
MOST = 100
"""So many values of one label are told apart, however many are known in the course of time."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Codes that no class of errors has: they are named where they are raised.
_NAMED = frozenset(
    {
        "already_ended",
        "approval_expired",
        "approval_superseded",
        "audio_too_long",
        "audio_undecodable",
        "caller_needed",
        "database_in_use",
        "hearing_unavailable",
        "language_unsupported",
        "method_not_allowed",
        "missing_variable",
        "no_speech",
        "prompt_broken",
        "speech_cut",
        "unknown_variable",
        "upstream_redirect",
        "voice_unavailable",
    }
)


class Known:
    """The values that are known now, by `names`; what is known no more keeps its label."""

    def __init__(self, names: Callable[[], Collection[str]], *, most: int = MOST) -> None:
        self._names = names
        self._most = most
        self._taken: set[str] = set()

    def __call__(self, name: str | None) -> str:
        """The label: the name itself, `other`, or `none` where there is no name."""
        if name in self._taken:
            return str(name)
        if name is None:
            return NONE
        if len(self._taken) < self._most and name in self._names():
            self._taken.add(name)
            return name
        return OTHER


def codes() -> frozenset[str]:
    """The codes of all errors that there are."""
    return frozenset(_codes(TalkwireError)) | _NAMED


def method(name: str) -> str:
    """The label of an HTTP method."""
    return name if name in _METHODS else OTHER


def status_class(status: int) -> str:
    """`2xx` and the like; `none` for a request that had no answer."""
    return f"{status // 100}xx" if 100 <= status < 600 else NONE


def _codes(error: type[TalkwireError]) -> Iterator[str]:
    yield error.code
    for more in error.__subclasses__():
        yield from _codes(more)
