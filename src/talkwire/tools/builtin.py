"""The tools that come with the server, each of them off or on."""

from __future__ import annotations

from talkwire.tools.calculator import calculator as make_calculator
from talkwire.tools.clock import clock as make_clock
from talkwire.tools.fetch import Get
from talkwire.tools.fetch import fetch as make_fetch
from talkwire.tools.local import McpToolExecute


def builtin(
    *, clock: bool = False, calculator: bool = False, fetch: Get | None = None
) -> McpToolExecute:
    """Those that are on, as one source. `fetch` is on when it is told how to get a page."""
    source = McpToolExecute(server="builtin")
    if clock:
        source.register(make_clock())
    if calculator:
        source.register(make_calculator())
    if fetch is not None:
        source.register(make_fetch(fetch))
    return source
