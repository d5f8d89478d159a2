"""Every way in which a turn can end, by every way in which a provider tells usage.

The server is in this process, its storage and its providers' sockets are real. Where the provider
has told what it counted, and can be believed, the ledger has just that; else an estimate that says
so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from talkwire.app import build
from talkwire.canon.events import TextDelta, TurnAborted, TurnCompleted, TurnFailed
from talkwire.canon.fold import fold
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.canon.usage import UsageAsked
from talkwire.parts import Parts
from talkwire.settings import Settings
from talkwire.stores.usage import SqlUsage
from tests.upstream.server import Upstream

LIMIT_S = 20
STYLES = ["end", "nousage", "cumulative", "zero"]
EXACT = {"end", "cumulative"}
ASKED = 7  # what the provider counts of each question
PRICES = {"price_in": 1_000_000.0, "price_out": 2_000_000.0}


class Row(NamedTuple):
    """What the ledger has of a model."""

    turns: int
    input_tokens: int
    output_tokens: int
    estimated: int
    cost: float | None


def models(upstream: Upstream, *, provider: str = "openai-chat", **more: Any) -> dict[str, Any]:
    """One for each behaviour is made on the fly: its name tells the provider what to do."""
    given = {"provider": provider, "base_url": upstream.base_url, "api_key": "sk-x"}
    return {**given, "max_attempts": 1, **PRICES, **more}


@asynccontextmanager
async def server(
    folder: Path, upstream: Upstream, *entries: dict[str, Any], **more: Any
) -> AsyncIterator[Parts]:
    settings = Settings.model_validate({"data_dir": folder, "models": entries, **more})
    app = build(settings)
    async with asyncio.timeout(LIMIT_S), app.router.lifespan_context(app):
        yield app.state.parts


async def ask(parts: Parts, **more: Any) -> str:
    asked = TurnRequest("s_1", "native", (TextPart("Hello there!"),), **more)
    started = await parts.turns.start("ann", asked, key_id="k1")
    return started.record.turn_id


async def read(parts: Parts, turn_id: str, until: Callable[[Any], bool] = lambda _: False) -> Any:
    """The events up to the end, or to the first that fits."""
    reader = await parts.turns.read("ann", turn_id)
    events: list[Any] = []
    try:
        while not reader.ended and not any(until(stamped.event) for stamped in events):
            events += await reader.next()
    finally:
        reader.close()
    return events


def says(event: Any) -> bool:
    return isinstance(event, TextDelta)


async def ledger(parts: Parts) -> dict[tuple[str, str], Row]:
    """All rows, by model and status."""
    asked = UsageAsked(0, 2**50, ("model", "status"), user="ann", key_id="k1")
    page = await SqlUsage(parts.storage.database).report(asked)
    return {
        (row.group[0], row.group[1]): Row(
            row.turns, row.input_tokens, row.output_tokens, row.estimated, row.cost
        )
        for row in page.rows
    }


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


def fits(row: Row, style: str, said: int, *, cut: bool) -> None:
    """The row is the provider's own count, or an estimate and marked."""
    assert row.turns == 1
    if style in EXACT and not cut:
        assert (row.input_tokens, row.output_tokens, row.estimated) == (ASKED, said, 0)
    else:
        assert row.estimated == 1
        assert 90 <= row.input_tokens <= 130  # with the system prompt
        assert row.output_tokens == pytest.approx(said, rel=0.2)
    assert row.cost == row.input_tokens + 2 * row.output_tokens


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("provider", ["openai-chat", "openai-responses"])
@pytest.mark.parametrize("words", ["n40", "n40-length", "n40-think", "n40-size8"])
async def test_an_answer_that_is_whole(
    tmp_path: Path, upstream: Upstream, style: str, provider: str, words: str
) -> None:
    if style == "cumulative" and provider == "openai-responses":
        pytest.skip("that API tells usage once")
    name = f"{words}-{style}" if style != "end" else words
    entry = models(upstream, provider=provider, name="m", upstream_model=name)
    async with server(tmp_path, upstream, entry) as parts:
        events = await read(parts, await ask(parts))
        (row,) = (await ledger(parts)).values()

    assert isinstance(events[-1].event, TurnCompleted)
    fits(row, style, 40 + ("think" in words and style not in EXACT), cut=False)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("end", ["cut20", "rst20", "error20", "chunk20"])
