"""Arguments against a tool's schema, before anything runs. JSON Schema, draft 2020-12."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

MOST_FAULTS = 5
_VALUE_CHARS = 200


def fault(schema: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    """What is wrong with the arguments, in words that a model can act on; None if nothing is.

    A schema that cannot be applied is no reason to refuse: the tool itself looks again.
    """
    if not schema.get("properties") and not schema.get("required"):
        return None
    from jsonschema.exceptions import best_match, relevance

    try:
        found = list(_validator(msgspec.json.encode(schema)).iter_errors(arguments))
    except Exception:  # a schema may refer to what is not there, or to itself for ever
        return None
    if not found:
        return None
    first = best_match(found)
    told = [first, *sorted((e for e in found if e is not first), key=relevance, reverse=True)]
    lines = [f"{_place(error)}: {error.message[:_VALUE_CHARS]}" for error in told[:MOST_FAULTS]]
    return "The arguments do not fit the tool's schema. " + "; ".join(lines)


def _place(error: Any) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    return path or "arguments"


@lru_cache(512)
def _validator(schema: bytes) -> Any:
    from jsonschema.validators import Draft202012Validator

    return Draft202012Validator(msgspec.json.decode(schema))
