"""Another model takes over from one that failed, and says nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from talkwire.canon.deltas import Delta, Finish, Text, Tokens
from talkwire.canon.errors import (
    ModelError,
    NotFound,
    UpstreamAuth,
    UpstreamRejected,
    UpstreamUnavailable,
)
from talkwire.canon.events import (
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.models import Standing
from talkwire.canon.records import Usage
from talkwire.engine.ports import Caller, Choice
from talkwire.engine.route import Router
from talkwire.engine.runner import Limits
from tests.engine.fakes import Act, FakePrompts, ScriptedModel, World, says

GONE = UpstreamUnavailable("gone")


class Several:
    """Models by name, each with those that take over from it."""

    def __init__(self, models: Mapping[str, ScriptedModel], prefill: Sequence[str] = ()) -> None:
        self.models = models
        self.prefill = prefill

    def resolve(self, name: str | None, caller: Caller | None = None) -> Choice:
        name = name or "a"
        if name not in self.models:
            raise NotFound(f"There is no model {name!r}.")
        return Choice(
            name,
            f"type of {name}",
            self.models[name],
            f"upstream {name}",
            continuation="prefill" if name in self.prefill else "none",
            temperature={"a": 0.1, "b": 0.2}.get(name),
            price_in=0.0,
            price_out=1_000_000.0 if name == "a" else 2_000_000.0,
        )

    def names(self) -> tuple[str, ...]:
        return tuple(self.models)

    def standings(self) -> tuple[Standing, ...]:
        return tuple(Standing(name, f"type of {name}") for name in self.models)

    def fallbacks(self, name: str) -> tuple[str, ...]:
        return tuple(other for other in self.models if other != name)

    async def close(self) -> None: ...

    @property
    def told(self) -> str:
        return "several"


def world(
    models: Mapping[str, ScriptedModel], *, prefill: Sequence[str] = (), on_lost: Any = "auto"
) -> World:
    router = Router(Several(models, prefill), FakePrompts())
    return World(router=router, limits=Limits(on_lost=on_lost))


async def told(stage: World, **asked: Any) -> list[Any]:
    turn_id = await stage.ask("Hi", **asked)
    return [stamped.event for stamped in await stage.events(turn_id)]


def texts(events: Sequence[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


def routes(events: Sequence[Any]) -> list[tuple[str, str]]:
    return [(e.model, e.model_type) for e in events if isinstance(e, RouteChosen)]


@pytest.mark.parametrize("error", [GONE, UpstreamAuth("bad key")])
async def test_before_the_first_token_the_next_one_answers_as_if_nothing_had_been(
    error: ModelError,
) -> None:
    models = {"a": ScriptedModel([error]), "b": ScriptedModel(says("Hel", "lo"))}

    events = await told(world(models))

    assert routes(events) == [("a", "type of a"), ("b", "type of b")]
    assert next(e for e in events[2:] if isinstance(e, RouteChosen)).reasons == (
        f"a failed: {error.code}",
    )
    assert (texts(events), events[-1]) == (["Hel", "lo"], TurnCompleted("stop"))
    (request,) = models["b"].requests
    assert (request.model, request.partial, request.temperature) == ("upstream b", "", 0.2)
    message = next(e.message for e in events if isinstance(e, MessageCompleted))
    assert message.model == "b"


async def test_each_one_is_asked_once_and_the_last_failure_is_the_turns() -> None:
    models = {"a": ScriptedModel([GONE]), "b": ScriptedModel([UpstreamAuth("no")])}

    events = await told(world(models))

    assert [len(model.requests) for model in models.values()] == [1, 1]
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "upstream_auth"


async def test_what_is_wrong_with_the_request_is_not_asked_again() -> None:
    models = {"a": ScriptedModel([UpstreamRejected("too long")]), "b": ScriptedModel(says("x"))}

    events = await told(world(models))

    assert (routes(events), models["b"].requests) == ([("a", "type of a")], [])


@pytest.mark.parametrize("said", range(1, 5))
async def test_after_it_the_text_is_carried_on_where_that_is_exact(said: int) -> None:
    words = ["One ", "two ", "three ", "four."]
    broken: list[Act] = [*([Text(word)] for word in words[:said]), GONE]
    models = {"a": ScriptedModel(broken), "b": ScriptedModel(says(*words[said:]))}

    events = await told(world(models, prefill=["b"]))

    assert "".join(texts(events)) == "One two three four."
    (request,) = models["b"].requests
    assert request.partial == "".join(words[:said])
    assert events[-1] == TurnCompleted("stop")


@pytest.mark.parametrize("on_lost", ["auto", "fail"])
async def test_where_it_is_not_exact_the_turn_fails_and_keeps_what_was_said(on_lost: str) -> None:
    models = {"a": ScriptedModel([[Text("One ")], GONE]), "b": ScriptedModel(says("two"))}

    events = await told(world(models, on_lost=on_lost))

    assert (texts(events), models["b"].requests) == (["One "], [])
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "upstream_unavailable"


async def test_any_model_carries_on_where_that_is_wanted() -> None:
    models = {"a": ScriptedModel([[Text("One ")], GONE]), "b": ScriptedModel(says("two"))}

    events = await told(world(models, on_lost="continue"))

    assert "".join(texts(events)) == "One two"
    assert models["b"].requests[0].partial == "One "


async def test_each_model_is_paid_for_what_it_said() -> None:
    end: list[Delta] = [Tokens(9, 3), Finish("stop")]
    models = {
        "a": ScriptedModel([[Text("one two three four")], GONE]),
        "b": ScriptedModel([[Text("five")], end]),
    }

    events = await told(world(models, prefill=["b"]))

    first, second = [event for event in events if isinstance(event, UsageCounted)]
    assert (first.estimated, first.output_tokens, first.cost) == (True, 5, 5.0)
    assert (second.estimated, second.output_tokens, second.cost) == (False, 3, 6.0)


async def test_no_piece_is_paid_for_twice_where_no_model_tells_its_usage() -> None:
    models = {
        "a": ScriptedModel([[Text("one ")], [Text("two ")], GONE]),
        "b": ScriptedModel([[Text("three ")], GONE]),
        "c": ScriptedModel(says("four")),
    }
    stage = world(models, on_lost="continue")

    events = await told(stage)

    assert "".join(texts(events)) == "one two three four"
    counted = [event for event in events if isinstance(event, UsageCounted)]
    assert [each.output_tokens for each in counted if each.estimated] == [2, 1, 1]
    (outcome,) = stage.records.outcomes.values()
    assert {name: used.output_tokens for name, used in outcome.by_model.items()} == {
        "a": 2,
        "b": 1,
        "c": 1,
    }


async def test_a_model_that_failed_at_once_has_a_row_of_nothing() -> None:
    stage = world({"a": ScriptedModel([GONE]), "b": ScriptedModel(says("x"))})

    await told(stage)

    (outcome,) = stage.records.outcomes.values()
    assert (list(outcome.by_model), outcome.by_model["a"]) == (["a", "b"], Usage())


async def test_a_turn_that_is_taken_over_goes_on_with_the_model_that_was_chosen_last() -> None:
    models = {"a": ScriptedModel([GONE]), "b": ScriptedModel([[Text("One ")], asyncio.Event()])}
    before = world(models)
    turn_id = await before.ask("Hi")
    reader = await before.turns.read("alice", turn_id)
    seen: list[Stamped] = []
    while not texts([stamped.event for stamped in seen]):
        seen += await reader.next()
    reader.close()
    await before.turns.drain(0)

    models = {"a": ScriptedModel(says("never")), "b": ScriptedModel(says("two"))}
    router = Router(Several(models, ["b"]), FakePrompts())
    after = World(router=router, records=before.records)
    assert await after.turns.adopt() == 1
    events = [stamped.event for stamped in await after.events(turn_id)]

    assert ("".join(texts(events)), models["a"].requests) == ("One two", [])


class Listed(Several):
    """`a` has two fallbacks, and they have none."""

    def fallbacks(self, name: str) -> tuple[str, ...]:
        return ("b", "c") if name == "a" else ()


async def test_all_fallbacks_of_the_first_are_asked_in_their_order() -> None:
    models = {name: ScriptedModel([GONE]) for name in "ab"} | {"c": ScriptedModel(says("three"))}
    stage = World(router=Router(Listed(models), FakePrompts()))

    events = await told(stage)

    assert [name for name, _ in routes(events)] == ["a", "b", "c"]
    assert events[-1] == TurnCompleted("stop")
