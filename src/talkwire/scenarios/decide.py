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

from talkwire.canon.errors import ModelError, Unprocessable
from talkwire.canon.scenarios import Language, Move, Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.scenarios import choosing
from talkwire.scenarios.case import Case
from talkwire.scenarios.catalogue import Catalogue, Intent, Passage, Scenario
from talkwire.scenarios.flow import step_of, walk
from talkwire.scenarios.known import known
from talkwire.scenarios.questions import is_question
from talkwire.scenarios.slots import from_text, rest_of

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
    """What was decided, before the flow is walked. `choices` are what may be meant. The `text` is
    what the turn is about, where that is not the last message.
    """

    move: Move
    scenario: Scenario | None = None
    confidence: float = 0.0
    choices: tuple[tuple[str, str], ...] = ()
    slots: dict[str, str] = {}
    reason: str = ""
    text: str = ""


Asking = Callable[[str, Sequence[Message], dict[str, Any]], Any]


async def decide(
    shelf: Shelf, request: TurnRequest, said: Sequence[Message], ask: Asking | None
) -> Scene:
    """See `Scenarios.decide`."""
    case = Case.of(shelf.catalogue, request, said)
    current = case.within(request.category)
    previous = current.key if current is not None else None
    ranked = await shelf.rank(case.text, previous=previous, category=request.category)
    pick = _certain(case, request, ranked)
    if pick is None and ask is not None:
        pick = await _asked(current, ranked, said, ask)
    pick = pick or _ranked(ranked)
    if pick.scenario is None or pick.move != "answer":
        return _aside(case, pick)
    if pick.text:
        case = structs.replace(case, text=pick.text)
    return _in_flow(shelf, case, pick, pick.scenario, reads=ask is not None)


def _certain(case: Case, request: TurnRequest, ranked: Ranked) -> Pick | None:
    """What needs no weighing of one scenario against another.

    :raises Unprocessable: the scenario that the client names was taken away by an edit.
    """
    if ranked.aside == "person":
        confidence = ranked.aside_confidence
        return Pick("hand_over", confidence=confidence, reason="a person is asked for")
    if request.scenario:
        named = case.named(request.category, request.scenario)
        if named is None:
            told = f"There is no subcategory {request.scenario[:100]!r} any more."
            raise Unprocessable(told, param="subcategory")
        return Pick("answer", named, 1.0, reason="named by the client")
    chosen = _chosen(case)
    if chosen is not None and request.category in ("", chosen.category):
        return Pick("answer", chosen, 1.0, reason="chosen by the customer", text=case.unclear)
    return _replied(case, case.within(request.category), ranked)


def _chosen(case: Case) -> Scenario | None:
    """The scenario that a number names, right behind the question which one is meant."""
    before = case.before
    if before is None or before.move != "clarify":
        return None
    offered = before.choices or tuple(("", name) for name in before.related)
    number = _ordinal(case.text)
    return case.named(*offered[number - 1]) if 0 < number <= len(offered) else None


def _replied(case: Case, current: Scenario | None, ranked: Ranked) -> Pick | None:
    """A reply to what the flow waits for."""
    stands = case.stands
    step = step_of(current, stands.step) if current is not None and stands is not None else None
    if current is None or stands is None or step is None:
        return None
    found = from_text(current, case.text, step.slot)
    rest = rest_of(case.text, found)
    if step.slot not in found or len(rest) > _SHORT_CHARS or is_question(rest):
        return None
    confidence = max(stands.confidence, _confidence_of(current, ranked))
    return Pick("answer", current, confidence, reason="answers what was asked")


async def _asked(
    current: Scenario | None, ranked: Ranked, said: Sequence[Message], ask: Asking
) -> Pick | None:
    """What a model decides among the nearest; None where it does not."""
    nearest = [each.scenario for each in ranked.candidates[:CANDIDATES]]
    if current is not None and current not in nearest:
        nearest.append(current)
    try:
        text = await ask(choosing.question(nearest, current), choosing.shown(said), choosing.SCHEMA)
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
        return Pick(decision.move, confidence=confidence, reason="decided by the model")
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
    choices = tuple(each.scenario.key for each in ranked.candidates[:RELATED])
    return Pick("clarify", confidence=first, choices=choices, reason="several may be meant")


def _confidence_of(scenario: Scenario, ranked: Ranked) -> float:
    found = (each.confidence for each in ranked.candidates if each.scenario == scenario)
    return next(found, 0.0)


def _ordinal(text: str) -> int:
    """The number that a text is; 0 where it is none."""
    match = _ORDINAL.match(text.strip())
    if match is None:
        return 0
    told = match[1].lower()
    return _NUMBERS.get(told) or int(told)


def _aside(case: Case, pick: Pick) -> Scene:
    """A scene that stands in no flow. What is known of the case is kept; where it is passed on, so
    is its scenario.
    """
    before = case.before
    again = before is not None and before.move == pick.move == "clarify"
    current = case.current if pick.move == "hand_over" else None
    return Scene(
        category=current.category if current else "",
        subcategory=current.subcategory if current else "",
        move=pick.move,
        confidence=round(pick.confidence, 4),
        language=case.language,
        related=tuple(name for _, name in pick.choices),
        slots=dict(before.slots) if before is not None else {},
        tries=before.tries + 1 if again and before is not None else 0,
        reasons=(pick.reason,),
        choices=pick.choices,
    )


def _in_flow(shelf: Shelf, case: Case, pick: Pick, scenario: Scenario, *, reads: bool) -> Scene:
    """The scenario's flow, from where the conversation stands in it."""
    stays = case.current == scenario
    before = case.stands if stays else None
    waits = step_of(scenario, before.step) if before is not None and before.step else None
    slots = known(case, scenario, pick.slots, waits.slot if waits is not None else "")
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
