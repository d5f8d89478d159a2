"""The Responses API first, then Chat Completions, found out once."""

from __future__ import annotations

from talkwire.canon.errors import UpstreamNotFound
from talkwire.models.fallback import Fallback
from tests.models.conftest import MakeModel, ask, listen
from tests.upstream.server import Upstream


async def test_a_server_without_responses_is_asked_by_chat_and_remembered(
    make_model: MakeModel, upstream: Upstream
) -> None:
    upstream.missing = frozenset({"/v1/responses"})
    model = Fallback(make_model("responses"), make_model("chat"))

    for _ in range(2):
        assert (await listen(model, ask())).text == "w0 w1 w2 "

    assert [request.path for request in upstream.requests] == [
        "/v1/responses",
        "/v1/chat/completions",
        "/v1/chat/completions",
    ]


async def test_a_server_with_responses_is_never_asked_by_chat(
    make_model: MakeModel, upstream: Upstream
) -> None:
    model = Fallback(make_model("responses"), make_model("chat"))

    await listen(model, ask())
    await listen(model, ask("n3-error1"))

    assert {request.path for request in upstream.requests} == {"/v1/responses"}


async def test_a_server_with_neither_is_told_and_not_remembered(
    make_model: MakeModel, upstream: Upstream
) -> None:
    upstream.missing = frozenset({"/v1/responses", "/v1/chat/completions"})
    model = Fallback(make_model("responses"), make_model("chat"))

    heard = await listen(model, ask())
    upstream.missing = frozenset()
    await listen(model, ask())

    assert isinstance(heard.error, UpstreamNotFound)
    assert "/v1" in heard.error.message
    assert upstream.requests[-1].path == "/v1/responses"
