from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.wire_client import ask, asking


async def _system(server: Server, provider: Provider, **body: Any) -> str:
    """Asks under a template; the system prompt that reached the model."""
    asked = {"input": "words=1", **body}
    async with asking(server.port, "POST", "/chat/stream", body=asked) as answer:
        assert answer.status == 200, await answer.body()
        _ = [frame async for frame in answer.frames()]
    first = provider.calls[-1].body["messages"][0]
    assert first["role"] in ("system", "developer")
    return str(first["content"])


async def test_a_stored_template_reaches_the_model_and_outlives_a_restart(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    for text in ("One {{ who }}.", "Two {{ who }}."):
        status, _ = await ask(server.port, "PUT", "/prompts/tone", body={"text": text})
        assert status in (200, 201)
    server.kill9()
    await server.restart()

    given = {"promptVariables": {"who": "{{ me }}"}}
    newest = await _system(server, provider, systemPromptName="tone", **given)
    pinned = await _system(server, provider, systemPromptName="tone@1", **given)

    assert (newest, pinned) == ("Two {{ me }}.", "One {{ me }}.")
    status, versions = await ask(server.port, "GET", "/prompts/tone")
    assert (status, [v["version"] for v in versions["versions"]]) == (200, [2, 1])


async def test_a_folder_of_files_is_read_and_read_again(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = fresh_server(config={"models": [provider.model()], "prompts_dir": "prompts"})
    folder = server.folder / "prompts"
    folder.mkdir()
    (folder / "default.md").write_text("Mine.", encoding="utf-8")
    (folder / "bad.md").write_text("---\nmodle: x\n---\n", encoding="utf-8")
    await server.start()

    assert await _system(server, provider) == "Mine."
    broken = {"input": "words=1", "systemPromptName": "bad"}
    status, told = await ask(server.port, "POST", "/chat/stream", body=broken)
    assert status == 422
    assert "bad.md:2" in str(told)


async def test_what_cannot_be_used_is_refused_before_a_turn_begins(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"systemPromptName": "defualt"}, 404, "default"),
        ({"systemPromptName": "translate"}, 422, "language"),
        ({"promptVariables": {"nope": 1}}, 422, "nope"),
        ({"systemPromptName": "default@9"}, 404, "default"),
    ]
    for extra, wanted, told in cases:
        body = {"input": "words=1", **extra}
        status, problem = await ask(server.port, "POST", "/chat/stream", body=body)
        assert (status, told in str(problem)) == (wanted, True), (extra, problem)
    assert (await ask(server.port, "DELETE", "/prompts/default"))[0] == 409
    assert (await ask(server.port, "DELETE", "/prompts/nothing"))[0] == 404
    assert provider.calls == []
