"""What differs between wires on the way out, declared once for each wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import Scope

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import Stamped

Fault = Callable[[TalkwireError, Scope], tuple[int, bytes, str]]
Heartbeat = bytes | Callable[[Any], bytes] | None


class Encoder(Protocol):
    """Events to frames. Fed from event 0, in order; equal events give equal bytes."""

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The complete frames that these events cause, each ending in LF LF."""
        ...


@dataclass(frozen=True)
class Form:
    """One wire's outer form.

    `heartbeat` is sent after a time of silence; None where the wire's clients bear nothing, a
    function of the stream's encoder where it tells how things stand. `ids` tells that frames carry
    `id:` lines. `first` is the number of the first frame: one that begins later than another form
    of its wire leaves out the frames before it. `fault(error, scope)` gives the status, body and
    media type of an error before the first byte of a stream. `bearer` tells that its routes are
    opened by `Authorization: Bearer` alone, and closed where others are open to a network.
    """

    name: str
    encoder: Callable[[str, str], Encoder]
    fault: Fault
    media_type: str = "text/event-stream"
    heartbeat: Heartbeat = b": heartbeat\n\n"
    ids: bool = True
    first: int = 0
    bearer: bool = False


@dataclass(frozen=True)
class StreamLimits:
    """How a stream is written: seconds of silence before a heartbeat, seconds that one send may
    take before the reader is cut as too slow, and bytes of one send.
    """

    heartbeat_s: float = 15.0
    send_timeout_s: float = 30.0
    max_send_bytes: int = 65_536
