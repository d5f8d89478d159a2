"""Turns about a scenario: decided first, then said in its own words or in a model's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.deltas import Delta, Finish, Text, Tokens
from talkwire.canon.errors import ModelError, Unprocessable, UpstreamUnavailable
from talkwire.canon.events import (
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.engine.ports import Asking
from talkwire.engine.scenes import DECISION_CHARS
from tests.engine.fakes import OWNER, Act, ScriptedModel, World, asking, says, until

WORDS = "One moment. Your money is on its way!\nTomorrow it is there."
SCENE = Scene(
    "Money", "Where is it", step="ask_id", slots={"order": "7"}, reasons=("ranked first",)
)
SCHEMA = {"type": "object"}


class Desk:
    """A catalogue of one scenario; `asks` makes it ask the model first."""

    def __init__(self, scene: Scene = SCENE, *, words: str = WORDS, asks: bool = False) -> None:
        self.scene = scene
        self.said = words
        self.asks = asks
        self.heard: list[list[Message]] = []
        self.answers: list[str | ModelError | None] = []

    def check(self, request: TurnRequest) -> None:
        if request.scenario not in ("", self.scene.subcategory):
            raise Unprocessable("There is no such scenario.", param="subcategory")

    async def decide(
        self, request: TurnRequest, said: Sequence[Message], ask: Asking | None
    ) -> Scene:
        self.heard.append(list(said))
        if ask is None:
            self.answers.append(None)
        elif self.asks:
            try:
                self.answers.append(await ask("Decide!", said, SCHEMA))
            except ModelError as error:
                self.answers.append(error)
        return self.scene

    def brief(self, scene: Scene, request: TurnRequest) -> str:
        return f"The scenario is {scene.subcategory}; facts: {request.facts}."

    def words(self, scene: Scene) -> str:
        return self.said


def world(*answers: Sequence[Act], desk: Desk | None = None, **more: Any) -> World:
    return World(ScriptedModel(*answers), scenarios=desk or Desk(), **more)


async def told(world: World, **asked: Any) -> list[Any]:
    """The events of a turn that is answered from a scenario."""
    turn_id = await world.ask("Where is it?", scenario="", **asked)
    return [stamped.event for stamped in await world.events(turn_id)]


async def test_a_model_is_briefed_with_the_scene_and_given_no_tools() -> None:
    desk = Desk()
    stage = world(says("Soon."), desk=desk)

    started, route, *rest = await told(stage, facts='{"order":7}')

    assert isinstance(started, TurnStarted)
    assert route == RouteChosen(
        "default", "cloud", scenario=SCENE, reasons=("the default model", "ranked first")
    )
    (request,) = stage.model.requests
    brief = 'Be kind.\n\nThe scenario is Where is it; facts: {"order":7}.'
    assert (request.instructions, request.tools) == (brief, ())
    message = next(event.message for event in rest if isinstance(event, MessageCompleted))
    assert (message.text, message.scene) == ("Soon.", SCENE)


async def test_the_route_is_not_told_before_the_scene_is_known() -> None:
    stage = world(says("Soon."))

    started = await stage.turns.start(OWNER, asking("Where?", scenario=""))

    assert [type(stamped.event) for stamped in started.events] == [TurnStarted]


@pytest.mark.parametrize("move", ["clarify", "hand_over", "out_of_scope"])
async def test_what_needs_no_model_is_said_without_one(move: Any) -> None:
    stage = world(desk=Desk(structs.replace(SCENE, move=move)))

    events = await told(stage)

    assert stage.model.requests == []
    assert [e.text for e in events if isinstance(e, TextDelta)] == [
        "One moment. Your money is on its way!\n",
        "Tomorrow it is there.",
    ]
    assert events[-1] == TurnCompleted("stop")
    assert not [event for event in events if isinstance(event, UsageCounted)]


async def test_a_model_that_does_not_read_is_asked_nothing() -> None:
    desk = Desk()
    stage = world(desk=desk, reads=False)

    events = await told(stage)

    assert (stage.model.requests, desk.answers) == ([], [None])
    message = next(event.message for event in events if isinstance(event, MessageCompleted))
    assert (message.text, message.scene) == (WORDS, SCENE)


async def test_the_desk_hears_the_conversation_with_its_scenes() -> None:
    desk = Desk()
    stage = world(says("Soon."), desk=desk)

    await told(stage)
    await told(stage)

    first, second = desk.heard
    assert [message.role for message in first] == ["user"]
    assert [message.role for message in second] == ["user", "assistant", "user"]
    assert second[1].scene == SCENE


async def test_the_desk_hears_all_of_a_long_conversation() -> None:
    desk = Desk()
    stage = world(says("Soon."), desk=desk)

    for _ in range(25):
        await told(stage)

    assert len(desk.heard[-1]) == 49
    assert len(stage.model.requests[-1].messages) < 41


async def test_what_a_model_is_told_of_the_scene_leaves_less_room_for_the_history() -> None:
    stage = world(says("word " * 20_000), says("Soon."))
    await told(stage)
    await told(stage)

    await told(stage, facts="x" * 350_000)

    assert [len(each.messages) for each in stage.model.requests] == [1, 3, 3]


async def test_a_decision_costs_what_it_costs_and_is_no_part_of_the_answer() -> None:
    desk = Desk(asks=True)
    end: list[Delta] = [Tokens(1_000_000, 500_000), Finish("stop")]
    decision: list[Act] = [[Text('{"move"'), Text(":1}")], end]
    stage = world(decision, says("Soon."), desk=desk)

    events = await told(stage)

    assert desk.answers == ['{"move":1}']
    asked, answered = stage.model.requests
    assert (asked.purpose, asked.schema, asked.instructions) == ("decision", SCHEMA, "Decide!")
    assert (answered.purpose, answered.schema) == ("answer", None)
    counted = next(e for e in events if isinstance(e, UsageCounted))
    assert (counted.cost, counted.model) == (2.0, "default")  # before there is any route
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["Soon."]


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ([UpstreamUnavailable("gone")], "upstream_unavailable"),
        ([asyncio.Event()], "upstream_timeout"),
        ([[Text("cut")]], "upstream_incomplete"),
    ],
)
async def test_a_decision_that_fails_is_the_desks_to_bear(
    decision: Sequence[Act], code: str
) -> None:
    desk = Desk(asks=True)
    stage = world(decision, says("Soon."), desk=desk)

    events = await told(stage)

    (error,) = desk.answers
    assert isinstance(error, ModelError)
    assert error.code == code
    assert events[-1] == TurnCompleted("stop")


async def test_a_decision_is_not_read_without_end() -> None:
    desk = Desk(asks=True)
    stage = world([[Text("x" * 5_000)], [Finish("stop")]], says("Soon."), desk=desk)

    await told(stage)

    assert desk.answers == ["x" * DECISION_CHARS]


async def left_behind(said: str) -> tuple[World, str]:
    """A process that finds a turn which has half recited its scene, and the turn."""
    before = world([asyncio.Event()])
    turn_id = await before.ask("Where is it?", scenario="")
    await until(lambda: before.model.requests)
    await before.turns.drain(0)
    log = before.records.events[turn_id]
    del log[1:]
    route = RouteChosen("default", "cloud", scenario=SCENE)
    log += [Stamped(1, 1, route), Stamped(2, 1, TextDelta(said))]
    return world(records=before.records, reads=False), turn_id


async def test_what_was_half_said_is_carried_on_to_the_letter() -> None:
    stage, turn_id = await left_behind("One moment. ")

    await stage.turns.adopt()
    events = [stamped.event for stamped in await stage.events(turn_id)]

    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(texts) == WORDS
    assert events[-1] == TurnCompleted("stop")


async def test_what_was_edited_meanwhile_is_not_glued_to_what_was_said() -> None:
    stage, turn_id = await left_behind("Other words")

    await stage.turns.adopt()
    *_, last = [stamped.event for stamped in await stage.events(turn_id)]

    assert isinstance(last, TurnFailed)
    assert (last.code, last.retryable) == ("upstream_incomplete", True)


async def test_a_turn_that_is_left_to_a_server_without_scenarios_ends_with_an_error() -> None:
    stage, turn_id = await left_behind("One moment. ")
    without = World(records=stage.records)

    await without.turns.adopt()
    *_, last = [stamped.event for stamped in await without.events(turn_id)]

    assert isinstance(last, TurnFailed)
    assert last.code == "invalid_request"


async def test_a_scenario_that_nobody_knows_is_refused_before_anything_is_stored() -> None:
    stage = world()

    with pytest.raises(Unprocessable, match="no such scenario"):
        await stage.ask("Where?", scenario="Elsewhere")

    assert stage.records.events == {}


async def test_a_server_without_scenarios_says_so() -> None:
    with pytest.raises(Unprocessable, match="wire support is switched off"):
        await World().ask("Where?", scenario="")
