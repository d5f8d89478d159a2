"""Both APIs against a provider on a real socket: every way to fail gives exactly its error."""

from __future__ import annotations

import asyncio
import time

import pytest

from talkwire.canon.deltas import CallPiece, Finish, Reasoning, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamUnavailable
from talkwire.models._endpoint import _listed
from talkwire.models._http import Limits
from tests.models.conftest import KEY, MakeModel, ask, listen
from tests.upstream import frames
from tests.upstream.behaviour import behaviour, whole_text
from tests.upstream.frames import Api
from tests.upstream.server import Upstream

APIS = ["chat", "responses"]
both = pytest.mark.parametrize("api", APIS)

WELL = ["n5", "n5-i1", "n40-bytes", "n5-crlf", "n5-cr-comments", "n5-raw", "n5-close", "n5-broken2"]


@both
@pytest.mark.parametrize("model", [*WELL, "n5-nodone"])
async def test_a_whole_answer_is_heard_however_it_comes(
    api: str, model: str, make_model: MakeModel
) -> None:
    n = 40 if model.startswith("n40") else 5

    heard = await listen(make_model(api), ask(model))

    assert heard.error is None
    assert heard.text == whole_text(n)
    assert heard.deltas[-2:] == [Tokens(7, n), Finish("stop")]


@both
async def test_thoughts_and_calls_are_told_apart_from_text(api: str, make_model: MakeModel) -> None:
    heard = await listen(make_model(api), ask("n2-think-tool"))

    calls = [delta for delta in heard.deltas if isinstance(delta, CallPiece)]
    assert heard.of(Reasoning) == [Reasoning("hmm ")]
    assert [call.call_id for call in calls] == ["call_1", "", ""]
    assert "".join(call.arguments for call in calls) == '{"a":1}'


@both
async def test_the_token_limit_is_a_length_finish(api: str, make_model: MakeModel) -> None:
    assert (await listen(make_model(api), ask("n2-length"))).deltas[-1] == Finish("length")


@both
async def test_usage_may_be_missing(api: str, make_model: MakeModel) -> None:
    heard = await listen(make_model(api), ask("n2-nousage"))

    assert (heard.of(Tokens), heard.of(Finish)) == ([], [Finish("stop")])


STATUSES = {
    400: "upstream_rejected",
    401: "upstream_auth",
    403: "upstream_auth",
    404: "upstream_not_found",
    405: "upstream_not_found",
    408: "upstream_unavailable",
    409: "upstream_unavailable",
    413: "upstream_rejected",
    422: "upstream_rejected",
    429: "upstream_rate_limited",
    500: "upstream_unavailable",
    502: "upstream_unavailable",
    503: "upstream_unavailable",
    504: "upstream_unavailable",
    529: "upstream_unavailable",
}
FAILURES = {f"status{status}-key": code for status, code in STATUSES.items()} | {
    "html": "upstream_invalid",
    "json": "upstream_invalid",
    "empty": "upstream_invalid",
    "garbage": "upstream_invalid",
    "gzip": "upstream_invalid",
    "headers": "upstream_invalid",
    "n3-hugeline": "upstream_invalid",
    "n3-broken3": "upstream_invalid",
    "redirect": "upstream_redirect",
    "silent": "upstream_timeout",
    "n3-stall0": "upstream_timeout",
    "n3-stall2": "upstream_timeout",
    "n3-cut0": "upstream_incomplete",
    "n3-cut2": "upstream_incomplete",
    "n3-rst2": "upstream_incomplete",
    "n3-chunk2": "upstream_incomplete",
    "n3-raw-cut2": "upstream_incomplete",
    "n3-noend": "upstream_incomplete",
    "n3-error0": "upstream_error",
    "n3-error2": "upstream_error",
    "n3-failed2": "upstream_error",
}


