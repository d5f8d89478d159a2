from __future__ import annotations

import pytest

from talkwire.tools.builtin import builtin
from talkwire.tools.fetch import Page
from tests.tools.calls import call


async def _get(url: str) -> Page:
    raise AssertionError(url)


@pytest.mark.parametrize("clock", [False, True])
@pytest.mark.parametrize("calculator", [False, True])
@pytest.mark.parametrize("fetch", [False, True])
def test_each_tool_is_off_or_on_by_itself(clock: bool, calculator: bool, fetch: bool) -> None:
    source = builtin(clock=clock, calculator=calculator, fetch=_get if fetch else None)

    names = {"clock": clock, "calculator": calculator, "fetch": fetch}
    assert [tool.name for tool in source.offered()] == [name for name, on in names.items() if on]
    assert all(tool.server == "builtin" and tool.idempotent for tool in source.offered())


async def test_a_tool_that_is_off_is_not_there() -> None:
    assert (await call(builtin(clock=True), "calculator", {"expression": "1"})).is_error
