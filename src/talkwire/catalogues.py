"""Catalogues of scenarios as commands ask for them, with no server: read, and looked through.

What ranks and measures is imported when it is asked for.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, structs

from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from talkwire.scenarios.catalogue import Catalogue, Passage, Scenario, Slot, Step, Words
from talkwire.scenarios.reading import attempt
from talkwire.settings import Settings

if TYPE_CHECKING:
    from talkwire.scenarios.evaluate import Evaluation, Figures, Share
    from talkwire.scenarios.rank import Ranked
    from talkwire.scenarios.weighing import Weights

__all__ = [
    "Catalogue",
    "Checked",
    "Evaluation",
    "Figures",
    "Measuring",
    "NeedsExtra",
    "Passage",
    "Scenario",
    "Share",
    "Slot",
    "Split",
    "Step",
    "Tried",
    "Unusable",
    "Words",
    "alike",
    "bundled",
    "check",
    "configured",
    "tried",
]

Split = Literal["test", "calibration", "all"]

_MOST_FILES = 10_000
_MOST_ALIKE = 5


class Unusable(ValueError):
    """It cannot be done with these files; the message tells why."""


class NeedsExtra(Unusable):
    """It needs a library that only the extra `scenarios` installs."""


class Checked(Struct, frozen=True):
    """What a look at a catalogue's file has found: the catalogue, or what is wrong with it, one
    line each; of more than 1,000 problems the first, and `count` tells how many there are.
    `unused` are files in the folder of its procedures that no scenario names.
    """

    path: Path
    catalogue: Catalogue | None
    problems: Sequence[str] = ()
    count: int = 0
    unused: Sequence[str] = ()


class Tried(Struct, frozen=True):
    """What a message would lead to without a model: what is decided, of which ranking, and what is
    said.
    """

    scene: Scene
    ranked: Ranked
    words: str


def bundled() -> Path:
    """The sample that comes along."""
    return Path(str(resources.files("talkwire.scenarios") / "sample" / "catalogue.json"))


def configured(settings: Settings) -> Path:
    """The catalogue that a server with these settings would serve from."""
    return settings.scenarios.path or bundled()


def check(path: Path) -> Checked:
    """Read a catalogue with its procedures, as a server would. Blocks."""
    tried = attempt(path)
    if tried.catalogue is None:
        error = tried.error
        problems = error.problems if error else (f"{path.name}: cannot be read",)
        return Checked(path, None, problems, error.count if error else 1)
    unused = sorted(set(_markdown(tried.sops)) - set(tried.catalogue.passages))
    return Checked(path, tried.catalogue, unused=unused)


async def tried(catalogue: Catalogue, text: str, after: str = "") -> Tried:
    """Route a message as a server without a model would, as the first one of a conversation or
    `after` another one. It takes some seconds: the index is built anew.
    """
    from talkwire.scenarios import compose
    from talkwire.scenarios.decide import decide
    from talkwire.scenarios.desk import Shelf

    shelf = Shelf(catalogue, None, None)
    request = TurnRequest("s_try", "support", scenario="")
    said: list[Message] = []
    previous = None
    if after:
        said.append(text_message("m_1", "user", after))
        before = await decide(shelf, request, said, None)
        said.append(Message("m_2", "assistant", (TextPart("…"),), scene=before))
        previous = (before.category, before.subcategory) if before.subcategory else None
    said.append(text_message("m_3", "user", text))
    scene = await decide(shelf, request, said, None)
    ranked = await shelf.rank(text, previous=previous, category="")
    key = scene.category, scene.subcategory
    scenario = next((each for each in catalogue.scenarios if each.key == key), None)
    return Tried(scene, ranked, compose.words(catalogue, scenario, scene))


class Measuring:
    """Measures the ranking of a catalogue on labelled texts, and learns from them. All block."""

    def __init__(self, catalogue: Catalogue, labelled: Path, weights: Path | None = None) -> None:
        """Read the texts, and the weights where some other than the package's are to be used.

        :raises Unusable: one of the files cannot be used.
        """
        from talkwire.scenarios.labelled import LabelledError, read
        from talkwire.scenarios.retrieve import Index

        try:
            self._rows = read(labelled, catalogue)
        except (LabelledError, csv.Error) as error:
            raise Unusable(str(error)) from None
        self._weights = None if weights is None else _weights(weights)
        self._index = Index.of(catalogue)

    def learn(self) -> bytes:
        """Fit the weights anew to the calibration split, and use them from now on. As a file.

        :raises NeedsExtra: scikit-learn is not installed.
        :raises Unusable: there are too few texts.
        """
        from talkwire.scenarios.learn import MissingExtra, learn
        from talkwire.scenarios.weighing import written

        try:
            self._weights = learn(self._index, self._rows)
        except MissingExtra as error:
            raise NeedsExtra(str(error)) from None
        except ValueError as error:
            raise Unusable(str(error)) from None
        return written(self._weights)

    def evaluate(self, split: Split) -> Evaluation:
        """Rank the texts of a split. :raises Unusable: it has none."""
        from talkwire.scenarios.evaluate import evaluate

        rows = self._rows
        if split == "all":
            rows = tuple(structs.replace(row, split="test") for row in rows)
        measured = "test" if split == "all" else split
        try:
            found = evaluate(self._index, rows, measured, weights=self._weights)
        except ValueError as error:
            raise Unusable(str(error)) from None
        return structs.replace(found, split=split)


def _weights(path: Path) -> Weights:
    from talkwire.scenarios.weighing import from_file

    try:
        return from_file(path)
    except ValueError as error:
        raise Unusable(str(error)) from None


def alike(name: str, known: Iterable[str]) -> list[str]:
    """The names most like one that nobody has, the nearest first; those that hold it before all."""
    folded = {each.casefold(): each for each in known}
    asked = name.strip().casefold()[:200]
    within = [low for low in folded if asked and asked in low]
    near = difflib.get_close_matches(asked, folded, n=_MOST_ALIKE, cutoff=0.4)
    return [folded[low] for low in dict.fromkeys([*within, *near])][:_MOST_ALIKE]


def _markdown(folder: Path) -> list[str]:
    try:
        names = [each.name for each in islice(folder.iterdir(), _MOST_FILES)]
    except OSError:
        return []
    return [name for name in names if name.endswith(".md")]
