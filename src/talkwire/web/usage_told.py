"""What `GET /usage` tells the OpenAPI document."""

from __future__ import annotations

from typing import Any

from talkwire.canon.usage import BY
from talkwire.web.openapi import Answers, answers
from talkwire.web.shapes import UsageShape

USUAL_ROWS = 100
MOST_ROWS = 10_000
_DAY = r"(19[7-9]\d|[2-8]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
_WHEN = f"^{_DAY}({_TIME})?$"
_NAME = {"type": "string", "maxLength": 255}


def _answers() -> Answers:
    told = answers(UsageShape, "The sums", {422: "A parameter is not acceptable"})
    table = "day,model,turns,input_tokens,output_tokens,total_tokens,estimated,cost\r\n"
    told[200]["content"]["text/csv"] = {"schema": {"type": "string"}, "example": table}
    told[200]["headers"] = {
        "X-Next-Cursor": {
            "description": "For CSV: `next_cursor`, where there is one.",
            "schema": {"type": "string"},
        }
    }
    return told


def _parameter(name: str, why: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": why, "schema": schema, **more}


_by = f"({'|'.join(BY)})"
PARAMETERS: dict[str, Any] = {
    "parameters": [
        _parameter(
            "from",
            "A date, or a time as RFC 3339 writes it, at most 366 days before `to`; 30 days ago if"
            " not given.",
            {"type": "string", "pattern": _WHEN},
            example="2026-01-01",
        ),
        _parameter(
            "to",
            "Likewise; a date is meant with its whole day; now if not given.",
            {"type": "string", "pattern": _WHEN},
            example="2026-01-31",
        ),
        _parameter(
            "by",
            f"Some of {', '.join(BY)}, with commas; day,model if not given.",
            {"type": "string", "pattern": f"^{_by}(,{_by})*$"},
            example="day,model",
        ),
        _parameter("user", "For admins: whose.", _NAME),
        _parameter("key", "Of one API key, by its id.", _NAME),
        _parameter(
            "limit",
            f"Rows at most; {USUAL_ROWS} if not given, for CSV {MOST_ROWS}.",
            {"type": "integer", "minimum": 1, "maximum": MOST_ROWS},
        ),
        _parameter(
            "cursor",
            "`next_cursor` of the page before, with the same other parameters.",
            {"type": "string"},
        ),
        _parameter(
            "format",
            "The form of the answer, whatever `Accept` says.",
            {"type": "string", "enum": ["json", "csv"]},
        ),
    ]
}
ANSWERS = _answers()
