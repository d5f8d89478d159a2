"""The desk: a catalogue that is held and watched, and its answers to what the engine asks.

It fits the engine's port `Scenarios`. Searching runs in threads: it takes milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talkwire.canon.errors import ModelError, Unavailable, Unprocessable
from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TurnRequest
from talkwire.scenarios import compose
from talkwire.scenarios.catalogue import Catalogue, Passage, Scenario
from talkwire.scenarios.decide import Asking, decide
from talkwire.scenarios.reloading import Library

if TYPE_CHECKING:
    from talkwire.scenarios.rank import Ranked
    from talkwire.scenarios.retrieve import Index
    from talkwire.scenarios.weighing import Weights

SAMPLE = Path(__file__).with_name("sample") / "catalogue.json"
"""The catalogue that comes along."""

EMBED_WITHIN_S = 1.5
"""A message whose vector takes longer is looked for without it."""

EMBED_AGAIN_S = 60.0

Embed = Callable[[Sequence[str]], Awaitable[list[list[float]]]]
_NEAR = 3
_log = logging.getLogger(__name__)


class Shelf:
    """One catalogue and its index, which is made by the first who needs it; with `embed` a third
    voice, once its vectors are there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        cache: Path | None,
        embed: Embed | None,
        weights: Path | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._weights = weights
        self._cache = cache
        self._embed = embed
        self._index: Index | None = None
        self._making = asyncio.Lock()
        self._embed_from = 0.0

    async def ready(self) -> Index:
        """The index; made, or read from the cache, in a thread."""
        async with self._making:
            if self._index is None:
                self._index = await asyncio.to_thread(_indexed, self.catalogue, self._cache)
            return self._index

    async def rank(self, text: str, *, previous: tuple[str, str] | None, category: str) -> Ranked:
        """The scenarios by how well they fit a text, and how sure that is."""
        index = await self.ready()
        vector = await self._vector(text) if index.has_vectors else None
        return await asyncio.to_thread(self._ranked, index, text, previous, category, vector)

    def passages(
        self, text: str, scenario: Scenario, language: Language
    ) -> Sequence[tuple[str, Passage]]:
        """The passages of its procedures that fit the text best, with their names. It was ranked
        before.
        """
        index = self._index
        found = () if index is None else index.passages(text, scenario, language)
        return [(_name(self.catalogue, passage), passage) for passage in found]

    def _ranked(
        self,
        index: Index,
        text: str,
        previous: tuple[str, str] | None,
        category: str,
        vector: list[float] | None,
    ) -> Ranked:
        import numpy as np

        from talkwire.scenarios.rank import rank

        given = None if vector is None else np.asarray(vector, np.float32)
        weights = None if self._weights is None else _weights(self._weights)
        return rank(text, index, previous, category=category, vector=given, weights=weights)

    async def embed(self) -> None:
        """Add vectors to the index, where there are to be some; where a server does not give them
        it goes on without, and tries again later.
        """
        if self._embed is None or time.monotonic() < self._embed_from:
            return
        index = await self.ready()
        if index.has_vectors:
            return
        try:
            vectors = await self._embed(index.texts)
        except ModelError as error:
            _log.warning("scenarios.not_embedded: %s", error.code)
            self._embed_from = time.monotonic() + EMBED_AGAIN_S
        else:
            self._index = await asyncio.to_thread(_vectored, index, vectors)

    async def _vector(self, text: str) -> list[float] | None:
        if self._embed is None:
            return None
        try:
            async with asyncio.timeout(EMBED_WITHIN_S):
                (vector,) = await self._embed([text])
        except (ModelError, TimeoutError) as error:
            _log.warning("scenarios.text_not_embedded: %s", type(error).__name__)
            return None
        return vector


@cache
def _weights(path: Path) -> Weights | None:
    """Those of the file, read once; None, and a word in the log, where they cannot be used."""
    from talkwire.scenarios.weighing import from_file

    try:
        return from_file(path)
    except ValueError as error:
        _log.warning("scenarios.weights_not_used: %s", error)
        return None


def _indexed(catalogue: Catalogue, cache: Path | None) -> Index:
    # Here and not above: what it needs takes a while to load, and memory.
    from talkwire.scenarios.index import indexed

    return indexed(catalogue, cache)


def _vectored(index: Index, vectors: list[list[float]]) -> Index:
    import numpy as np

    return index.with_vectors(np.asarray(vectors, np.float32))


