"""What differs between wires on the way out, declared once for each wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import Stamped

Fault = Callable[[TalkwireError, str], tuple[int, bytes, str]]


class Encoder(Protocol):
    """Events to frames. Fed from event 0, in order; equal events give equal bytes."""

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The complete frames that these events cause, each ending in LF LF."""
        ...


@dataclass(frozen=True)
class Form:
    """One wire's outer form.

    `heartbeat` is sent after a time of silence; None where the wire's clients bear nothing.
    `ids` tells that frames carry `id:` lines. `fault(error, request_id)` gives the status, body
    and media type of an error before the first byte of a stream.
    """

    name: str
    encoder: Callable[[str, str], Encoder]
    fault: Fault
    media_type: str = "text/event-stream"
    heartbeat: bytes | None = b": heartbeat\n\n"
    ids: bool = True


@dataclass(frozen=True)
class StreamLimits:
    """How a stream is written: seconds of silence before a heartbeat, seconds that one send may
    take before the reader is cut as too slow, and bytes of one send.
    """

    heartbeat_s: float = 15.0
    send_timeout_s: float = 30.0
    max_send_bytes: int = 65_536
