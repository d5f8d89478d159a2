from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.tools import union
from talkwire.tools.union import Joined
from tests.tools.calls import call


class Some:
    """A source whose tools say which source they are of."""

    def __init__(self, server: str, *names: str) -> None:
        self.server = server
        self.names = list(names)
        self.opened = self.closed = False

    def offered(self) -> Sequence[Tool]:
        return [Tool(name, server=self.server) for name in self.names]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        hear(name)
        return ToolAnswer(f"{self.server}:{name}")

    async def open(self) -> None:
        self.opened = True

    async def close(self) -> None:
        self.closed = True


class Failing(Some):
    async def open(self) -> None:
        raise OSError("no")

    async def close(self) -> None:
        raise ExceptionGroup("two", [OSError(), ValueError()])


class Hanging(Some):
    async def close(self) -> None:
        await asyncio.Event().wait()


def names(joined: Joined) -> list[str]:
    return [tool.name for tool in joined.offered()]


async def test_tools_come_in_the_order_of_their_sources() -> None:
    joined = Joined([Some("x", "b", "a"), Some("y", "c")])

    assert names(joined) == names(joined) == ["b", "a", "c"]
    assert await call(joined, "c", {}) == ToolAnswer("y:c")


async def test_a_person_is_asked_about_the_tools_that_are_named_however_they_are_called() -> None:
    sources = [Some("x", "log", "sell", "look"), Some("y", "log", "pay")]
    joined = Joined(sources, approve=["sell", "y.pay", "x.log", "nobody"])

    asks = {tool.name for tool in joined.offered() if tool.requires_approval}
    assert asks == {"sell", "pay", "x.log"}
    assert {
        tool.name for tool in Joined(sources, approve=["log"]).offered() if tool.requires_approval
    } == {"x.log", "y.log"}


async def test_it_tells_of_the_servers_of_those_sources_that_have_some() -> None:
    class Far(Some):
        def status(self) -> list[dict[str, Any]]:
            return [{"name": self.server, "status": "failed"}]

    assert Joined([Some("x", "a"), Far("y")]).status() == [{"name": "y", "status": "failed"}]


async def test_a_name_that_two_have_is_qualified_in_both() -> None:
    joined = Joined([Some("x", "log", "a"), Some("y", "log")])

    assert names(joined) == ["x.log", "a", "y.log"]
    assert await call(joined, "x.log", {}) == ToolAnswer("x:log")
    assert await call(joined, "y.log", {}) == ToolAnswer("y:log")
    refused = await call(joined, "log", {})
    assert refused.is_error
    assert "'x.log' or 'y.log'" in refused.result


async def test_two_sources_of_one_name_keep_their_tools_apart() -> None:
    first, second = Some("x", "log"), Some("x", "log")
    joined = Joined([first, second, Some("z", "x.log")])

    assert names(joined) == ["x.log-2", "x.log-3", "x.log"]
    assert await call(joined, "x.log-3", {}) == ToolAnswer("x:log")


async def test_names_follow_the_sources_as_they_come_and_go() -> None:
    late = Some("y")
    joined = Joined([Some("x", "log"), late])
    assert names(joined) == ["log"]
    late.names.append("log")
    assert names(joined) == ["x.log", "y.log"]
    late.names.clear()

    assert names(joined) == ["log"]
    assert await call(joined, "log", {}) == ToolAnswer("x:log")


async def test_an_unknown_name_is_answered_with_near_ones() -> None:
    answer = await call(Joined([Some("x", "weather")]), "wether", {})

    assert answer == ToolAnswer("There is no tool 'wether'. Did you mean 'weather'?", is_error=True)


async def test_one_that_fails_takes_nothing_from_the_others() -> None:
    good = Some("good", "a")
    joined = Joined([Failing("bad", "b"), good])

    with capture_logs() as lines:
        await joined.open()
        await joined.close()

    assert good.opened
    assert good.closed
    assert [(line["doing"], line["source"]) for line in lines] == [
        ("open", "Failing"),
        ("close", "Failing"),
    ]


async def test_one_that_does_not_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(union, "CLOSING_S", 0.01)
    good = Some("good")

    with capture_logs() as lines:
        async with asyncio.timeout(5):
            await Joined([Hanging("bad"), good]).close()

    assert good.closed
    assert [line["source"] for line in lines] == ["Hanging"]
