"""Which model answers, under which system prompt: a request becomes a plan."""

from __future__ import annotations

from dataclasses import dataclass

from talkwire.canon.errors import Unprocessable
from talkwire.canon.events import RouteChosen
from talkwire.canon.turn import Plan, TurnRequest
from talkwire.engine.ports import Caller, Choice, Models, Prompts, Scenarios


@dataclass(frozen=True)
class Routed:
    """A plan, and the model that it names."""

    plan: Plan
    choice: Choice

    async def close(self) -> None:
        """The turn is over, or did not begin: a model that was lent for it goes back."""
        if self.choice.lent:
            await self.choice.model.close()


class Router:
    """Plans turns. It stores nothing and asks no model."""

    def __init__(
        self, models: Models, prompts: Prompts, scenarios: Scenarios | None = None
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._scenarios = scenarios

    async def plan(self, request: TurnRequest, caller: Caller | None = None) -> Routed:
        """The plan for a request; what the request says wins over the prompt, that over the model.
        Close what comes out.

        :raises NotFound: no such model or prompt.
        :raises Unprocessable: a prompt variable is missing or unknown; there is no such scenario.
        :raises Unavailable: a scenario is asked for, and the catalogue could not be loaded.
        """
        if request.scenario is not None:
            self._check(request)
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
        return Routed(plan, choice)

    def _check(self, request: TurnRequest) -> None:
        if self._scenarios is None:
            why = "This server has no scenarios: the wire support is switched off."
            raise Unprocessable(why, param="scenario")
        self._scenarios.check(request)


def chosen(plan: Plan) -> RouteChosen:
    """The plan as the event that tells it."""
    return RouteChosen(plan.model, plan.model_type, reasons=plan.reasons)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _reason(request: TurnRequest, prompt_model: str | None) -> str:
    if request.model:
        return "asked for by the request"
    return "named by the prompt" if prompt_model else "the default model"
