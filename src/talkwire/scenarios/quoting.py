"""Finds the passages of a scenario's procedures that fit a text best."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct, structs

from talkwire.canon.scenarios import Language
from talkwire.scenarios.catalogue import Catalogue, Passage, Scenario
from talkwire.scenarios.ideas import ideas
from talkwire.scenarios.words import language_of, pieces, tokens

MOST_PASSAGES = 3
MOST_CHARS = 3_000
"""All passages together are at most so long."""

_HEADING = 1.0
_ANSWERS = 6.0  # a section that is made to answer such a question beats one that mentions it
_WHOLE = 0.3
_OPENING = 0.6  # the first section of a procedure tells when it applies, and names its neighbours

# What is asked, and what the section that answers it is usually called.
_HEADINGS = {
    "how_long": re.compile(r"(?i)时效|时间|时限|\btim(?:e|es|ing)\b|how long"),
    "fee": re.compile(r"(?i)费|金额|价|amount|fee|cost|price"),
    "limit": re.compile(r"(?i)限|额|limit|amount"),
    "required": re.compile(r"(?i)需要|材料|条件|need|require|condition"),
    "document": re.compile(r"(?i)需要|材料|need|require|document"),
    "how": re.compile(r"(?i)步骤|流程|怎么|如何|step|procedure|how"),
}


class _Said(Struct, frozen=True):
    """The tokens of a passage, and the questions that its heading says it answers."""

    heading: frozenset[str]
    answers: frozenset[str]
    lines: tuple[frozenset[str], ...]
    whole: frozenset[str]


def passages(
    query: str,
    scenario: Scenario,
    catalogue: Catalogue,
    rarity: Callable[[str], float],
    language: Language | None = None,
) -> tuple[Passage, ...]:
    """The passages of the scenario's `sop_references` that fit best, best first, in the language
    that is given, or else the query's, where there are any; equally good ones in the files' order.
    `rarity` tells how much a word says, or an idea (`@idea`).
    """
    found = [p for file in scenario.sop_references for p in catalogue.passages.get(file, ())]
    language = language or language_of(query)
    found = [p for p in found if p.language == language] or found
    asked = _tokens(query)
    said = [_said(passage) for passage in found]
    # What many passages of the scenario say tells them apart less.
    spread = Counter(token for each in said for token in asked & (each.whole | each.heading))
    weights = {token: rarity(token) / n**0.5 for token, n in spread.items()}
    scores = [_score(asked, each, weights) * _part(found, n) for n, each in enumerate(said)]
    best = sorted(range(len(found)), key=lambda n: -scores[n])[:MOST_PASSAGES]
    return _bounded([found[n] for n in best])


@lru_cache(maxsize=4_096)
def _said(passage: Passage) -> _Said:
    lines = tuple(_tokens(line) for line in passage.text.splitlines() if line.strip())
    answers = (f"@{idea}" for idea, usual in _HEADINGS.items() if usual.search(passage.heading))
    return _Said(_tokens(passage.heading), frozenset(answers), lines, frozenset().union(*lines))


def _tokens(text: str) -> frozenset[str]:
    found = pieces(text)
    return frozenset((*tokens(found).words, *(f"@{idea}" for idea in ideas(found))))


def _score(asked: frozenset[str], said: _Said, weights: Mapping[str, float]) -> float:
    def weight(tokens: frozenset[str]) -> float:
        return sum(weights[token] for token in asked & tokens)

    best = max(map(weight, said.lines), default=0.0)
    answered = _ANSWERS * bool(asked & said.answers)
    return best + _WHOLE * weight(said.whole) + _HEADING * weight(said.heading) + answered


def _part(found: Sequence[Passage], place: int) -> float:
    opens = place == 0 or found[place - 1].file != found[place].file
    return _OPENING if opens else 1.0


def _bounded(found: Sequence[Passage]) -> tuple[Passage, ...]:
    kept: list[Passage] = []
    left = MOST_CHARS
    for passage in found:
        if len(passage.text) <= left:
            kept.append(passage)
            left -= len(passage.text)
        elif not kept:
            return (structs.replace(passage, text=passage.text[: MOST_CHARS - 1] + "…"),)
    return tuple(kept)
