"""A picture of an evaluation: whether the confidence is true, and what it is worth to abstain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from talkwire.catalogues import NeedsExtra

if TYPE_CHECKING:
    from talkwire.catalogues import Evaluation

_BLUE, _GREY = "#2b6cb0", "#a0aec0"


def figure() -> Any:
    """An empty picture. :raises NeedsExtra: matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NeedsExtra("matplotlib") from None
    return Figure(figsize=(9, 4), dpi=120, layout="constrained")


def draw(found: Evaluation, path: Path) -> None:
    """Draw an evaluation into a file of the kind that its name tells; the same one, the same bytes.

    :raises NeedsExtra: matplotlib is not installed.
    :raises OSError: the file cannot be written.
    :raises ValueError: its name tells no kind that can be drawn.
    """
    picture = figure()
    reliability, abstention = picture.subplots(1, 2)
    bins = [each for each in found.reliability if each.count]
    reliability.plot((0, 1), (0, 1), color=_GREY, linestyle="--")
    reliability.bar(
        [(each.least + each.most) / 2 for each in bins],
        [each.accuracy for each in bins],
        width=0.09,
        color=_BLUE,
    )
    for each in bins:
        middle = (each.least + each.most) / 2
        reliability.annotate(str(each.count), (middle, 0.02), ha="center", color="white", size=7)
    reliability.set(xlabel="confidence", ylabel="share that was right", xlim=(0, 1), ylim=(0, 1))
    reliability.set_title("Is the confidence true? (texts in each bar)", size=10)
    points = found.abstention
    abstention.plot([p.coverage for p in points], [p.accuracy for p in points], color=_BLUE)
    abstention.set(xlabel="share that is decided, the surest first", ylabel="share that was right")
    abstention.set(xlim=(0, 1), ylim=(None, 1.005))
    abstention.set_title("If only the surest are decided", size=10)
    abstention.grid(alpha=0.3)
    picture.savefig(path, metadata={"Software": None} if path.suffix == ".png" else None)
