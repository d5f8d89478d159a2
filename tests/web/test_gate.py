"""Everything needs a principal but what is public; refusals have the shape of the wire asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from talkwire.canon.errors import TalkwireError, Unauthorized
from talkwire.canon.keys import ApiKey
from talkwire.web import auth, faults
from talkwire.web.admission import Admission
from talkwire.web.gate import Gate, credential_of
from talkwire.web.keyring import Keyring
from talkwire.web.principals import LOCAL, Principal, principal_of
from talkwire.web.rates import MemoryCounters, Rates
from talkwire.web.tickets import router as tickets_router
from tests.web.test_keyring import Store
from tests.web.wire import scope

KEY = {"Authorization": "Bearer tw_1_a"}


class Pocket:
    """Tickets in memory."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    async def issue(self, principal: str, ttl_s: float) -> str:
        ticket = f"ticket-{len(self.held)}"
        self.held[ticket] = principal
        return ticket

    async def spend(self, ticket: str) -> str | None:
        return self.held.pop(ticket, None)


class Serving:
    """An application with a wire of its own error shape, behind the gate. With `open_to_all`
    everyone is let in before it comes to that.
    """

    def __init__(self, *, keyed: bool = True, open_to_all: bool = False, **limits: Any) -> None:
        self.store = Store(tw_1_a=ApiKey("1", "ann", "phone", 1))
        self.pocket = Pocket()
        streams = limits.pop("streams", None)
        self.admission = Admission(Rates(MemoryCounters(), **limits), streams=streams)
        self.seen: list[tuple[Principal, str]] = []
        wire = APIRouter()
        for path in ("/chat", "/chat/{id}", "/stream", "/bearer"):
            wire.add_api_route(path, self.chat, methods=["GET", "POST"])
        public = APIRouter()
        public.add_api_route("/health", self.health, methods=["GET"])
        shapes = [(wire.routes, teapot)]
        everyone = LOCAL if open_to_all or not keyed else None
        gate = Middleware(
            Gate,
            admission=self.admission,
            keyring=Keyring(self.store) if keyed else None,
            tickets=self.pocket,
            public={"/health"},
            bearer={"/bearer"},
            ticketed=[route for route in wire.routes if getattr(route, "path", "") == "/stream"],
        )
        self.app = FastAPI(
            exception_handlers=faults.HANDLERS,
            middleware=[
                Middleware(faults.Faults, shapes=shapes),
                Middleware(auth.Trust, hosts=None, everyone=everyone),
                gate,
            ],
        )
        for routes in (wire, public, tickets_router(self.pocket)):
            self.app.include_router(routes)

    async def chat(self, request: Request) -> Response:
        self.seen.append((principal_of(request), request.url.query))
        return PlainTextResponse("said")

    async def health(self) -> Response:
        return PlainTextResponse("well")

    @asynccontextmanager
    async def client(self, address: str = "10.0.0.1") -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(app=self.app, client=(address, 5))
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            yield client


