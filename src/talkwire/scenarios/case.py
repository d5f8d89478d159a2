"""A conversation as the desk sees it: what was said last, and where it stands in a scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct, structs

from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.scenarios.catalogue import Catalogue, Scenario
from talkwire.scenarios.flow import step_of
from talkwire.scenarios.slots import is_just

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_JAPANESE_OR_KOREAN = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\uac00-\ud7a3]{2,}")
_OTHER = re.compile(r"[^\W\d_A-Za-z]")  # a letter; ideographs have been looked for before
_CODE = re.compile(r"\b(?=\w*\d)\w+\b")  # order numbers and the like are in no language


class Case(Struct, frozen=True):
    """`text` is what the turn is about, `before` the last scene of all; `stands` is the last one
    that was in a scenario, `current` that scenario. `unclear` is the text that the last scene could
    not tell the meaning of.
    """

    catalogue: Catalogue
    text: str
    facts: str
    language: Language
    scenes: tuple[Scene, ...] = ()
    current: Scenario | None = None
    unclear: str = ""

    @classmethod
    def of(cls, catalogue: Catalogue, request: TurnRequest, said: Sequence[Message]) -> Case:
        """The case of a turn; `said` ends in the message that it is about."""
        asked = _last_of_user(said) or request.text
        scenes = tuple(scene for each in said if (scene := _heard(each)) is not None)
        before, stands = _last(scenes), _stands(scenes)
        current = None
        if stands is not None:
            current = _find(catalogue, stands.category, stands.subcategory)
        waits = step_of(current, stands.step) if current is not None and stands else None
        slot = current.slots.get(waits.slot) if current is not None and waits else None
        if before is not None and slot is not None and is_just(slot, asked):
            language = before.language
        else:
            language = _language(asked, before)
        unclear = _unclear(said) if before is not None and before.move == "clarify" else ""
        return cls(catalogue, asked, request.facts, language, scenes, current, unclear)

    @property
    def before(self) -> Scene | None:
        """The last scene of the conversation."""
        return _last(self.scenes)

    @property
    def stands(self) -> Scene | None:
        """The last scene that was in a scenario: remarks beside it end no case."""
        return _stands(self.scenes)

    def within(self, category: str) -> Scenario | None:
        """The scenario where the conversation is, if it may stay there."""
        current = self.current
        return current if current is not None and category in ("", current.category) else None

    def named(self, category: str, subcategory: str) -> Scenario | None:
        """The scenario of this name."""
        return _find(self.catalogue, category, subcategory)

    def told(self, scenario: Scenario) -> frozenset[str]:
        """The steps that were said since the conversation came to this scenario."""
        steps: set[str] = set()
        for scene in reversed(self.scenes):
            if not scene.subcategory:
                continue
            if (scene.category, scene.subcategory) != scenario.key:
                break
            steps.update(scene.said)
        return frozenset(steps)


def _heard(message: Message) -> Scene | None:
    """The scene of a message. Of one that was cut nobody knows which steps were still said."""
    scene = message.scene
    return structs.replace(scene, said=()) if scene is not None and message.incomplete else scene


def _last(scenes: Sequence[Scene]) -> Scene | None:
    return scenes[-1] if scenes else None


def _stands(scenes: Sequence[Scene]) -> Scene | None:
    return next((scene for scene in reversed(scenes) if scene.subcategory), None)


def _last_of_user(said: Sequence[Message]) -> str:
    return next((each.text for each in reversed(said) if each.role == "user"), "")


def _unclear(said: Sequence[Message]) -> str:
    """What the customer had written before the last scene."""
    places = [place for place, each in enumerate(said) if each.scene is not None]
    return _last_of_user(said[: places[-1]])


def _find(catalogue: Catalogue, category: str, subcategory: str) -> Scenario | None:
    for scenario in catalogue.scenarios:
        if scenario.subcategory == subcategory and category in ("", scenario.category):
            return scenario
    return None


def _language(text: str, before: Scene | None) -> Language:
    """Chinese as soon as there is any of it, English for all other words; a bare number is in the
    conversation's language.
    """
    if _CJK.search(text):
        return "en" if _JAPANESE_OR_KOREAN.search(text) else "zh"
    bare = _CODE.sub(" ", text)
    if _OTHER.search(bare) or _LATIN.search(bare):
        return "en"
    if before is not None:
        return before.language
    return "en" if _LATIN.search(text) else "zh"
