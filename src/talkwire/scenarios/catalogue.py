"""What a catalogue of scenarios holds: pure values, as read and checked by `reading.py`."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from talkwire.canon.scenarios import Language

Do = Literal["ask", "check", "answer", "hand_over"]
Intent = Literal["person", "out_of_scope"]


class Words(Struct, frozen=True):
    """A text in both languages; where a file gives one alone, it stands for both."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in this language."""
        return self.zh if language == "zh" else self.en


class Slot(Struct, frozen=True):
    """Something to be known of a case: one of `choices` (each with the words that customers use
    for it), or what a `pattern` finds: its first group, else all of it.

    `context` are further names under which a client may send it among its facts.
    """

    name: str
    label: Words
    choices: dict[str, tuple[str, ...]] = {}
    pattern: str = ""
    context: tuple[str, ...] = ()


class Step(Struct, frozen=True):
    """A step of a flow. It is passed over unless all of `when` holds: a slot has one of these
    values, or is `known` or `unknown`.

    `ask` waits for its slot, or with `optional` does not wait; `check` looks at a fact; `answer`
    says its text; `hand_over` passes to a person.
    """

    id: str
    do: Do
    text: Words
    slot: str = ""
    when: dict[str, tuple[str, ...]] = {}
    optional: bool = False


class Scenario(Struct, frozen=True):
    """One entry: what it is about, how customers ask for it, and how it is handled.

    `slots` are all that its steps name, shared ones too. `extra` holds keys of the file that are
    known to nobody here; they are shown as they are.
    """

    category: str
    subcategory: str
    title: Words
    description: str
    examples: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    slots: dict[str, Slot] = {}
    required_slots: tuple[str, ...] = ()
    related_subcategories: tuple[str, ...] = ()
    sop_references: tuple[str, ...] = ()
    extra: dict[str, Any] = {}

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others: category and subcategory."""
        return self.category, self.subcategory


class Passage(Struct, frozen=True):
    """A section of an SOP file, without its heading."""

    file: str
    heading: str
    text: str
    language: Language


class Aside(Struct, frozen=True):
    """What customers say that no scenario is about, and what is answered."""

    examples: tuple[str, ...]
    text: Words


class Catalogue(Struct, frozen=True):
    """All scenarios, in the order of the file, and the passages of each SOP file by its name.

    `clarify` introduces the question which scenario is meant. `version` is a digest of the file
    and its SOPs.
    """

    scenarios: tuple[Scenario, ...]
    passages: dict[str, tuple[Passage, ...]]
    asides: dict[Intent, Aside]
    clarify: Words
    version: str
