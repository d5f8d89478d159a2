"""Turns that leave the model open: decided from the conversation when they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from talkwire.canon.budgets import Budget, Sum
from talkwire.canon.deltas import Text
from talkwire.canon.errors import NotFound, Unprocessable, UpstreamUnavailable
from talkwire.canon.events import RouteChosen, TextDelta, TurnCompleted, TurnFailed, TurnStarted
from talkwire.canon.models import Standing
from talkwire.canon.turn import text_message
from talkwire.engine.budgets import Budgets
from talkwire.engine.ports import Caller, Choice, Tools
from talkwire.engine.route import Router
from talkwire.engine.routing import Routing
from talkwire.engine.weighing import Weights
from tests.engine.fakes import OWNER, FakePrompts, ScriptedModel, World, asking, says
from tests.engine.ledger import FakeLedger
from tests.engine.storage import FakeRecords
from tests.engine.test_calls import FakeTools

SMALL = Standing("small", "local_small")
LARGE = Standing("large", "cloud_large")
HARD = "Prove step by step that the square root of 2 is irrational."
GONE = UpstreamUnavailable("gone")


class Open:
    """Models as they are said to stand."""

    def __init__(self, models: Mapping[str, ScriptedModel], *standings: Standing) -> None:
        self.models = models
        self.stand = standings or (SMALL, LARGE)

    def resolve(self, name: str | None, caller: Caller | None = None) -> Choice:
        name = name or self.stand[0].name
        kind = next((each.model_type for each in self.stand if each.name == name), None)
        if kind is None:
            raise NotFound(f"There is no model {name!r}.")
        return Choice(name, kind, self.models[name], name, continuation="prefill")

    def names(self) -> tuple[str, ...]:
        return tuple(self.models)

    def standings(self) -> tuple[Standing, ...]:
        return self.stand

    def fallbacks(self, name: str) -> tuple[str, ...]:
        return ()

    async def close(self) -> None: ...

    @property
    def told(self) -> str:
        return "open"


def world(small: Any = None, large: Any = None, *standings: Standing) -> World:
    models = {
        "small": small or ScriptedModel(says("s")),
        "large": large or ScriptedModel(says("l")),
    }
    return World(router=Router(Open(models, *standings), FakePrompts()))


async def told(stage: World, text: str, **asked: Any) -> list[Any]:
    turn_id = await stage.ask(text, **{"model_type": "auto", **asked})
    return [stamped.event for stamped in await stage.events(turn_id)]


def routes(events: Sequence[Any]) -> list[tuple[str, str]]:
    return [(e.model, e.model_type) for e in events if isinstance(e, RouteChosen)]


async def test_the_message_decides_and_the_record_says_why() -> None:
    assert routes(await told(world(), "hello")) == [("small", "local_small")]

    events = await told(world(), HARD)

    assert routes(events) == [("large", "cloud_large")]
    assert any("asks for reasoning" in reason for reason in events[1].reasons)


async def test_it_is_decided_when_the_turn_runs() -> None:
    started = await world().turns.start(OWNER, asking("hello", model_type="auto"))

    assert [type(stamped.event) for stamped in started.events] == [TurnStarted]


async def test_the_model_that_was_chosen_is_asked() -> None:
    small, large = ScriptedModel(says("s")), ScriptedModel(says("l"))

    events = await told(world(small, large), HARD)

    assert (small.requests, len(large.requests)) == ([], 1)
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["l"]


@pytest.mark.parametrize(("tools", "kind"), [(None, "small"), (FakeTools(), "large")])
async def test_tools_on_offer_speak_for_the_large_model(tools: Tools | None, kind: str) -> None:
    models = Open({name: ScriptedModel(says("x")) for name in ("small", "large")})
    routing = Routing(models, Weights(tools=9.0))
    stage = World(router=Router(models, FakePrompts(), routing=routing), tools=tools)

    assert [name for name, _ in routes(await told(stage, "hello"))] == [kind]


@pytest.mark.parametrize(("used", "kind"), [(0, "large"), (9_900, "small")])
async def test_the_end_of_a_budget_speaks_against_what_costs(used: int, kind: str) -> None:
    models = Open(
        {name: ScriptedModel(says("x")) for name in ("small", "large")},
        SMALL,
        Standing("large", "cloud_large", price_in=1.0, price_out=1.0),
    )
    records = FakeRecords()
    ledger = FakeLedger(records)
    ledger.before = Sum(used)
    routing = Routing(models, Weights(budget=20.0))
    stage = World(
        router=Router(models, FakePrompts(), routing=routing),
        records=records,
        budgets=Budgets(ledger, {"*": Budget(day=10_000)}),
    )

    assert [name for name, _ in routes(await told(stage, HARD))] == [kind]


async def test_a_kind_that_is_asked_for_is_kept_to() -> None:
    assert routes(await told(world(), HARD, model_type="local_small")) == [("small", "local_small")]


async def test_a_kind_that_is_ill_altogether_is_stood_in_for() -> None:
    ill = Standing("small", "local_small", healthy=False, why="it was refused")

    events = await told(world(None, None, ill, LARGE), "hi", model_type="local_small")

    assert routes(events) == [("large", "cloud_large")]
    assert events[1].reasons[0] == "no model of the type local_small is healthy"


async def test_the_demo_stands_in_for_any_kind_where_there_is_nothing_else() -> None:
    demo = Standing("small", "scripted")

    events = await told(world(None, None, demo), "hi", model_type="cloud_large")

    assert routes(events) == [("small", "scripted")]
    assert events[1].reasons[0] == ("there is no model of the type cloud_large: the demo stands in")
    with pytest.raises(Unprocessable, match="Known: auto, cloud_large, scripted"):
        await world(None, None, demo, LARGE).ask("hi", model_type="local_small")


async def test_a_preferred_model_answers_if_it_is_healthy() -> None:
    assert routes(await told(world(), HARD, model="small")) == [("small", "local_small")]

    ill = Standing("small", "local_small", healthy=False, why="it was refused")
    events = await told(world(None, None, ill, LARGE), "hi", model="small")

    assert routes(events) == [("large", "cloud_large")]
    assert events[1].reasons[0] == "small is not healthy: it was refused"


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"model_type": "tiny"}, Unprocessable), ({"model": "unknown"}, NotFound)],
)
async def test_what_nobody_can_answer_is_refused(asked: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await world().ask("hi", **{"model_type": "auto", **asked})


async def test_before_the_first_token_the_other_kind_takes_over_once() -> None:
    failing = ScriptedModel([GONE])

    events = await told(world(failing), "hello")

    assert routes(events) == [("small", "local_small"), ("large", "cloud_large")]
    assert events[-1] == TurnCompleted("stop")


async def test_both_may_fail_and_that_is_the_end() -> None:
    events = await told(world(ScriptedModel([GONE]), ScriptedModel([GONE])), "hello")

    assert len(routes(events)) == 2
    assert isinstance(events[-1], TurnFailed)


@pytest.mark.parametrize("said", range(1, 4))
async def test_after_it_no_span_is_missing_or_said_twice(said: int) -> None:
    words = ["a ", "b ", "c ", "d"]
    broken = ScriptedModel([*([Text(word)] for word in words[:said]), GONE])
    rest = ScriptedModel(says(*words[said:]))

    events = await told(world(broken, rest), "hello")

    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "a b c d"
    assert rest.requests[0].partial == "".join(words[:said])


async def test_of_a_model_that_was_named_by_nobody_none_takes_over() -> None:
    stage = world(ScriptedModel([GONE]))

    turn_id = await stage.ask("hello")

    events = [stamped.event for stamped in await stage.events(turn_id)]
    assert routes(events) == [("small", "local_small")]
    assert isinstance(events[-1], TurnFailed)


def test_a_conversation_sticks_and_is_weighed_whole() -> None:
    routing = Routing(Open({}), Weights(sticky=9.0))
    said = [
        text_message("1", "user", "hi"),
        text_message("2", "assistant", "hello"),
        text_message("3", "user", "thanks"),
    ]
    said[1] = type(said[1])("2", "assistant", said[1].parts, model="large")

    decided = routing.decide(asking("thanks", model_type="auto"), said)

    assert decided.name == "large"
    assert [other.name for other in decided.others] == ["small"]
    assert "has answered in this conversation: +9.00" in decided.reasons


async def test_what_the_request_asks_holds_for_whatever_model_answers() -> None:
    stage = world(ScriptedModel([GONE]), large := ScriptedModel(says("l")))

    await told(stage, "hello", temperature=0.7, max_output_tokens=64)

    (request,) = large.requests
    assert (request.temperature, request.max_output_tokens) == (0.7, 64)


async def test_who_takes_over_is_healthy_where_one_is() -> None:
    ill = Standing("large", "cloud_large", healthy=False, why="refused")
    other = Standing("small2", "local_small")
    models = {
        "small": ScriptedModel([GONE]),
        "large": ScriptedModel([GONE]),
        "small2": ScriptedModel(says("2")),
    }
    stage = World(router=Router(Open(models, SMALL, ill, other), FakePrompts()))

    events = await told(stage, "hello", model="small")

    assert [name for name, _ in routes(events)] == ["small", "small2"]


async def test_a_conversation_that_a_small_model_cannot_hold_goes_to_another() -> None:
    tiny = Standing("small", "local_small", context_tokens=400)
    stage = world(None, None, tiny, LARGE)
    for _ in range(6):
        await told(stage, "x " * 250, model="large")

    assert routes(await told(stage, "hello")) == [("large", "cloud_large")]