@both
@pytest.mark.parametrize("model", FAILURES)
async def test_each_failure_has_its_error_and_tells_no_secret(
    api: str, model: str, make_model: MakeModel, upstream: Upstream
) -> None:
    limits = Limits(connect_s=2, first_token_s=0.3, idle_s=0.3)

    heard = await listen(make_model(api, limits=limits), ask(model))

    assert isinstance(heard.error, ModelError)
    assert heard.error.code == FAILURES[model]
    assert heard.of(Finish) == []
    assert KEY not in repr(heard.error)
    assert "<" not in heard.error.message
    if "2" in model.split("-")[-1] and "status" not in model:
        assert heard.text == whole_text(2)


@both
@pytest.mark.parametrize("how", ["raw-cut0", "cut0", "rst0"])
async def test_a_cut_at_any_byte_is_never_a_finish(
    api: Api, how: str, make_model: MakeModel
) -> None:
    """All bytes around the end, every 9th of the rest; test_openai_* try every byte."""
    six = behaviour("n6")
    body = frames.opening(api, six) + b"".join(frames.tokens(api, six)) + frames.closing(api, six)
    told = body.index(b'"stop"' if api == "chat" else b'"response.completed"')
    model = make_model(api)

    for k in [*range(1, told, 9), *range(told - 3, min(told + 30, len(body)))]:
        heard = await listen(model, ask(f"n6-{how}-at{k}"))

        if heard.of(Finish):
            assert k > told, "nobody said that it was finished"
            assert (heard.text, heard.error) == (whole_text(6), None)
        else:
            assert isinstance(heard.error, UpstreamIncomplete | UpstreamUnavailable), k


@both
async def test_cancelling_in_mid_answer_closes_the_socket_within_100_ms(
    api: str, make_model: MakeModel, upstream: Upstream
) -> None:
    heard = asyncio.Event()
    task = asyncio.ensure_future(make_model(api).answer(ask("n50-i5"), lambda deltas: heard.set()))
    await asyncio.wait_for(heard.wait(), 5)

    asked = time.monotonic()
    task.cancel()

    connection = upstream.connections[-1]
    await asyncio.wait_for(connection.closed.wait(), 2)
    assert connection.closed_at is not None
    assert connection.closed_at - asked < 0.1


@both
async def test_cancelling_the_reader_closes_the_socket(
    api: str, make_model: MakeModel, upstream: Upstream
) -> None:
    task = asyncio.ensure_future(listen(make_model(api), ask("n3-stall1")))
    await upstream.until(lambda u: u.calls == 1)

    task.cancel()

    await asyncio.wait([task])
    await asyncio.wait_for(upstream.connections[-1].closed.wait(), 2)


async def test_an_answer_of_pieces_waits_for_a_slow_reader(
    make_model: MakeModel, upstream: Upstream
) -> None:
    blocked = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(make_model().answer(ask("n1-hugeline"), lambda deltas: blocked))

    await upstream.until(lambda u: bool(u.connections) and not u.connections[-1].may_write)

    assert upstream.connections[-1].sent < 20_000_000
    task.cancel()
    await asyncio.wait([task])


async def test_options_that_a_server_rejects_are_not_asked_for_again(
    make_model: MakeModel, upstream: Upstream
) -> None:
    model = make_model("chat")

    first, second = await listen(model, ask("nooptions")), await listen(model, ask("nooptions"))

    assert (first.error, second.error) == (None, None)
    assert ["stream_options" in request.json for request in upstream.requests] == [
        True,
        False,
        False,
    ]


def test_a_listing_that_is_too_deep_is_none() -> None:
    assert _listed(b'{"data":[{"id":"n3"}]}') == {"n3"}
    assert _listed(b'{"x":' + b"[" * 100_000) is None


async def test_check_tells_whether_the_model_is_listed(
    make_model: MakeModel, upstream: Upstream
) -> None:
    assert "1 models" in await make_model().check()
    upstream.models = ("other",)
    assert "'n3'" in await make_model().check()