class Desk:
    """Answers from the catalogue at `path`, None being the sample. Indexes are kept in `cache`."""

    def __init__(
        self,
        path: Path | None,
        *,
        weights: Path | None = None,
        cache: Path | None = None,
        embed: Embed | None = None,
    ) -> None:
        def shelve(catalogue: Catalogue) -> Shelf:
            return Shelf(catalogue, cache, embed, weights)

        self._library = Library(path or SAMPLE, shelve)

    async def open(self) -> None:
        """Load the catalogue, apart from the event loop. A bad one is a `problem`, no error."""
        await self._library.open()

    async def watch(self, every_s: float) -> None:
        """Look for edits until it is cancelled; one that cannot be used changes nothing.

        Only vectors are made before somebody asks: an index takes memory that a server whose desk
        is never asked has better uses for.
        """
        while True:
            await asyncio.sleep(every_s)
            await self._library.look()
            shelf = self._held()
            if shelf is not None:
                await shelf.embed()

    def status(self) -> dict[str, Any]:
        """`loaded`, the `total` of scenarios, the `version` in force (a digest of the file), and
        the `problem` with the file as it is now.
        """
        shelf = self._held()
        total = 0 if shelf is None else len(shelf.catalogue.scenarios)
        return {
            "loaded": shelf is not None,
            "total": total,
            "version": None if shelf is None else shelf.catalogue.version,
            "problem": self._library.problem or None,
        }

    def listing(self) -> dict[str, Any]:
        """All scenarios by category, in the catalogue's order, with what else the file says.

        :raises Unavailable: there is no catalogue.
        """
        categories: dict[str, list[dict[str, Any]]] = {}
        for scenario in self._library.current.catalogue.scenarios:
            shown = {
                **scenario.extra,
                "category": scenario.category,
                "subcategory": scenario.subcategory,
                "title": {"zh": scenario.title.zh, "en": scenario.title.en},
                "description": scenario.description,
                "related_subcategories": list(scenario.related_subcategories),
            }
            categories.setdefault(scenario.category, []).append(shown)
        return {"total_categories": len(categories), "categories": categories}

    def check(self, request: TurnRequest) -> None:
        """See `Scenarios.check`."""
        scenarios = self._library.current.catalogue.scenarios
        category, subcategory = request.category, request.scenario
        within = [each for each in scenarios if category in ("", each.category)]
        if not within:
            raise _unknown("category", category, [each.category for each in scenarios])
        if subcategory and subcategory not in {each.subcategory for each in within}:
            raise _unknown("subcategory", subcategory, [each.subcategory for each in within])

    async def decide(
        self, request: TurnRequest, said: Sequence[Message], ask: Asking | None
    ) -> Scene:
        """See `Scenarios.decide`."""
        return await decide(self._library.current, request, said, ask)

    def brief(self, scene: Scene, request: TurnRequest) -> str:
        """See `Scenarios.brief`."""
        catalogue = self._library.current.catalogue
        scenario = _of(catalogue, scene)
        return "" if scenario is None else compose.brief(catalogue, scenario, scene, request.facts)

    def words(self, scene: Scene) -> str:
        """See `Scenarios.words`."""
        catalogue = self._library.current.catalogue
        return compose.words(catalogue, _of(catalogue, scene), scene)

    def _held(self) -> Shelf | None:
        try:
            return self._library.current
        except Unavailable:
            return None


def _name(catalogue: Catalogue, passage: Passage) -> str:
    """`file#number`; a passage that was cut is named as the whole."""
    begins = passage.text[:100]
    for number, each in enumerate(catalogue.passages[passage.file]):
        if each.heading == passage.heading and each.text.startswith(begins):
            return f"{passage.file}#{number}"
    raise AssertionError("a passage that is in no file")


def _of(catalogue: Catalogue, scene: Scene) -> Scenario | None:
    key = scene.category, scene.subcategory
    return next((each for each in catalogue.scenarios if each.key == key), None)


def _unknown(field: str, name: str, known: Sequence[str]) -> Unprocessable:
    distinct = list(dict.fromkeys(known))
    near = get_close_matches(name, distinct, n=_NEAR, cutoff=0.2) or distinct[:_NEAR]
    closest = ", ".join(near)
    return Unprocessable(
        f"There is no {field} {name[:100]!r}. The closest: {closest}.", param=field
    )
