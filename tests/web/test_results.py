"""Long results are shown to their owners, whole or a stretch at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.requests import Request

from talkwire.canon.errors import Forbidden, NotFound, Unprocessable
from talkwire.canon.records import ToolResult
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.results import show
from tests.web.wire import scope

ANN = Principal("ann")
TEXT = "0123456789é漢"


class Kept:
    """One result, which is Ann's."""

    async def result(self, owner: str, call_id: str) -> ToolResult:
        if (owner, call_id) != ("ann", "c1"):
            raise NotFound("There is no result of this call.")
        return ToolResult("c1", "s_1", "t_1", "find", TEXT, True, 7)


async def ask(query: str = "", *, principal: Principal = ANN, call_id: str = "c1") -> Any:
    given = scope(f"/api/tools/results/{call_id}")
    given["query_string"] = query.encode()
    given["path_params"] = {"tool_call_id": call_id}
    given[PRINCIPAL] = principal
    return json.loads(bytes((await show(Kept())(Request(given))).body))


async def test_its_owner_reads_all_of_it() -> None:
    assert await ask() == {
        "tool_call_id": "c1",
        "tool_name": "find",
        "session_id": "s_1",
        "turn_id": "t_1",
        "result": TEXT,
        "truncated": True,
        "created_at": 7,
        "total": 12,
        "offset": 0,
        "next_offset": None,
    }


async def test_stretches_put_together_are_the_whole() -> None:
    stretches = [await ask("limit=5")]
    while (offset := stretches[-1]["next_offset"]) is not None:
        stretches.append(await ask(f"offset={offset}&limit=5"))

    assert [told["offset"] for told in stretches] == [0, 5, 10]
    assert "".join(told["result"] for told in stretches) == TEXT
    assert {told["total"] for told in stretches} == {12}
    assert (await ask("offset=99"))["result"] == ""


@pytest.mark.parametrize(
    ("principal", "call_id"), [(Principal("bob"), "c1"), (Principal("bob", admin=True), "c1")]
)
async def test_another_finds_nothing(principal: Principal, call_id: str) -> None:
    with pytest.raises(NotFound):
        await ask(principal=principal, call_id=call_id)
    with pytest.raises(NotFound):
        await ask(call_id="c2")


async def test_a_key_needs_a_scope_for_it() -> None:
    with pytest.raises(Forbidden):
        await ask(principal=Principal("ann", scopes=frozenset({"metrics"})))


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "limit=0", "limit=9999999", "limit=", "offset=٣"]
)
async def test_what_is_no_stretch_is_refused(query: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        await ask(query)
    assert refused.value.param in ("offset", "limit")