async def test_an_answer_whose_provider_breaks_off(
    tmp_path: Path, upstream: Upstream, style: str, end: str
) -> None:
    entry = models(upstream, name="m", upstream_model=f"n40-{end}-{style}".removesuffix("-end"))
    async with server(tmp_path, upstream, entry) as parts:
        events = await read(parts, await ask(parts))
        (row,) = (await ledger(parts)).values()

    assert isinstance(events[-1].event, TurnFailed)
    fits(row, style, 20, cut=True)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("by", ["client", "disconnect", "interrupt"])
async def test_an_answer_that_is_stopped(
    tmp_path: Path, upstream: Upstream, style: str, by: str
) -> None:
    entry = models(upstream, name="m", upstream_model=f"n40-stall20-{style}".removesuffix("-end"))
    quick = models(upstream, name="quick", upstream_model="n1")
    turns = {"disconnect_grace_s": 0}
    async with server(tmp_path, upstream, entry, quick, turns=turns) as parts:
        turn_id = await ask(parts, on_disconnect="abort" if by == "disconnect" else None)
        await read(parts, turn_id, lambda event: says(event) and "w19" in event.text)
        if by == "client":
            await parts.turns.abort("ann", turn_id)
        elif by == "interrupt":
            await read(parts, await ask(parts, model="quick", on_busy="interrupt"))
        live = parts.turns._board.find(turn_id)
        assert live is not None
        await live.over.wait()
        events = await read(parts, turn_id)
        row = (await ledger(parts))["m", "aborted"]

    assert events[-1].event == TurnAborted(by)
    assert await _closed(upstream)
    fits(row, style, 20, cut=True)


async def _closed(upstream: Upstream) -> bool:
    await upstream.until(lambda all_of_it: all_of_it.connections[0].closed.is_set())
    return True


@pytest.mark.parametrize("style", STYLES)
async def test_an_answer_that_another_model_takes_over(
    tmp_path: Path, upstream: Upstream, style: str
) -> None:
    broken = models(upstream, name="a", upstream_model="n40-cut20-nousage", fallbacks=["b"])
    other = models(
        upstream, name="b", upstream_model=f"n30-{style}".removesuffix("-end"), price_out=3e6
    )
    turns = {"on_lost": "continue"}
    async with server(tmp_path, upstream, broken, other, turns=turns) as parts:
        events = await read(parts, await ask(parts, model="a"))
        rows = await ledger(parts)

    assert isinstance(events[-1].event, TurnCompleted)
    assert set(rows) == {("a", "completed"), ("b", "completed")}
    fits(rows["a", "completed"], "nousage", 20, cut=True)
    row = rows["b", "completed"]
    assert row.cost == row.input_tokens + 3 * row.output_tokens
    fits(row._replace(cost=row.input_tokens + 2 * row.output_tokens), style, 30, cut=False)
    used = fold(events).total_usage()
    assert used.input_tokens == sum(each.input_tokens for each in rows.values())
    assert used.output_tokens == sum(each.output_tokens for each in rows.values())


@pytest.mark.parametrize("words", ["status500", "status401", "html", "empty", "n3-cut0"])
async def test_a_model_that_says_nothing_is_a_request_without_tokens(
    tmp_path: Path, upstream: Upstream, words: str
) -> None:
    broken = models(upstream, name="a", upstream_model=words, fallbacks=["b"])
    other = models(upstream, name="b", upstream_model="n5")
    async with server(tmp_path, upstream, broken, other) as parts:
        await read(parts, await ask(parts, model="a"))
        rows = await ledger(parts)

    assert rows["a", "completed"] == Row(1, 0, 0, 0, None)
    assert rows["b", "completed"] == Row(1, ASKED, 5, 0, ASKED + 10.0)


