"""No way to write a URL leads a running server to a private one, and no key of it goes elsewhere.

Callers choose URLs at two places: the `base_url` of a turn, and what a model has the tool `fetch`
get. Names are answered by a DNS server of the test's own, over UDP.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from talkwire.web.addresses import kind
from tests.e2e.servers import Server
from tests.e2e.strict import Strict
from tests.e2e.wire_client import asking
from tests.web.egress_forms import FORMS, ZONE, written
from tests.web.egress_peers import Names, Private, answering, listening

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

KEY = "sk-canary-9c1d"  # of the settings, see `Strict.model`
AT_ONCE = 16
PRELUDE = """
import asyncio, sys
from ipaddress import ip_address
import uvloop
sys.path.append(ROOT)
from talkwire.web import egress
from tests.web.egress_peers import Names

names = Names()
names.address = ("127.0.0.1", PORT)
egress._look_up = lambda host, port: asyncio.run(names.resolve(host, port))

def watched(plain):
    async def create_connection(self, factory, host=None, *args, **how):
        with open(DIALLED, "a") as dialled:
            dialled.write(f"{host}\\n")
        if not ip_address(host).is_loopback:
            raise ConnectionRefusedError
        return await plain(self, factory, host, *args, **how)
    return create_connection

uvloop.Loop.create_connection = watched(uvloop.Loop.create_connection)
"""
UNCHECKED = "egress.kind = lambda address: 'public'"


@dataclass
class Stage:
    """A server, those it must not reach, and those it may."""

    server: Server
    provider: Strict
    names: Names
    four: Private
    six: Private
    friend: Private
    dialled: Path

    @property
    def reached(self) -> int:
        """How often a private server was connected to."""
        return self.four.accepted + self.six.accepted

    @property
    def own(self) -> list[str]:
        """The addresses that were dialled and are neither public nor loopback."""
        hosts = self.dialled.read_text().split() if self.dialled.exists() else []
        return [host for host in hosts if kind(ip_address(host)) not in ("public", "loopback")]

    def urls(self) -> Iterator[str]:
        for form in FORMS:
            yield written(form, p=self.four.port, q=self.six.port)

    async def ask(self, body: Any, path: str = "/api/chat/stream") -> tuple[int, Any]:
        """Status, and the frames of the turn or the problem."""
        async with (
            asyncio.timeout(30),
            asking(self.server.port, "POST", path, body=body) as answer,
        ):
            if answer.status == 200:
                return 200, [frame.data async for frame in answer.frames()]
            return answer.status, await answer.json()

    async def ask_at(self, base_url: str, **config: str) -> tuple[int, Any]:
        """A turn whose caller has the model at `base_url`."""
        chosen = {"model_name": "chat", "base_url": base_url, **config}
        body = {"session_id": "s-base", "content": "orders={}", "model_config": chosen}
        return await self.ask(body)

    async def fetch(self, *urls: str) -> list[dict[str, Any]]:
        """What the tool gives to a model for these URLs."""
        orders = {"rounds": [[["fetch", {"url": url}] for url in urls]], "words": 1}
        body = {"session_id": "s-fetch", "content": f"orders={json.dumps(orders)}"}
        status, frames = await self.ask(body)
        assert (status, frames[-1]["type"]) == (200, "complete"), frames
        return [frame["data"] for frame in frames if frame["type"] == "tool_result"]


@asynccontextmanager
async def staged(folder: Path, more: str = "") -> AsyncIterator[Stage]:
    """A server on loopback, which may ask whatever is public and `friend.example`."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Strict())
        zone = {**ZONE, "friend.example": [["127.0.0.1"]]}
        names = await stack.enter_async_context(answering(zone))
        four = await stack.enter_async_context(listening("127.0.0.1"))
        six = await stack.enter_async_context(listening("::1"))
        location = f"http://127.0.0.1:{four.port}/v1/chat/completions"
        moved = f"HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        friend = await stack.enter_async_context(listening("127.0.0.1", moved.encode()))
        at_friend = provider.model("chat", name="moved", base_url=f"{_at(friend)}/v1")
        config = {
            "models": [{**provider.model("chat"), "max_attempts": 1}, at_friend],
            "tools": {"builtin": {"fetch": True}},
            "egress": {"allow": [f"friend.example:{friend.port}"]},
        }
        dialled = folder / "dialled"
        root = str(Path(__file__).parents[2])
        prelude = PRELUDE.replace("PORT", str(names.address[1])).replace("ROOT", repr(root))
        prelude = prelude.replace("DIALLED", repr(str(dialled)))
        server = Server(folder / "server", config=config, prelude=f"{prelude}\n{more}")
        try:
            await server.start()
            yield Stage(server, provider, names, four, six, friend, dialled)
        finally:
            await asyncio.to_thread(server.stop)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("ssrf")) as stage:
        yield stage


