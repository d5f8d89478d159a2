"""How turns of this server behave where a request does not say."""

from __future__ import annotations

from msgspec import Struct

from talkwire.canon.turn import OnBusy, OnDisconnect


class Policy(Struct, frozen=True):
    """Times in seconds; see `TurnSettings` for what the choices mean."""

    on_busy: OnBusy = "queue"
    max_waiting: int = 3
    on_disconnect: OnDisconnect = "continue"
    disconnect_grace_s: float = 15.0
    session_ttl_s: float = 86_400.0
    max_running: int = 10_000
    keep_ended: int = 256  # turns whose log stays in memory after their end