async def test_a_turn_that_fails_at_once_has_a_row(tmp_path: Path, upstream: Upstream) -> None:
    entry = models(upstream, name="m", upstream_model="status500")
    async with server(tmp_path, upstream, entry) as parts:
        events = await read(parts, await ask(parts))
        rows = await ledger(parts)

    assert isinstance(events[-1].event, TurnFailed)
    assert rows == {("m", "failed"): Row(1, 0, 0, 0, None)}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("on_lost", ["continue", "fail"])
async def test_an_answer_whose_process_is_gone(
    tmp_path: Path, upstream: Upstream, style: str, on_lost: str
) -> None:
    name = f"n30-{style}".removesuffix("-end")
    upstream.script.append("n40-stall20")
    entry = models(upstream, name="m", upstream_model=name)
    turns = {"drain_timeout_s": 0, "on_lost": on_lost}
    async with server(tmp_path, upstream, entry, turns=turns) as parts:
        turn_id = await ask(parts)
        await read(parts, turn_id, lambda event: says(event) and "w19" in event.text)
    async with server(tmp_path, upstream, entry, turns=turns) as parts:
        events = await read(parts, turn_id)
        rows = await ledger(parts)

    ((_, status), row), *none = rows.items()
    assert (row.turns, row.estimated, none) == (1, 1, [])
    assert row.cost == row.input_tokens + 2 * row.output_tokens
    if on_lost == "fail":
        assert (status, upstream.calls) == ("failed", 1)
        fits(row, style, 20, cut=True)
    else:  # the half of the one, and the whole of the other
        assert (status, upstream.calls) == ("completed", 2)
        first, second = fold(events).usage
        assert first.estimated
        assert first.output_tokens == pytest.approx(20, rel=0.2)
        assert second.estimated == (style not in EXACT)
        assert second.output_tokens == pytest.approx(30, rel=0.2)


@pytest.mark.parametrize("style", STYLES)
async def test_asides_are_the_turns_own(tmp_path: Path, upstream: Upstream, style: str) -> None:
    module = tmp_path / "mine.py"
    module.write_text(
        "from talkwire.tools import tool\n\n\n@tool\ndef add(a: int) -> str:\n"
        '    "Adds."\n    return "row " * 1000\n'
    )
    end = f"-{style}".removesuffix("-end")
    upstream.script.extend([f"n2-tool{end}", f"n20{end}", f"n5{end}"])  # call, summary, answer
    entry = models(upstream, name="m", upstream_model="n1")
    tools = {"module": str(module), "summarize_over": 1000}
    async with server(tmp_path, upstream, entry, tools=tools) as parts:
        events = await read(parts, await ask(parts))
        (row,) = (await ledger(parts)).values()

    assert isinstance(events[-1].event, TurnCompleted)
    assert upstream.calls == 3
    if style in EXACT:
        assert (row.input_tokens, row.output_tokens, row.estimated) == (3 * ASKED, 27, 0)
    else:
        assert (row.turns, row.estimated) == (1, 1)
        assert row.output_tokens > 25
        assert row.input_tokens > 250  # the summary's question has the long result
    assert row.cost == row.input_tokens + 2 * row.output_tokens


@pytest.mark.parametrize("budget", [200, 700, 2500])
@pytest.mark.parametrize("provider", ["openai-chat", "openai-responses"])
@pytest.mark.parametrize("words", ["n8000", "n8000-size8", "n8000-size50", "n8000-size1-bytes"])
async def test_an_answer_whose_budget_is_used_up(
    tmp_path: Path, upstream: Upstream, budget: int, provider: str, words: str
) -> None:
    entry = models(upstream, provider=provider, name="m", upstream_model=words)
    budgets = [{"user": "ann", "day": budget}]
    async with server(tmp_path, upstream, entry, budgets=budgets) as parts:
        events = await read(parts, await ask(parts))
        rows = await ledger(parts)

    row = rows["m", "failed"]
    text = "".join(stamped.event.text for stamped in events if says(stamped.event))
    said = len(text) / 4 if "size" in words else len(text.split())  # as the provider counts
    assert events[-1].event.code == "budget_exceeded"
    assert await _closed(upstream)
    assert row.input_tokens + row.output_tokens == pytest.approx(budget, rel=0.05)
    assert row.input_tokens + said == pytest.approx(budget, rel=0.05)