def teapot(error: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """The error shape of a wire that is like no other."""
    return error.status, json.dumps({"teapot": error.code}).encode(), "application/teapot"


async def test_only_what_is_public_needs_no_key() -> None:
    serving = Serving()
    async with serving.client() as client:
        assert (await client.get("/health")).text == "well"
        for path in ("/chat", "/chat/5", "/nothing", "/health/", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 401
        assert (await client.get("/chat", headers=KEY)).text == "said"

    assert [who.id for who, _ in serving.seen] == ["ann"]


async def test_refusals_have_the_shape_of_the_wire_that_was_asked() -> None:
    async with Serving().client() as client:
        refused = await client.get("/chat/5")
        elsewhere = await client.get("/nothing")
        wrong_method = await client.delete("/chat/5", headers=KEY)

    assert refused.json() == {"teapot": "unauthorized"}
    assert refused.headers["content-type"] == "application/teapot"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert elsewhere.json()["code"] == "unauthorized"
    assert wrong_method.json() == {"teapot": "method_not_allowed"}


async def test_too_much_is_refused_in_the_shape_of_the_wire_with_a_time_to_wait() -> None:
    async with Serving(rpm=2).client() as client:
        answers = [await client.get("/chat", headers=KEY) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"teapot": "rate_limited"}
    assert int(answers[2].headers["retry-after"]) >= 1


async def test_an_address_is_limited_before_its_keys_are_looked_at_and_health_is_not() -> None:
    serving = Serving(address_rpm=2)
    async with serving.client() as client:
        wrong = {"X-API-Key": "tw_1_b"}
        answers = [await client.get("/chat", headers=wrong) for _ in range(3)]
        health = await client.get("/health")
    async with serving.client("10.0.0.2") as client:
        other = await client.get("/chat", headers=KEY)

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert len(serving.store.asked) == 3
    assert health.status_code == other.status_code == 200


async def test_without_keys_limits_hold_all_the_same() -> None:
    serving = Serving(keyed=False, rpm=1)
    async with serving.client() as client:
        answers = [await client.get("/chat") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert serving.seen[0][0] == LOCAL


@pytest.mark.parametrize("open_to_all", [False, True])
async def test_some_paths_take_nothing_but_a_bearer_even_where_others_are_open(
    open_to_all: bool,
) -> None:
    serving = Serving(open_to_all=open_to_all)
    key = KEY["Authorization"].partition(" ")[2]
    refused: list[dict[str, str]] = [
        {},
        {"X-API-Key": key},
        {"Authorization": f"Basic {key}"},
        {"Authorization": "Bearer tw_1_b"},
        {"Authorization": f"Bearer {key}", "X-API-Key": "other"},
    ]
    async with serving.client() as client:
        for headers in refused:
            answer = await client.get("/bearer", headers=headers)
            assert (answer.status_code, answer.json()) == (401, {"teapot": "unauthorized"})
            assert answer.headers["www-authenticate"] == "Bearer"
        both = {**KEY, "X-API-Key": key}
        taken = [await client.get("/bearer", headers=headers) for headers in (KEY, both)]
        others = [await client.get("/chat"), await client.get("/chat", headers={"X-API-Key": key})]

    assert [answer.status_code for answer in taken] == [200, 200]
    assert [answer.status_code for answer in others] == [200 if open_to_all else 401, 200]
    ids = [who.id for who, _ in serving.seen]
    assert ids == ["ann", "ann", *(["local", "local"] if open_to_all else ["ann"])]


async def test_a_key_that_is_shown_says_who_asks_on_every_path_of_an_open_server() -> None:
    serving = Serving(open_to_all=True)
    shown = [KEY, {}, {"Authorization": "Basic abc"}, {"Authorization": "bearer  tw_1_b"}]
    async with serving.client() as client:
        statuses = [(await client.get("/chat", headers=each)).status_code for each in shown]
        healthy = await client.get("/health", headers=shown[-1])

    assert statuses == [200, 200, 200, 401]
    assert healthy.status_code == 200
    assert [who.id for who, _ in serving.seen] == ["ann", "local", "local"]


async def test_without_keys_at_all_a_bearer_is_asked_of_nobody() -> None:
    async with Serving(keyed=False).client() as client:
        assert (await client.get("/bearer")).status_code == 200


async def test_a_ticket_opens_one_stream_and_is_not_passed_on() -> None:
    serving = Serving()
    async with serving.client() as client:
        issued = await client.post("/tickets", headers=KEY)
        ticket = issued.json()["ticket"]
        answers = [await client.get(f"/stream?input=Hi&ticket={ticket}&x=%20") for _ in range(2)]

    assert issued.status_code == 201
    assert issued.json()["expires_in"] == 60
    assert [answer.status_code for answer in answers] == [200, 401]
    assert [(who.id, query) for who, query in serving.seen] == [("ann", "input=Hi&x=%20")]


async def test_a_ticket_opens_nothing_but_streams() -> None:
    serving = Serving()
    async with serving.client() as client:
        ticket = (await client.post("/tickets", headers=KEY)).json()["ticket"]
        refused = [
            await client.get(f"/chat?ticket={ticket}"),
            await client.post(f"/stream?ticket={ticket}"),
            await client.post(f"/tickets?ticket={ticket}"),
            await client.get("/stream?ticket="),
            await client.get(f"/stream?ticket={'x' * 500}"),
            await client.get("/stream?ticket=a&ticket=b"),
            await client.get(f"/stream?ticket={ticket}", headers={"X-API-Key": "tw_1_b"}),
        ]
        assert [answer.status_code for answer in refused] == [401] * len(refused)
        assert (await client.get(f"/stream?ticket={ticket}")).status_code == 200


async def test_a_ticket_of_a_revoked_key_is_good_for_nothing() -> None:
    serving = Serving()
    async with serving.client() as client:
        ticket = (await client.post("/tickets", headers=KEY)).json()["ticket"]
        serving.store.keys.clear()
        assert (await client.get(f"/stream?ticket={ticket}")).status_code == 401


async def test_a_ticket_has_the_scopes_of_its_key() -> None:
    narrow = ApiKey("2", "bob", "", 1, scopes=frozenset({"metrics"}))
    serving = Serving()
    serving.store.keys["tw_2_a"] = narrow
    async with serving.client() as client:
        refused = await client.post("/tickets", headers={"X-API-Key": "tw_2_a"})
        await client.post("/tickets", headers=KEY)

    assert refused.status_code == 403
    (held,) = serving.pocket.held.values()
    assert msgspec.json.decode(held, type=Principal).scopes == ApiKey("", "", "", 1).scopes


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Basic abc")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "tw_1_a")],
        [("authorization", "Bearer a"), ("x-api-key", "b")],
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
        [("x-api-key", "a"), ("x-api-key", "b")],
    ],
)
def test_a_credential_that_is_not_plain_is_refused(headers: list[tuple[str, str]]) -> None:
    given = scope()
    given["headers"] = [(name.encode(), value.encode()) for name, value in headers]

    with pytest.raises(Unauthorized):
        credential_of(given)
