"""Which wires are served where, as the settings ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from talkwire.app import build
from talkwire.parts import parts
from talkwire.settings import ListenerSettings, Settings
from talkwire.wiring import CHAT, ENDPOINTS, endpoints, wired
from tests.desk import LISTING, STATUS, Desk
from tests.e2e.waiting import until
from tests.test_app import served

BAD = Desk("catalogue.json:7: no subcategory")


def settings(data_dir: Path, **given: Any) -> Settings:
    return Settings(data_dir=data_dir, use_mock=True, **given)


def paths(routes: Any) -> list[str]:
    return [route.path for route in routes]


def test_every_wire_has_its_routes_and_the_shared_ones_are_each_one_s(tmp_path: Path) -> None:
    made = wired(parts(settings(tmp_path), None, None, Desk()))

    assert set(made.routes) == set(Settings().wires) == set(ENDPOINTS)
    assert [name for name, routes in made.routes.items() if CHAT in paths(routes)] == [
        "responses-sse",
        "support",
    ]
    assert made.asking == {CHAT}
    assert made.bearer == set(ENDPOINTS["routed-chat"])
    assert sum(paths(router.routes).count(CHAT) for router in made.routers) == 2  # POST and GET
    for name, begins in ENDPOINTS.items():
        assert set(begins) <= set(paths(made.routes[name]))


@pytest.mark.parametrize(
    "wire", ["responses-sse", "agent-chat", "tool-chat", "support", "routed-chat", "native", "mcp"]
)
def test_a_wire_can_be_alone(tmp_path: Path, wire: Any) -> None:
    alone = settings(tmp_path, wires=(wire,))
    made = wired(parts(alone, None, None, Desk() if wire == "support" else None))

    assert list(made.routes) == [wire]
    assert [shape[0] for shape in made.shapes] == [made.routes[wire]]
    assert endpoints(alone) == [*ENDPOINTS[wire], "/health"]


def test_an_endpoint_of_two_wires_is_named_once(tmp_path: Path) -> None:
    assert endpoints(settings(tmp_path)).count(CHAT) == 1


async def post(client: httpx2.AsyncClient, body: dict[str, str], **given: Any) -> httpx2.Response:
    return await client.post(CHAT, json=body, **given)


@pytest.mark.parametrize(
    ("wires", "answers"),
    [
        (("responses-sse", "support"), {"input": 200, "user_query": 200}),
        (("responses-sse",), {"input": 200, "user_query": 422}),
        (("support",), {"input": 422, "user_query": 200}),
        (("native",), {"input": 404, "user_query": 404}),
    ],
)
async def test_the_shared_path_is_for_the_wires_that_are_on(
    tmp_path: Path, wires: Any, answers: dict[str, int]
) -> None:
    desk = Desk() if "support" in wires else None
    async with served(build(settings(tmp_path, wires=wires), desk=desk)) as client:
        for field, status in answers.items():
            assert (await post(client, {field: "echo money"})).status_code == status
        scenarios = (await client.get("/scenarios")).status_code
        assert scenarios == (200 if "support" in wires else 404)


@pytest.mark.parametrize(
    ("port", "answers"),
    [
        (8084, {"input": 200, "user_query": 422}),
        (8000, {"input": 422, "user_query": 200}),
        (9000, {"input": 200, "user_query": 200}),
        (8001, {"input": 404, "user_query": 404}),
    ],
)
async def test_a_listener_s_shared_path_is_for_its_own_wires(
    tmp_path: Path, port: int, answers: dict[str, int]
) -> None:
    listeners = (
        ListenerSettings(port=8084, wires=("responses-sse",)),
        ListenerSettings(port=8000, wires=("support",)),
        ListenerSettings(port=8001, wires=("native",)),
        ListenerSettings(port=9000),
    )
    app = build(settings(tmp_path, listeners=listeners), desk=Desk())
    async with served(app, f"http://127.0.0.1:{port}") as client:
        for field, status in answers.items():
            assert (await post(client, {field: "echo money"})).status_code == status
            got = await client.get(CHAT, params={field: "echo money"})
            assert got.status_code == status
        assert (await client.get("/health")).status_code == 200
        scenarios = (await client.get("/scenarios")).status_code
        assert scenarios == (200 if port in (8000, 9000) else 404)


async def test_a_desk_is_opened_watched_and_let_go(tmp_path: Path) -> None:
    desk = Desk()
    app = build(settings(tmp_path, scenarios={"reload_s": 7}), desk=desk)
    assert desk.opened == 0
    async with served(app) as client:
        assert (await client.get("/scenarios")).json() == LISTING
        health = (await client.get("/health")).json()
        await until(lambda: desk.watched)

    assert (desk.opened, desk.watched) == (1, 7)
    assert (health["status"], health["scenarios_loaded"], health["total_scenarios"]) == (
        "ok",
        True,
        2,
    )


async def test_a_catalogue_that_cannot_be_loaded_keeps_no_server_from_starting(
    tmp_path: Path,
) -> None:
    async with served(build(settings(tmp_path), desk=BAD)) as client:
        health = (await client.get("/health")).json()
        ready = await client.get("/health/readiness")
        refused = await post(client, {"user_query": "echo money"})
        other = await post(client, {"input": "echo money"})

    assert (health["status"], health["scenarios_loaded"]) == ("degraded", False)
    assert health["degraded"] == {"scenarios": BAD.problem}
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert other.status_code == 200


async def test_the_service_tells_of_what_is_on(tmp_path: Path) -> None:
    async with served(build(settings(tmp_path, wires=("support",)), desk=Desk())) as client:
        told = (await client.get("/")).json()

    assert {"name", "version", "docs"} <= set(told)
    assert told["endpoints"] == [CHAT, "/chat", "/scenarios", "/health"]


@pytest.mark.parametrize(
    ("wire", "body", "param"),
    [
        ("support", {"user_query": "x", "subcategory": "Nowhere"}, "subcategory"),
        ("support", {"user_query": "x", "category": "Nowhere"}, "category"),
        ("native", {"input": "x", "scenario": "Nowhere"}, "subcategory"),
    ],
)
async def test_a_scenario_that_nobody_knows_is_refused_with_what_is_like_it(
    tmp_path: Path, wire: str, body: dict[str, str], param: str
) -> None:
    async with served(build(settings(tmp_path), desk=Desk())) as client:
        response = await client.post("/turns" if wire == "native" else CHAT, json=body)

    assert (response.status_code, response.json()["param"]) == (422, param)
    assert "closest" in response.json()["detail"]


@pytest.mark.parametrize("given", [{"scenario": STATUS}, {"scenario": "auto"}])
async def test_a_native_turn_may_be_about_a_scenario(tmp_path: Path, given: dict[str, str]) -> None:
    async with served(build(settings(tmp_path), desk=Desk())) as client:
        headers = {"Accept": "text/event-stream"}
        body = {"input": "my money?", **given}
        stream = (await client.post("/turns", json=body, headers=headers)).text

    assert f'"subcategory":"{STATUS}"' in stream
    assert f"This is what there is to say about {STATUS}." in stream
