"""A help desk in memory: two scenarios, decided by a word, said without a catalogue's files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from talkwire.canon.errors import Unavailable, Unprocessable
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.engine.ports import Asking

LISTING: dict[str, Any] = {
    "total_categories": 2,
    "categories": {
        "Withdrawals": [
            {
                "category": "Withdrawals",
                "subcategory": "1 提现状态查询 Flow",
                "title": {"zh": "提现状态查询", "en": "Where a withdrawal is"},
                "description": "Where is my money?",
                "related_subcategories": ["2 Fees"],
            }
        ],
        "Account": [
            {
                "category": "Account",
                "subcategory": "Locked",
                "title": {"zh": "账户锁定", "en": "An account is locked"},
                "description": "I cannot log in.",
                "related_subcategories": [],
            }
        ],
    },
}
KNOWN = {each["subcategory"]: each for listed in LISTING["categories"].values() for each in listed}
STATUS = "1 提现状态查询 Flow"


class Desk:
    """Fits `talkwire.desk.Desk`. Asked about nothing that it knows, it asks back; `problem` is what
    keeps its catalogue from being loaded.
    """

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem
        self.opened = 0
        self.watched: float | None = None

    async def open(self) -> None:
        self.opened += 1

    async def watch(self, every_s: float) -> None:
        self.watched = every_s
        await asyncio.Event().wait()

    def status(self) -> dict[str, Any]:
        total = 0 if self.problem else len(KNOWN)
        return {"loaded": self.problem is None, "total": total, "problem": self.problem}

    def listing(self) -> dict[str, Any]:
        self._loaded()
        return LISTING

    def check(self, request: TurnRequest) -> None:
        self._loaded()
        if request.category and request.category not in LISTING["categories"]:
            raise Unprocessable("Unknown category; closest: Account", param="category")
        if request.scenario and request.scenario not in KNOWN:
            raise Unprocessable(f"Unknown subcategory; closest: {STATUS}", param="subcategory")

    async def decide(
        self, request: TurnRequest, said: Sequence[Message], ask: Asking | None
    ) -> Scene:
        text = request.text
        name = request.scenario or (STATUS if "words=" in text or "money" in text else "")
        if not name:
            move: Any = "hand_over" if "person" in text else "clarify"
            return Scene(move=move, confidence=0.4, language="en", related=tuple(KNOWN))
        found = KNOWN[name]
        related = tuple(found["related_subcategories"])
        return Scene(
            category=found["category"],
            subcategory=name,
            confidence=0.95,
            language="en",
            related=related,
            sop_references=("withdrawals.md",),
        )

    def brief(self, scene: Scene, request: TurnRequest) -> str:
        return f"Scenario: {scene.subcategory}\nFacts: {request.facts}"

    def words(self, scene: Scene) -> str:
        if scene.move == "clarify":
            return "Which one do you mean?\n- 1 提现状态查询 Flow\n- Locked"
        return f"This is what there is to say about {scene.subcategory or 'it'}."

    def _loaded(self) -> None:
        if self.problem is not None:
            raise Unavailable(f"There are no scenarios: {self.problem}")
