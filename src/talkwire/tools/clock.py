"""The clock: the date and the time now, somewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from talkwire.tools import zones
from talkwire.tools.decorated import Decorated, tool

Now = Callable[[], datetime]


def clock(now: Now = lambda: datetime.now(UTC)) -> Decorated[..., Any]:
    """The tool. `now` gives the time, with its zone."""

    # In a thread: the first call reads the folder of the time zones.
    @tool(name="clock", idempotent=True, timeout_s=10)
    def read(
        place: Annotated[
            str, "A time zone (Asia/Shanghai), a large city (Shanghai) or an offset (UTC+8)."
        ] = "UTC",
    ) -> dict[str, str | bool]:
        """The date, the weekday and the time now, in a time zone or city."""
        name, zone = zones.find(place)
        here = now().astimezone(zone)
        return {
            "time": here.isoformat(timespec="seconds"),
            "weekday": here.strftime("%A"),
            "time_zone": name,
            "abbreviation": here.tzname() or "",
            "daylight_saving": bool(here.dst()),
        }

    return read
