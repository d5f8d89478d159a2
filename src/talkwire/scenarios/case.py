"""A conversation as the desk sees it: what was said last, and where it stands in a scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.scenarios.catalogue import Catalogue, Scenario

_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(r"\b(?=\w*\d)\w+\b")  # order numbers and the like are in no language
_QUESTION = re.compile(
    r"(?i)[?？]|吗|呢|多久|多少|几天|几个|怎么|怎样|如何|为什么|为何|什么|哪|是否|能不能|可不可以"
    r"|\b(?:how|what|when|where|why|which|who|can|could|do|does|is|are|will|would|should)\b"
)


def is_question(text: str) -> bool:
    """Whether a message asks something, rather than answers what it was asked."""
    return _QUESTION.search(text) is not None


class Case(Struct, frozen=True):
    """`text` is what the turn is about, `before` the last scene, `current` its scenario."""

    catalogue: Catalogue
    text: str
    facts: str
    language: Language
    scenes: tuple[Scene, ...] = ()
    current: Scenario | None = None

    @classmethod
    def of(cls, catalogue: Catalogue, request: TurnRequest, said: Sequence[Message]) -> Case:
        """The case of a turn; `said` ends in the message that it is about."""
        asked = next((each.text for each in reversed(said) if each.role == "user"), request.text)
        scenes = tuple(each.scene for each in said if each.scene is not None)
        before = scenes[-1] if scenes else None
        current = None
        if before is not None and before.subcategory:
            current = _find(catalogue, before.category, before.subcategory)
        language = _language(asked, before)
        return cls(catalogue, asked, request.facts, language, scenes, current)

    @property
    def before(self) -> Scene | None:
        """The last scene of the conversation."""
        return self.scenes[-1] if self.scenes else None

    def named(self, category: str, subcategory: str) -> Scenario | None:
        """The scenario of this name."""
        return _find(self.catalogue, category, subcategory)

    def told(self, scenario: Scenario) -> frozenset[str]:
        """The steps that were said since the conversation came to this scenario."""
        steps: set[str] = set()
        for scene in reversed(self.scenes):
            if (scene.category, scene.subcategory) != scenario.key:
                break
            steps.update(scene.said)
        return frozenset(steps)


def _find(catalogue: Catalogue, category: str, subcategory: str) -> Scenario | None:
    for scenario in catalogue.scenarios:
        if scenario.subcategory == subcategory and category in ("", scenario.category):
            return scenario
    return None


def _language(text: str, before: Scene | None) -> Language:
    """Chinese as soon as there is any of it; a bare number is in the conversation's language."""
    if _CJK.search(text):
        return "zh"
    if _LATIN.search(_CODE.sub(" ", text)) or before is None:
        return "en" if _LATIN.search(text) else "zh"
    return before.language
