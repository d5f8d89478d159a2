"""Which model answers, under which system prompt: a request becomes a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import structs

from talkwire.canon.errors import Unprocessable
from talkwire.canon.events import RouteChosen
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import Message, Plan, TurnRequest
from talkwire.engine.ports import Caller, Choice, Models, Prompts, Scenarios
from talkwire.engine.routing import Routing


@dataclass(frozen=True)
class Routed:
    """A plan, and the model that it names. What is `fixed` was said by the request or its prompt,
    and holds for whatever model answers.
    """

    plan: Plan
    choice: Choice
    fixed: frozenset[str] = frozenset()

    async def close(self) -> None:
        """The turn is over, or did not begin: a model that was lent for it goes back."""
        if self.choice.lent:
            await self.choice.model.close()


class Router:
    """Plans turns. It stores nothing and asks no model."""

    def __init__(
        self,
        models: Models,
        prompts: Prompts,
        scenarios: Scenarios | None = None,
        routing: Routing | None = None,
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._scenarios = scenarios
        self._routing = routing or Routing(models)

    async def plan(self, request: TurnRequest, caller: Caller | None = None) -> Routed:
        """The plan for a request; what the request says wins over the prompt, that over the model.
        Close what comes out.

        :raises NotFound: no such model or prompt.
        :raises Unprocessable: a prompt variable is missing or unknown; there is no such scenario,
            or no model of the type.
        :raises Unavailable: a scenario is asked for, and the catalogue could not be loaded.
        """
        if request.scenario is not None:
            self._check(request)
        self._routing.check(request)
        prompt = await self._prompts.render(request.prompt, request.prompt_variables)
        choice = self._models.resolve(request.model or prompt.model, caller)
        temperature = _first(request.temperature, prompt.temperature, choice.temperature)
        plan = Plan(
            model=choice.name,
            model_type=choice.model_type,
            instructions="" if request.context else prompt.text,
            temperature=temperature,
            max_output_tokens=request.max_output_tokens or choice.max_output_tokens,
            voice=request.voice,
            reasons=choice.reasons or (_reason(request, prompt.model),),
            context_tokens=choice.context_tokens,
            continuation=choice.continuation,
            price_in=choice.price_in,
            price_out=choice.price_out,
        )
        fixed = {
            "temperature": _first(request.temperature, prompt.temperature) is not None,
            "max_output_tokens": request.max_output_tokens is not None,
        }
        return Routed(plan, choice, frozenset(name for name, given in fixed.items() if given))

    def _check(self, request: TurnRequest) -> None:
        if self._scenarios is None:
            why = "This server has no scenarios: the wire support is switched off."
            raise Unprocessable(why, param="scenario")
        self._scenarios.check(request)

    def follow(self, routed: Routed, state: TurnState) -> Routed:
        """The plan as the turn's last route has it; the same one while no other model was chosen.

        :raises NotFound: the model that was chosen is configured no more.
        """
        if state.route is None or state.route.model == routed.plan.model or routed.choice.lent:
            return routed
        return self.switched(routed, state.route.model)

    def switched(self, routed: Routed, name: str) -> Routed:
        """The plan with another model; what the request and the prompt say of it stays.

        :raises NotFound: there is none of this name.
        """
        choice = self._models.resolve(name)
        plan = routed.plan
        usual = {
            "temperature": choice.temperature,
            "max_output_tokens": choice.max_output_tokens,
        }
        plan = structs.replace(
            plan,
            **{name: value for name, value in usual.items() if name not in routed.fixed},
            model=choice.name,
            model_type=choice.model_type,
            context_tokens=choice.context_tokens,
            continuation=choice.continuation,
            price_in=choice.price_in,
            price_out=choice.price_out,
        )
        return Routed(plan, choice, routed.fixed)

    def decide(
        self,
        routed: Routed,
        state: TurnState,
        said: Sequence[Message],
        *,
        tools: bool = False,
        spent: float = 0.0,
    ) -> RouteChosen:
        """The route of a turn whose request leaves the model open; `said` is the conversation.
        `tools`: whether some are on offer; `spent`: the share of a budget, 0 … 1.
        """
        decided = self._routing.decide(state.asked, said, tools=tools, spent=spent)
        return structs.replace(
            chosen(self.switched(routed, decided.name).plan), reasons=decided.reasons
        )

    def instead(self, routed: Routed, state: TurnState) -> Iterator[Routed]:
        """The plans for models that may answer in the place of one that failed: the fallbacks of
        all that were tried, in their order; where the request leaves the model open, then one
        other, once.
        """
        if routed.choice.lent:
            return
        tried = state.tried
        listed = dict.fromkeys(name for each in tried for name in self._models.fallbacks(each))
        for name in listed:
            if name not in tried:
                yield self.switched(routed, name)
        if all(each in listed for each in tried[1:]):
            said = [Message("", "user", state.asked.parts)]
            for name in self._routing.instead(state.asked, tried, said):
                yield self.switched(routed, name)


def chosen(plan: Plan) -> RouteChosen:
    """The plan as the event that tells it."""
    return RouteChosen(plan.model, plan.model_type, reasons=plan.reasons)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _reason(request: TurnRequest, prompt_model: str | None) -> str:
    if request.model:
        return "asked for by the request"
    return "named by the prompt" if prompt_model else "the default model"
