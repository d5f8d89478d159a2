"""Which model answers, as the settings ask for it; and the same without a server, for people who
want to know why, or how often it is right.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from talkwire.canon.models import Standing
from talkwire.canon.turn import Message, TurnRequest, text_message
from talkwire.engine.ports import Choice, Models
from talkwire.engine.routing import AUTO, Routing
from talkwire.engine.traits import traits
from talkwire.engine.weighing import (
    CLOUD,
    LOCAL,
    Situation,
    Term,
    Weights,
    need,
    own_terms,
    terms,
    weigh,
)
from talkwire.engine.window import message_tokens
from talkwire.models.configured import catalogue
from talkwire.settings import Settings

COLUMNS = ("split", "language", "kind", "label", "text")
LABELS = (LOCAL, CLOUD)


class Candidate(Struct, frozen=True):
    """One model. `message` is what the message says for it, `own` what speaks for it or against it
    whatever the message says; together they are its score, of which the highest answers.
    """

    name: str
    model_type: str
    score: float
    message: float
    own: tuple[Term, ...]


class Explained(Struct, frozen=True):
    """A decision, and all that went into it. `need` is how much the large model is needed, 0 … 1;
    `terms` are what the message says of that. The candidates have the best first.
    """

    model: str
    model_type: str
    need: float
    terms: tuple[Term, ...]
    candidates: tuple[Candidate, ...]


class NoSuchType(Exception):
    """No configured model is of the type; the known ones."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(", ".join(known))
        self.known = known


class BadTable(Exception):
    """What cannot be measured; the message says where and why."""


class Labelled(Struct, frozen=True):
    """A message with the kind of model that people would have given it."""

    split: str
    language: str
    kind: str
    label: str
    text: str


class Share(Struct, frozen=True):
    """How many messages of a group get their model. `by` is "", "language" or "kind": what the
    messages of the split have in common, which `name` says.
    """

    split: str
    by: str
    name: str
    right: int
    count: int


def weights(settings: Settings) -> Weights:
    """The weights of these settings."""
    return Weights(**settings.routing.weights.model_dump())


def routing(settings: Settings, models: Models) -> Routing:
    """What decides between these models."""
    return Routing(models, weights(settings))


def explain(settings: Settings, text: str, *, session_type: str | None = None) -> Explained:
    """What a server that has just started would decide for a message. In a conversation a model of
    `session_type` has answered last. Nothing is asked: tools that are configured count as being on
    offer. An Ollama on this host is looked for where nothing is configured.

    :raises NoSuchType: no model is of the session's type.
    :raises ValueError: the models cannot be made as they are configured.
    """
    models = catalogue(settings, Choice)
    standings, weighed = models.standings(), weights(settings)
    said = [*_answered_by(session_type, standings), text_message("", "user", text)]
    asked, tools = TurnRequest("", "", model_type=AUTO), _has_tools(settings)
    decided = routing(settings, models).decide(asked, said, tools=tools)
    situation = Situation(session_type, tools, sum(map(message_tokens, said)))
    found = traits(text)
    speaks = terms(found, weighed, tools=tools)
    by_name = {each.name: each for each in standings}
    pull = sum(term.weight for term in speaks) / 2
    candidates = tuple(
        _candidate(
            by_name[each.name], each.score, pull, own_terms(by_name[each.name], situation, weighed)
        )
        for each in weigh(found, situation, standings, weighed)
    )
    kind = by_name[decided.name].model_type
    needed = need(found, weighed, tools=tools)
    return Explained(decided.name, kind, needed, tuple(speaks), candidates)


def _has_tools(settings: Settings) -> bool:
    builtin = settings.tools.builtin.model_dump().values()
    return any(builtin) or settings.tools.module is not None or bool(settings.mcpServers)


def _answered_by(kind: str | None, standings: Sequence[Standing]) -> list[Message]:
    """What a conversation looks like whose last answer came from a model of the kind."""
    if kind is None:
        return []
    model = next((each.name for each in standings if each.model_type == kind), None)
    if model is None:
        raise NoSuchType(sorted({each.model_type for each in standings}))
    return [Message("", "assistant", model=model)]


def _candidate(standing: Standing, score: float, pull: float, own: Sequence[Term]) -> Candidate:
    message = -pull if standing.model_type == LOCAL else pull
    left = score - message - sum(term.weight for term in own)
    if left < -1:  # it is behind all that can answer
        own = [*own, Term(f"holds {standing.context_tokens} tokens only", left)]
    return Candidate(standing.name, standing.model_type, score, message, tuple(own))


def read(path: Path) -> list[Labelled]:
    """The messages of a table with the columns of `COLUMNS`; others are passed over.

    :raises BadTable: it cannot be read, or is no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise BadTable(f"{path}: {reason}") from None
    except BadTable as error:
        raise BadTable(f"{path}: {error}") from None
    if not rows:
        raise BadTable(f"{path}: it has no messages")
    return rows


def _rows(lines: Iterable[str]) -> Iterator[Labelled]:
    table = csv.DictReader(lines, strict=True)
    missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if missing:
        raise BadTable(f"it has no column {', '.join(missing)}")
    for row in table:
        if row["label"] not in LABELS or not row["text"] or None in row.values():
            known = " or ".join(LABELS)
            raise BadTable(f"line {table.line_num}: a text and {known} as its label are needed")
        yield Labelled(**{name: row[name] for name in COLUMNS})


def evaluate(settings: Settings, rows: Sequence[Labelled]) -> list[Share]:
    """How many messages get their model, by split, and within each by language and by kind.

    What is weighed is the message alone: nobody has answered before, and all models do well.
    """
    weighed = weights(settings)
    shares: dict[tuple[str, str, str], list[bool]] = {}
    for row in rows:
        got = CLOUD if need(traits(row.text), weighed) > 0.5 else LOCAL
        for by, name in (("", ""), ("language", row.language), ("kind", row.kind)):
            shares.setdefault((row.split, by, name), []).append(got == row.label)
    order = ("", "language", "kind")
    return [
        Share(split, by, name, sum(right), len(right))
        for (split, by, name), right in sorted(
            shares.items(), key=lambda share: (share[0][0], order.index(share[0][1]), share[0][2])
        )
    ]
