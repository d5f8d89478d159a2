"""The figures of a running server: few whatever is sent, and equal to what is stored."""

from __future__ import annotations

import asyncio
import json
import random
import string
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection

from talkwire.app import build
from talkwire.canon.turn import TextPart, TurnRequest, text_message
from talkwire.canon.usage import UsageAsked
from talkwire.parts import Parts
from talkwire.settings import Settings
from talkwire.stores.usage import SqlUsage
from tests.e2e.keyed import KEYS_MODE, make_key
from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
WIRES = ("native", "support", "tool-chat", "responses-sse")
KINDS = ("words=3", "words=2 fails=9", "words=4 then=cut", "words=2 then=stall", "tool")
TOOL = 'words=2 tool=calculator args={"expression":"6*7"}'
RANDOM = 10_000
MOST_NEW = 50


def series(text: str) -> Series:
    """All that a scrape has told: values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Series, name: str, **labels: str) -> float:
    """The sum of the series that have these labels, and others."""
    asked = set(labels.items())
    return sum(v for (n, have), v in found.items() if n == f"talkwire_{name}" and asked <= {*have})


@asynccontextmanager
async def served(folder: Path, **given: Any) -> AsyncIterator[Any]:
    """The application of these settings, open."""
    app = build(Settings.model_validate({"data_dir": folder, **given}))
    async with app.router.lifespan_context(app):
        yield app


async def hit(app: Any, method: str, path: str, body: Any = None) -> bytes:
    """One request, as the server would hand it to the application; the answer's body."""
    sent = json.dumps(body).encode() if body is not None else b""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asked = [{"type": "http.request", "body": sent, "more_body": False}]
    answer: list[bytes] = []

    async def receive() -> Any:
        return asked.pop() if asked else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answer.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(answer)


async def scraped(app: Any) -> Series:
    return series((await hit(app, "GET", "/metrics")).decode())


def requests(dice: random.Random, count: int) -> list[tuple[str, str, Any]]:
    """Requests that nobody has foreseen, of each kind."""

    def word() -> str:
        return "".join(dice.choices(string.ascii_letters + string.digits + "-_.~", k=12))

    kinds: list[Callable[[], tuple[str, str, Any]]] = [
        lambda: ("GET", f"/{word()}/{word()}", None),
        lambda: (word().upper(), f"/{word()}", None),
        lambda: ("GET", f"/turns/{word()}", None),
        lambda: ("GET", f"/turns/{word()}/events", None),
        lambda: ("POST", f"/turns/{word()}/abort", None),
        lambda: ("DELETE", f"/sessions/{word()}", None),
        lambda: ("POST", "/turns", {"input": "x", "model": word()}),
    ]
    found = [kinds[n % len(kinds)]() for n in range(count)]
    found[::100] = [
        ("POST", "/turns", {"input": f"echo {word()}", word(): word(), "session_id": f"s_{word()}"})
        for _ in found[::100]
    ]
    return found


async def test_ten_thousand_random_requests_make_no_new_series(tmp_path: Path) -> None:
    dice = random.Random(20_261_129)
    model = {"name": "large", "provider": "scripted"}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    async with served(tmp_path, models=[model], wires=["native"]) as app:
        for method, path, body in requests(dice, 20):
            await hit(app, method, path, body)
        await ended(app.state.parts, "native", "echo x")
        await scraped(app)
        before = await scraped(app)
        for method, path, body in requests(dice, RANDOM):
            await hit(app, method, path, body)
        await until(lambda: not app.state.parts.turns.running)
        after = await scraped(app)
    structlog.reset_defaults()

    new = set(after) - set(before)
    print(f"{len(new)} new series, {len(after)} in all")
    assert len(new) <= MOST_NEW, sorted(new)
    counted = of(after, "http_requests_total") - of(before, "http_requests_total")
    assert counted == RANDOM + 1, "the first scrape counts when it is over"
    assert len(after) < 600


async def test_models_and_tools_that_nobody_knows_have_one_label(
    tmp_path: Path, provider: Provider
) -> None:
    dice = random.Random(7)
    given = {"openai_api_key": "sk-x", "openai_base_url": provider.url}
    async with served(tmp_path, **given, tools={"builtin": {"clock": True}}) as app:
        parts: Parts = app.state.parts

        async def turn() -> None:
            name = "".join(dice.choices(string.ascii_lowercase, k=9))
            await ended(parts, "native", f"words=1 tool={name}", model=f"gpt-{name}")

        await turn()
        await scraped(app)
        before = await scraped(app)
        for _ in range(60):
            await turn()
        after = await scraped(app)

    assert set(after) - set(before) == set()
    assert of(after, "turns_total", status="completed") == 61
    assert of(after, "tool_calls_total", tool="other") == 61
    assert of(after, "tokens_total", model="other", direction="out") > 60


async def ended(parts: Parts, wire: str, text: str, **more: Any) -> str:
    """The id of a turn that is over."""
    session = more.pop("session", "s_1")
    asked = TurnRequest(session, wire, (TextPart(text),), **more)
    turn_id = (await parts.turns.start("ann", asked)).record.turn_id
    live = parts.turns._board.find(turn_id)
    assert live is not None
    if "stall" in text:  # unless it has failed, as one does whose model is left alone
        await until(lambda: live.state.texts or live.log.ended)
        await parts.turns.abort("ann", turn_id)
    await live.over.wait()
    await until(lambda: live.task is None or live.task.done())
    await asyncio.sleep(0)  # what is called when it is done
    return turn_id


