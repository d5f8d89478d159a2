"""An evaluation made by hand."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from talkwire.scenarios.evaluate import Bin, Confusion, Evaluation, Figures, Point, Share

NONE = Share(0, 0)
FIGURES = Figures(
    texts=10,
    top_1=Share(7, 8),
    top_3=Share(8, 8),
    out_of_scope_recall=Share(1, 2),
    out_of_scope_precision=Share(1, 1),
    false_out_of_scope=Share(0, 8),
    person_recall=NONE,
    follow_up=Share(1, 3),
    asked=Share(2, 8),
)
EVALUATION = Evaluation(
    split="test",
    all=FIGURES,
    by_language={"zh": FIGURES},
    by_kind={"out_of_scope": structs.replace(FIGURES, texts=2)},
    switch=Share(3, 4),
    error_equal_width=0.0421,
    error_equal_count=0.05,
    reliability=(Bin(0.0, 0.5, 0, 0.0, 0.0), Bin(0.5, 1.0, 10, 0.9, 0.8)),
    abstention=(Point(0.95, 0.5, 1.0), Point(0.6, 1.0, 0.8)),
    confused=(Confusion("A › 1 B|C Flow", "", 2),),
)


def evaluation(**changed: Any) -> Evaluation:
    """It, with other values."""
    return structs.replace(EVALUATION, **changed)
