"""The list of nodes is for admins, and tells the dead from the living."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request

from talkwire.canon.errors import Forbidden
from talkwire.canon.records import NodeRecord, RunningTurn
from talkwire.web.nodes import router
from talkwire.web.principals import LOCAL, PRINCIPAL, Principal
from tests.web.wire import scope

TURN = RunningTurn("t_1", "native", "running", 5)


async def ask(principal: Principal, *nodes: NodeRecord) -> Any:
    async def listed() -> list[NodeRecord]:
        return list(nodes)

    (route,) = router(listed, dead_after_s=10).routes
    assert isinstance(route, APIRoute)
    given = scope("/nodes")
    given[PRINCIPAL] = principal
    return json.loads((await route.endpoint(Request(given))).body)


async def test_nodes_are_told_with_their_turns_and_whether_they_live() -> None:
    quick = NodeRecord("n_1", "box", 7, 1, 3, 9_999, (TURN,))
    silent = NodeRecord("n_2", "box", 8, 1, 4, 10_000)

    told = await ask(LOCAL, quick, silent)

    assert told["total"] == 2
    assert [node["alive"] for node in told["nodes"]] == [True, False]
    assert told["nodes"][0]["turns"] == [
        {"turn_id": "t_1", "wire": "native", "status": "running", "created_at": 5}
    ]


async def test_others_are_not_told() -> None:
    with pytest.raises(Forbidden):
        await ask(Principal("ann", scopes=frozenset({"chat"})))