def _at(peer: Private) -> str:
    return f"http://127.0.0.1:{peer.port}"


async def test_no_base_url_leads_to_a_private_server(stage: Stage) -> None:
    urls = [url for url in stage.urls() if url]  # an empty one is none
    before = len(stage.provider.questions)
    refused = []
    for first in range(0, len(urls), AT_ONCE):
        some = urls[first : first + AT_ONCE]
        refused += await asyncio.gather(*(stage.ask_at(url, api_key="theirs") for url in some))

    told = {ascii(url): answer for url, answer in zip(urls, refused, strict=True)}
    wrong = {
        url: answer
        for url, answer in told.items()
        if answer[0] not in (400, 403, 422) or "canary" in str(answer)
    }
    assert wrong == {}
    assert len(urls) >= 120
    assert sum(status == 403 for status, _ in refused) > 0.9 * len(urls)
    assert {body["code"] for status, body in refused if status == 403} == {"base_url_not_allowed"}
    assert (stage.reached, stage.own, len(stage.provider.questions)) == (0, [], before)


async def test_no_page_that_a_model_asks_for_is_a_private_one(stage: Stage) -> None:
    urls = list(stage.urls())
    results = []
    for first in range(0, len(urls), AT_ONCE):
        results += await stage.fetch(*urls[first : first + AT_ONCE])

    got = [url for url, each in zip(urls, results, strict=True) if not each.get("is_error")]
    assert (got, stage.reached, stage.own) == ([], 0, [])
    assert "secret" not in str(results)
    assert stage.provider.refusals == []


async def test_a_name_is_asked_for_once_and_dialled_where_it_was_checked(stage: Stage) -> None:
    url = f"http://rebinding.example:{stage.four.port}/"

    status, frames = await stage.ask_at(f"{url}v1")
    (result,) = await stage.fetch(url)

    assert (status, frames[-1]["type"]) == (200, "error")
    assert stage.names.asked["rebinding.example"] == 4  # both kinds, for each of the two
    assert "93.184.215.14" in stage.dialled.read_text()
    assert result["is_error"]
    assert stage.reached == 0


async def test_a_key_of_the_settings_goes_to_its_own_server_alone(stage: Stage) -> None:
    base = f"http://friend.example:{stage.friend.port}/v1"

    answers = [
        await stage.ask_at(base),
        await stage.ask_at(base, api_key="sk-theirs"),
        await stage.ask(
            {
                "session_id": "s-moved",
                "content": "orders={}",
                "model_config": {"model_name": "moved"},
            }
        ),
    ]
    (page,) = await stage.fetch(f"http://friend.example:{stage.friend.port}/")

    # Whether it still answers is asked now and then, as of every model on this machine.
    heard = [one for one in map(bytes.decode, stage.friend.heard) if "GET /v1/models " not in one]
    of_callers, of_settings = heard[:2], [one for one in heard if KEY in one]
    assert all("friend.example" in request for request in of_callers)
    assert ["sk-theirs" in request for request in of_callers] == [False, True]
    assert [each.split("\r\n")[0].split()[0] for each in of_settings] == ["POST"]
    assert all("friend.example" not in each for each in of_settings)
    assert page["is_error"]
    assert (stage.reached, KEY in str(answers) + str(page)) == (0, False)
    assert all(frames[-1]["type"] == "error" for _, frames in answers)


async def test_without_the_check_private_servers_would_be_reached(tmp_path: Path) -> None:
    async with staged(tmp_path, UNCHECKED) as stage:
        await stage.ask_at(f"{_at(stage.four)}/v1")
        (page,) = await stage.fetch(f"{_at(stage.four)}/")

        assert stage.reached >= 2
        assert "secret" in page["result"]
