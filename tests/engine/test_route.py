from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.errors import NotFound
from talkwire.canon.records import RenderedPrompt
from talkwire.canon.turn import Scalar, text_message
from talkwire.engine.ports import Caller, Choice
from talkwire.engine.route import Router
from tests.engine.fakes import FakeModels, FakePrompts, ScriptedModel, asking


class Prompts(FakePrompts):
    def __init__(self, prompt: RenderedPrompt) -> None:
        self.prompt = prompt

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        return self.prompt


class Models(FakeModels):
    def __init__(self, **more: Any) -> None:
        super().__init__(ScriptedModel())
        self.more = more

    def resolve(self, name: str | None, caller: Caller | None = None) -> Choice:
        return structs.replace(super().resolve(name, caller), **self.more)


@pytest.mark.parametrize(
    ("request_model", "prompt_model", "model", "reason"),
    [
        ("a", "b", "a", "asked for by the request"),
        (None, "b", "b", "named by the prompt"),
        (None, None, "default", "the default model"),
    ],
)
async def test_the_request_names_the_model_before_the_prompt_does(
    request_model: str | None, prompt_model: str | None, model: str, reason: str
) -> None:
    router = Router(Models(), Prompts(RenderedPrompt("Be kind.", model=prompt_model)))
    routed = await router.plan(asking(model=request_model))

    assert (routed.plan.model, routed.plan.reasons) == (model, (reason,))
    assert routed.plan.instructions == "Be kind."
    assert routed.choice.name == model


@pytest.mark.parametrize(
    ("asked", "prompted", "configured", "chosen"),
    [(0.0, 1.0, 2.0, 0.0), (None, 0.0, 2.0, 0.0), (None, None, 2.0, 2.0), (None, None, None, None)],
)
async def test_a_temperature_of_zero_is_one_too(
    asked: float | None, prompted: float | None, configured: float | None, chosen: float | None
) -> None:
    router = Router(
        Models(temperature=configured), Prompts(RenderedPrompt("", temperature=prompted))
    )

    assert (await router.plan(asking(temperature=asked))).plan.temperature == chosen


async def test_the_plan_carries_what_the_model_is_configured_with() -> None:
    models = Models(max_output_tokens=7, context_tokens=99, reasons=("only one",))
    router = Router(models, FakePrompts())

    plan = (await router.plan(asking(voice="v"))).plan
    assert (plan.max_output_tokens, plan.context_tokens, plan.reasons) == (7, 99, ("only one",))
    assert (plan.price_in, plan.price_out, plan.voice) == (1.0, 2.0, "v")
    assert (await router.plan(asking(max_output_tokens=5))).plan.max_output_tokens == 5


@pytest.mark.parametrize("unknown", [{"model": "unknown"}, {"prompt": "unknown"}])
async def test_unknown_names_are_told(unknown: dict[str, str]) -> None:
    router = Router(Models(), FakePrompts())

    with pytest.raises(NotFound):
        await router.plan(asking(**unknown))


async def test_a_caller_is_handed_to_the_models_alone_and_what_is_lent_goes_back() -> None:
    models, caller = Models(), object()
    router = Router(models, Prompts(RenderedPrompt("Be kind.")))
    for brought in (caller, None):
        routed = await router.plan(asking(), brought)
        await routed.close()

    assert models.callers == [caller, None]
    assert models.model.given_back == 1


async def test_a_given_context_stands_instead_of_the_prompt() -> None:
    router = Router(Models(), Prompts(RenderedPrompt("Be kind.")))
    request = structs.replace(asking(), context=(text_message("", "user", "Hi"),))

    assert (await router.plan(request)).plan.instructions == ""
