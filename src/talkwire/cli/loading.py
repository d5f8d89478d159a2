"""The server's code, loaded. That is nearly all of what a start costs."""

from __future__ import annotations

import gc


def load() -> None:
    """Import what serving takes; it counts as lasting from then on.

    Importing makes objects that stay: looking for garbage among them, again and again, would take
    a sixth of the time.
    """
    gc.disable()
    try:
        from talkwire import app  # noqa: F401 - late: a hindered start tells of it before
        from talkwire.cli import server  # noqa: F401 - the same
    finally:
        gc.freeze()
        gc.enable()
