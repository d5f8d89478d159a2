"""Which scenario a message is about, and what is to be done in it.

What is certain comes first: a scenario that the client names, an answer to the flow's or the
desk's own question, the wish for a person. Then a model decides among the nearest scenarios, where
there is one that reads; else the calibrated ranking does, and asks where it is not sure.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct, structs

from talkwire.canon.errors import ModelError
from talkwire.canon.scenarios import Language, Move, Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.scenarios import choosing
from talkwire.scenarios.case import Case, is_question
from talkwire.scenarios.catalogue import Catalogue, Intent, Passage, Scenario
from talkwire.scenarios.flow import step_of, walk
from talkwire.scenarios.slots import accepted, from_facts, from_text, rest_of

CANDIDATES = 6
"""Among so many scenarios a model decides."""

RELATED = 3
"""So many are named where it has to be asked which one is meant."""

_SHORT_CHARS = 16  # what may stand beside an answer to a question and is no question itself
_NUMBERS = {"一": 1, "二": 2, "三": 3, "first": 1, "second": 2, "third": 3}
_ORDINAL = re.compile(
    r"(?i)^\W*(?:选|第|the\s+|number\s+|no\.?\s*)?([1-3]|[一二三]|first|second|third)"
    r"(?:个|项|种|条|号|\s+one)?\W*$"
)
_log = logging.getLogger(__name__)


class Candidate(Protocol):
    """A scenario, and how often one that was ranked like it is the right one."""

    @property
    def scenario(self) -> Scenario: ...
    @property
    def confidence(self) -> float: ...


class Ranked(Protocol):
    """The scenarios by how well they fit; an `aside` where something else fits better."""

    @property
    def candidates(self) -> Sequence[Candidate]: ...
    @property
    def aside(self) -> Intent | None: ...
    @property
    def aside_confidence(self) -> float: ...
    @property
    def sure(self) -> bool: ...


class Shelf(Protocol):
    """A catalogue with its index."""

    @property
    def catalogue(self) -> Catalogue: ...
    async def rank(
        self, text: str, *, previous: tuple[str, str] | None, category: str
    ) -> Ranked: ...
    def passages(
        self, text: str, scenario: Scenario, language: Language
    ) -> Sequence[tuple[str, Passage]]: ...


class Pick(Struct, frozen=True):
    """What was decided, before the flow is walked."""

    move: Move
    scenario: Scenario | None = None
    confidence: float = 0.0
    related: tuple[str, ...] = ()
    slots: dict[str, str] = {}
    reason: str = ""


Asking = Callable[[str, Sequence[Message], dict[str, Any]], Any]


async def decide(
    shelf: Shelf, request: TurnRequest, said: Sequence[Message], ask: Asking | None
) -> Scene:
    """See `Scenarios.decide`."""
    case = Case.of(shelf.catalogue, request, said)
    previous = case.current.key if case.current is not None else None
    ranked = await shelf.rank(case.text, previous=previous, category=request.category)
    pick = _certain(case, request, ranked)
    if pick is None and ask is not None:
        pick = await _asked(case, ranked, said, ask)
    pick = pick or _ranked(ranked)
    if pick.scenario is None or pick.move != "answer":
        return _aside(case, pick)
    return _in_flow(shelf, case, pick, pick.scenario, reads=ask is not None)


def _certain(case: Case, request: TurnRequest, ranked: Ranked) -> Pick | None:
    """What needs no weighing of one scenario against another."""
    if ranked.aside == "person":
        confidence = ranked.aside_confidence
        return Pick("hand_over", case.current, confidence, reason="a person is asked for")
    if request.scenario:
        named = case.named(request.category, request.scenario)
        return Pick("answer", named, 1.0, reason="named by the client")
    before = case.before
    if before is not None and before.move == "clarify":
        chosen = _ordinal(case.text, before.related)
        if chosen is not None:
            return Pick("answer", case.named("", chosen), 1.0, reason="chosen by the customer")
    if case.current is not None and before is not None and before.step:
        step = step_of(case.current, before.step)
        found = from_text(case.current, case.text, step.slot) if step else {}
        if step is not None and step.slot in found:
            rest = rest_of(case.text, found)
            if len(rest) <= _SHORT_CHARS and not is_question(rest):
                sure = _confidence_of(case.current, ranked)
                confidence = max(before.confidence, sure)
                return Pick("answer", case.current, confidence, reason="answers what was asked")
    return None


async def _asked(case: Case, ranked: Ranked, said: Sequence[Message], ask: Asking) -> Pick | None:
    """What a model decides among the nearest; None where it does not."""
    nearest = [each.scenario for each in ranked.candidates[:CANDIDATES]]
    if case.current is not None and case.current not in nearest:
        nearest.append(case.current)
    try:
        text = await ask(
            choosing.question(nearest, case.current), choosing.shown(said), choosing.SCHEMA
        )
    except ModelError as error:
        _log.warning("scenario.not_decided_by_model: %s", error.code)
        return None
    decision = choosing.read(text, len(nearest))
    if decision is None:
        _log.warning("scenario.not_decided_by_model: unreadable")
        return None
    if decision.move == "clarify":
        return structs.replace(_unsure(ranked), reason="the model asks which one is meant")
    if decision.move != "answer":
        confidence = ranked.aside_confidence
        return Pick(decision.move, case.current, confidence, reason="decided by the model")
    chosen = nearest[decision.choice - 1]
    return Pick(
        "answer",
        chosen,
        _confidence_of(chosen, ranked),
        slots={each.name: each.value for each in decision.slots},
        reason="decided by the model",
    )


def _ranked(ranked: Ranked) -> Pick:
    if ranked.aside is not None:
        confidence = ranked.aside_confidence
        return Pick("out_of_scope", confidence=confidence, reason="like no scenario")
    if not ranked.candidates or not ranked.sure:
        return _unsure(ranked)
    first = ranked.candidates[0]
    return Pick("answer", first.scenario, first.confidence, reason="ranked first")


def _unsure(ranked: Ranked) -> Pick:
    first = ranked.candidates[0].confidence if ranked.candidates else 0.0
    related = tuple(each.scenario.subcategory for each in ranked.candidates[:RELATED])
    return Pick("clarify", confidence=first, related=related, reason="several may be meant")


def _confidence_of(scenario: Scenario, ranked: Ranked) -> float:
    found = (each.confidence for each in ranked.candidates if each.scenario == scenario)
    return next(found, 0.0)


def _ordinal(text: str, related: Sequence[str]) -> str | None:
    match = _ORDINAL.match(text.strip())
    if match is None:
        return None
    told = match[1].lower()
    number = _NUMBERS.get(told) or int(told)
    return related[number - 1] if number <= len(related) else None


def _aside(case: Case, pick: Pick) -> Scene:
    """A scene that stands in no flow; a case that is passed on keeps what is known of it."""
    current = case.current if pick.move == "hand_over" else None
    return Scene(
        category=current.category if current else "",
        subcategory=current.subcategory if current else "",
        move=pick.move,
        confidence=round(pick.confidence, 4),
        language=case.language,
        related=pick.related,
        slots=dict(case.before.slots) if current and case.before else {},
        reasons=(pick.reason,),
    )


def _in_flow(shelf: Shelf, case: Case, pick: Pick, scenario: Scenario, *, reads: bool) -> Scene:
    """The scenario's flow, from where the conversation stands in it."""
    stays = case.current == scenario
    before = case.before if stays else None
    waits = step_of(scenario, before.step) if before is not None and before.step else None
    heard = from_text(scenario, case.text, waits.slot if waits else "")
    slots = {**_kept(case, scenario), **_checked(scenario, pick.slots)}
    slots |= {**from_facts(scenario, case.facts), **heard}
    told = case.told(scenario)
    walked = walk(scenario, slots, told)
    asks = is_question(case.text)
    again = waits is not None and walked.waits == waits.id and not asks
    news = [name for name in walked.said if name != walked.waits]
    quotes = reads or (not news and not again and (stays or not walked.waits))
    passages = shelf.passages(case.text, scenario, case.language) if quotes else ()
    if not reads:
        passages = passages[:1]
    files = [passage.file for _, passage in passages]
    if news:  # what the steps say comes from the scenario's own procedure
        files += scenario.sop_references[:1]
    return Scene(
        category=scenario.category,
        subcategory=scenario.subcategory,
        move="hand_over" if walked.handed_over else "answer",
        confidence=round(pick.confidence, 4),
        language=case.language,
        related=scenario.related_subcategories,
        sop_references=tuple(dict.fromkeys(files)),
        passages=tuple(name for name, _ in passages),
        said=walked.said,
        step=walked.waits,
        slots=slots,
        tries=before.tries + 1 if again and before is not None else 0,
        reasons=(pick.reason,),
    )


def _kept(case: Case, scenario: Scenario) -> dict[str, str]:
    """What is known already; of another scenario, what this one knows under the same name."""
    if case.before is None:
        return {}
    if case.current == scenario:
        return dict(case.before.slots)
    return _checked(scenario, case.before.slots)


def _checked(scenario: Scenario, given: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in given.items():
        slot = scenario.slots.get(name)
        taken = accepted(slot, value) if slot is not None else None
        if taken is not None:
            found[name] = taken
    return found
