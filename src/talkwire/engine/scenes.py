"""What a turn about a scenario does: decide which one it is, and say its words or brief a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from talkwire.canon.errors import UpstreamIncomplete, UpstreamTimeout
from talkwire.canon.events import AnyEvent, MessageCompleted, TextDelta
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import (
    Message,
    ModelRequest,
    Plan,
    TextPart,
    TurnRequest,
    answer_message_id,
)
from talkwire.engine import aside
from talkwire.engine.live import LiveTurn
from talkwire.engine.ports import Asking, Scenarios
from talkwire.engine.route import Routed, chosen

DECISION_CHARS = 4_000
"""What a decision may be at most; one that is longer is none."""

_DECISION_TOKENS = 600
_PIECE = re.compile(r"[^\n。！？!?]*[\n。！？!?]*")


class Scenes:
    """The scenes of turns. `decide_timeout_s` bounds how long a model may think about one."""

    def __init__(self, scenarios: Scenarios, *, decide_timeout_s: float = 10.0) -> None:
        self._scenarios = scenarios
        self._decide_timeout_s = decide_timeout_s

    async def choose(self, live: LiveTurn, routed: Routed, said: Sequence[Message]) -> None:
        """Decide the scene, and tell the route with it. `said` ends in what is to be answered."""
        ask = self._asking(live, routed) if routed.choice.reads else None
        scene = await self._scenarios.decide(live.state.asked, said, ask)
        route = chosen(routed.plan)
        reasons = (*route.reasons, *scene.reasons)
        live.append([structs.replace(route, scenario=scene, reasons=reasons)])

    def instructions(self, plan: Plan, scene: Scene, request: TurnRequest) -> str:
        """What the model is told: the plan's prompt, and what it needs for this scene."""
        return f"{plan.instructions}\n\n{self._scenarios.brief(scene, request)}".strip()

    def recite(self, partial: str, live: LiveTurn) -> None:
        """Say the scene's own words, from where they stopped.

        :raises UpstreamIncomplete: the catalogue has other words now than those that were said.
        """
        scene = live.state.scene
        text = "" if scene is None else self._scenarios.words(scene)
        if not text.startswith(partial):
            raise UpstreamIncomplete("The scenario was edited while it was being answered.")
        rest = text[len(partial) :]
        events: list[AnyEvent] = [TextDelta(piece) for piece in _PIECE.findall(rest) if piece]
        parts = (TextPart(text),) if text else ()
        name = answer_message_id(live.turn_id)
        model = live.state.model
        told = Message(name, "assistant", parts, model=model, finish_reason="stop", scene=scene)
        live.append([*events, MessageCompleted(told)])

    def _asking(self, live: LiveTurn, routed: Routed) -> Asking:
        async def ask(
            instructions: str, messages: Sequence[Message], schema: dict[str, Any]
        ) -> str:
            request = ModelRequest(
                model=routed.choice.upstream_model,
                messages=tuple(messages),
                instructions=instructions,
                temperature=routed.choice.temperature,
                max_output_tokens=_DECISION_TOKENS,
                purpose="decision",
                schema=schema,
            )
            said: list[str] = []
            try:
                async with asyncio.timeout(self._decide_timeout_s):
                    await aside.ask(request, live, routed, said.append)
            except TimeoutError:
                why = f"The model did not decide within {self._decide_timeout_s:g} s."
                raise UpstreamTimeout(why) from None
            return "".join(said)[:DECISION_CHARS]

        return ask
