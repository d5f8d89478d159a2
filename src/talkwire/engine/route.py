"""Which model answers, under which system prompt: a request becomes a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import structs

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.errors import NotFound, Unprocessable
from talkwire.canon.events import RouteChosen
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import Message, Plan, TurnRequest
from talkwire.engine.agent_ports import Agent, Directory
from talkwire.engine.ports import Caller, Choice, Models, Prompts, Scenarios
from talkwire.engine.routing import Routing


@dataclass(frozen=True)
class Routed:
    """A plan, and the model that it names. What is `fixed` was said by the request or its prompt,
    and holds for whatever model answers. Where an agent answers, the model is the one that it asks,
    or the one that is asked in its place where that is its own affair.
    """

    plan: Plan
    choice: Choice
    fixed: frozenset[str] = frozenset()
    agent: Agent | None = None

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
        agents: Directory | None = None,
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._scenarios = scenarios
        self._routing = routing or Routing(models)
        self._agents = agents

    async def plan(self, request: TurnRequest, caller: Caller | None = None) -> Routed:
        """The plan for a request; what the request says wins over the prompt, that over the model.
        Close what comes out.

        :raises NotFound: no such model, prompt or agent.
        :raises Unprocessable: a prompt variable is missing or unknown; there is no such scenario,
            or no model of the type; an agent is asked for together with what it decides itself.
        :raises Unavailable: a scenario is asked for, and the catalogue could not be loaded; the
            server of agents does not answer.
        """
        if (agent := await self._agent(request, caller)) is not None:
            return await self._with(agent, request)
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
            agent_id=request.agent,
        )
        fixed = {
            "temperature": _first(request.temperature, prompt.temperature) is not None,
            "max_output_tokens": request.max_output_tokens is not None,
        }
        return Routed(plan, choice, frozenset(name for name, given in fixed.items() if given))

    async def _agent(self, request: TurnRequest, caller: Caller | None) -> Agent | None:
        """The agent that is asked for; None is the model as it is."""
        if request.agent is None:
            return None
        agent = None
        if self._agents is not None:
            agent = await self._agents.find(request.agent)
        elif request.agent != ASSISTANT:
            known = f"There is no agent {request.agent[:100]!r}. Known: {ASSISTANT}."
            raise NotFound(known, param="agent")
        if agent is not None and (param := _decided_by_agents(request, caller)) is not None:
            why = f"{param}: the agent {request.agent!r} decides that itself; leave it away."
            raise Unprocessable(why, param=param)
        return agent

    async def _with(self, agent: Agent, request: TurnRequest) -> Routed:
        """The plan for an agent: its own model and instructions. Only a prompt that the request
        names is added to those.
        """
        card = agent.card
        choice = self._models.resolve(card.model or None)
        prompt = await self._prompts.render(request.prompt, request.prompt_variables)
        named = request.prompt is not None and not request.context
        plan = Plan(
            model=choice.name if card.model else card.id,
            model_type=choice.model_type if card.model else "agent",
            instructions=prompt.text if named else "",
            temperature=_first(request.temperature, choice.temperature),
            max_output_tokens=request.max_output_tokens or choice.max_output_tokens,
            voice=request.voice,
            reasons=(f"the agent {card.id} is asked for by the request",),
            context_tokens=choice.context_tokens,
            price_in=choice.price_in if card.model else None,
            price_out=choice.price_out if card.model else None,
            agent_id=card.id,
        )
        given = {"temperature": request.temperature, "max_output_tokens": request.max_output_tokens}
        fixed = frozenset(name for name, value in given.items() if value is not None)
        return Routed(plan, choice, fixed, agent)

    def fallbacks(self, name: str) -> tuple[str, ...]:
        """The models that may be asked in the place of this one, in their order."""
        return self._models.fallbacks(name)

    def _check(self, request: TurnRequest) -> None:
        if self._scenarios is None:
            why = "This server has no scenarios: the wire support is switched off."
            raise Unprocessable(why, param="scenario")
        self._scenarios.check(request)

    def follow(self, routed: Routed, state: TurnState) -> Routed:
        """The plan as the turn's last route has it; the same one while no other model was chosen.

        :raises NotFound: the model that was chosen is configured no more.
        """
        if state.route is None or state.route.model == routed.plan.model:
            return routed
        if routed.choice.lent or routed.agent is not None:
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
        return Routed(plan, choice, routed.fixed, routed.agent)

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
        if routed.choice.lent or routed.agent is not None:
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
    return RouteChosen(plan.model, plan.model_type, plan.agent_id, reasons=plan.reasons)


def _decided_by_agents(request: TurnRequest, caller: Caller | None) -> str | None:
    """The name of what is asked for beside an agent that decides it itself."""
    given = {
        "model": request.model is not None or caller is not None,
        "model_type": request.model_type is not None,
        "scenario": request.scenario is not None,
    }
    return next((name for name, is_given in given.items() if is_given), None)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _reason(request: TurnRequest, prompt_model: str | None) -> str:
    if request.model:
        return "asked for by the request"
    return "named by the prompt" if prompt_model else "the default model"
