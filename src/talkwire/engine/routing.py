"""Decides which model answers where a request leaves it open: any, or any of one kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from talkwire.canon.errors import Unprocessable
from talkwire.canon.models import Standing
from talkwire.canon.turn import Message, TurnRequest
from talkwire.engine.ports import Models
from talkwire.engine.traits import traits
from talkwire.engine.weighing import Situation, Weighed, Weights, weigh
from talkwire.engine.window import message_tokens

AUTO = "auto"
"""The kind that stands for any."""

DEMO = "scripted"
"""The kind of the demo: where there is nothing else, it stands in for all."""


class Decided(Struct, frozen=True):
    """The model that answers, and why; `others` are those that it was weighed against."""

    name: str
    reasons: tuple[str, ...]
    others: tuple[Weighed, ...] = ()


class Routing:
    """Weighs the models there are. It keeps nothing; the state of models is theirs."""

    def __init__(self, models: Models, weights: Weights | None = None) -> None:
        self._models = models
        self._weights = weights or Weights()

    def check(self, request: TurnRequest) -> None:
        """:raises Unprocessable: there is no model of the kind that is asked for."""
        if request.model_type in (None, AUTO):
            return
        kinds = sorted({each.model_type for each in self._models.standings()})
        if kinds != [DEMO] and request.model_type not in kinds:
            known = ", ".join([AUTO, *kinds])
            raise Unprocessable(
                f"There is no model of the type {str(request.model_type)[:100]!r}. Known: {known}.",
                param="model_type",
            )

    def decide(
        self,
        request: TurnRequest,
        said: Sequence[Message],
        *,
        tools: bool = False,
        spent: float = 0.0,
    ) -> Decided:
        """The model for a turn; `said` is the conversation, the message to answer last.

        A model that the request names answers if it is healthy. Of the others the best of the kind
        that is asked for does; where none of that kind is healthy, the best of any.
        """
        standings = self._models.standings()
        preferred = next((each for each in standings if each.name == request.model), None)
        if request.model is not None and (preferred is None or preferred.healthy):
            return Decided(request.model, ("asked for by the request",))
        ranked = self._ranked(request, said, standings, tools=tools, spent=spent)
        best, *others = ranked
        reasons = list(best.reasons)
        if preferred is not None:
            reasons.insert(0, f"{preferred.name} is not healthy: {preferred.why}")
        elif request.model_type not in (None, AUTO):
            reasons.insert(0, _about_kind(str(request.model_type), best.name, standings))
        return Decided(best.name, tuple(reasons), tuple(others))

    def instead(
        self, request: TurnRequest, tried: Collection[str], said: Sequence[Message]
    ) -> Iterator[str]:
        """Who answers in the place of a model that failed: those that are healthy first, of them
        the best of another kind. Of what nobody leaves open, none.
        """
        if request.model_type is None:
            return
        standings = self._models.standings()
        kinds = {each.model_type for each in standings if each.name in tried}
        left = [each for each in standings if each.name not in tried]
        weighed = weigh(traits(_text(said)), Situation(), left, self._weights)
        known = {each.name: each for each in left}
        yield from sorted(
            (each.name for each in weighed),
            key=lambda name: (not known[name].healthy, known[name].model_type in kinds),
        )

    def _ranked(
        self,
        request: TurnRequest,
        said: Sequence[Message],
        standings: Sequence[Standing],
        *,
        tools: bool,
        spent: float,
    ) -> list[Weighed]:
        kind = request.model_type
        of_kind = [each for each in standings if kind in (None, AUTO, each.model_type)]
        fit = of_kind if any(each.healthy for each in of_kind) else standings
        last = next((each.model for each in reversed(said) if each.role == "assistant"), None)
        situation = Situation(
            last_type=next((each.model_type for each in standings if each.name == last), None),
            tools=tools,
            context_tokens=sum(map(message_tokens, said)),
            spent=spent,
        )
        return weigh(traits(_text(said)), situation, fit, self._weights)


def _about_kind(asked: str, name: str, standings: Sequence[Standing]) -> str:
    kind_of = {each.name: each.model_type for each in standings}
    if kind_of[name] == asked:
        return f"of the type {asked}, as the request asks"
    if asked in kind_of.values():
        return f"no model of the type {asked} is healthy"
    return f"there is no model of the type {asked}: the demo stands in"


def _text(said: Sequence[Message]) -> str:
    return next((each.text for each in reversed(said) if each.role == "user"), "")