async def test_figures_equal_what_is_stored_and_begin_anew_with_the_process(
    tmp_path: Path, provider: Provider
) -> None:
    dice = random.Random(42)
    ill = {"upstream_model": "words-1 fails=99", "fallbacks": ["small"]}
    models = [
        provider.model(name="large", max_attempts=1, price_in=1.0, price_out=2.0),
        provider.model(name="small", max_attempts=1),
        provider.model(name="ill", max_attempts=1, **ill),
    ]
    given: dict[str, Any] = {"models": models, "tools": {"builtin": {"calculator": True}}}
    async with served(tmp_path, **given) as app:
        parts: Parts = app.state.parts
        for number in range(60):
            kind = dice.choice(KINDS)
            text = f"{TOOL if kind == 'tool' else kind} #{number}"
            model = dice.choice(["large", "small", "ill"])
            more: dict[str, Any] = {"session": f"s_{number % 9}"}
            if dice.random() < 0.2:  # one that leaves nothing in its session
                more |= {"keep": False, "context": (text_message("m", "user", text),)}
            await ended(parts, dice.choice(WIRES), text, model=model, **more)
        told = await scraped(app)
        ledger = await recounted(parts)
        roles = await parts.storage.database.read(_roles)

    for (wire, model), row in ledger.items():
        labels = {"wire": wire, "model": model}
        assert of(told, "tokens_total", direction="in", **labels) == row.input_tokens
        assert of(told, "tokens_total", direction="out", **labels) == row.output_tokens
    assert of(told, "tokens_total", direction="in") == sum(r.input_tokens for r in ledger.values())
    assert of(told, "cost_total") == pytest.approx(sum(r.cost or 0 for r in ledger.values()))
    assert {role: of(told, "messages_total", role=role) for role in roles} == roles
    assert of(told, "turns_total") == of(told, "turn_seconds_count") == 60
    assert of(told, "tokens_total", source="estimated") > 0
    assert of(told, "turn_errors_total") == of(told, "turns_total", status="failed") > 0
    assert of(told, "model_fallovers_total", model="ill") > 0
    assert of(told, "turns_running") == of(told, "turns_waiting") == 0

    async with served(tmp_path, **given) as app:
        assert of(await scraped(app), "turns_total") == 0


async def recounted(parts: Parts) -> dict[tuple[str, str], Any]:
    """The ledger by wire and model."""
    asked = UsageAsked(0, 2**50, ("wire", "model"), user="ann")
    page = await SqlUsage(parts.storage.database).report(asked)
    return {(row.group[0], row.group[1]): row for row in page.rows}


def _roles(connection: Connection) -> Counter[str]:
    rows = connection.exec_driver_sql("SELECT payload FROM messages")
    return Counter(str(json.loads(payload)["role"]) for (payload,) in rows)


async def test_what_is_under_way_is_told_while_it_is(tmp_path: Path, provider: Provider) -> None:
    async with served(tmp_path, models=[provider.model()]) as app:
        parts: Parts = app.state.parts
        request = TurnRequest("s_1", "native", (TextPart("words=2 then=stall"),))
        first = (await parts.turns.start("ann", request)).record.turn_id
        second = (await parts.turns.start("ann", request)).record.turn_id
        await until(lambda: provider.calls and provider.calls[0].sent == 2)
        await until(lambda: any(live.waits for live in parts.turns.alive()))
        told = await scraped(app)
        for turn_id in (second, first):
            await parts.turns.abort("ann", turn_id)
        await until(lambda: not parts.turns.running)
        later = await scraped(app)

    names = ("sessions_active", "turns_running", "turns_waiting")
    assert [of(told, name) for name in names] == [1, 2, 1]
    assert of(told, "model_requests_running", model="words") == 1
    assert [of(later, name) for name in names] == [0, 0, 0]


async def test_a_scrape_asks_no_storage_and_is_told_in_time(tmp_path: Path) -> None:
    async with served(tmp_path, use_mock=True) as app:
        await hit(app, "GET", "/health")
        before = await scraped(app)
        began = perf_counter()
        after = await scraped(app)
        print(f"{len(after)} series in {1000 * (perf_counter() - began):.1f} ms")

    assert of(after, "store_seconds_count", operation="read") == of(
        before, "store_seconds_count", operation="read"
    )


async def test_a_key_needs_the_scope_and_an_open_stream_is_counted(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    config = {"models": [provider.model()], **KEYS_MODE}
    server = await fresh_server(config=config).start()
    chat = make_key(server, "--name", "chat", "--scopes", "chat")
    measuring = make_key(server, "--name", "prometheus", "--scopes", "metrics")

    assert (await ask(server.port, "GET", "/metrics"))[0] == 401
    refused = await ask(server.port, "GET", "/metrics", headers=chat.headers)
    assert (refused[0], refused[1]["code"]) == (403, "forbidden")
    body = {"input": "words=2 then=stall"}
    headers = {**chat.headers, "Accept": "text/event-stream"}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers):
        await until(lambda: provider.calls and provider.calls[0].sent == 2)
        async with asking(server.port, "GET", "/metrics", headers=measuring.headers) as answer:
            found = series((await answer.body()).decode())

    assert of(found, "streams_open") == 1
    assert of(found, "http_errors_total", code="unauthorized") == 1
    assert of(found, "http_requests_total", route="/metrics", status="4xx") == 2
