"""Where a conversation is in a scenario: what was decided for a turn, and what the flow knows.

A `Scene` is a value of the turn's route and of the answer's message, so the state of a flow is
history like all else: it follows the branches of a session and survives whatever dies.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Move = Literal["answer", "clarify", "hand_over", "out_of_scope"]
"""What a turn does: answers from a scenario's flow (which may be to ask for what is missing), asks
which scenario is meant, passes on to a person, or says that it is no matter for this desk."""

Language = Literal["zh", "en"]


class Scene(Struct, frozen=True, omit_defaults=True):
    """The scenario of one turn.

    `confidence` is calibrated, 0 … 1: how often a decision like this one is right. `said` are the
    steps of the flow whose words this turn says, in order; `step` is the one that waits for an
    answer, "" where none does. `slots` are what is known, by name; `tries` counts how often in a
    row the same step had to be asked again, or which scenario is meant; `choices` are the scenarios
    that were then offered, each by category and subcategory. `passages` name what is quoted or
    given to a model, as `file#number`; `sop_references` are the files that were used, `related`
    subcategories.
    """

    category: str = ""
    subcategory: str = ""
    move: Move = "answer"
    confidence: float = 0.0
    language: Language = "zh"
    related: tuple[str, ...] = ()
    sop_references: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    step: str = ""
    slots: dict[str, str] = {}
    tries: int = 0
    reasons: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
