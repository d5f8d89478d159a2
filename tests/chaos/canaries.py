"""Secrets are put wherever one can be, everything goes wrong, and then they are looked for.

Places: log lines at debug level, what commands print, answers with their headers, the database,
Redis with all that passes through it, files, command lines, and the environment of processes that
the server starts. One server on SQLite with JSON lines, one on PostgreSQL and Redis with two
workers and lines for people.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import household, indiscretions, searched
from tests.chaos.betrayer import Betrayer
from tests.chaos.canary import Cage
from tests.chaos.household import Printed, command
from tests.chaos.indiscretions import ANSWER, ANY_MODEL, LOG, PROCESS, REDIS, SPOKEN, STORED, Ask
from tests.chaos.printing import Outcome
from tests.chaos.searched import Found
from tests.chaos.verdict import Verdict
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking
from tests.services.postgres import Postgres
from tests.services.redis import Redis

DUE = {400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500}
CANARIES, REQUESTS = 40, 300  # at least
_AT_ONCE = 12


@dataclass(frozen=True)
class Options:
    """`many` is with the second server; `brief` shows each secret on some of the routes only.

    `prelude` is what makes a control of it: it runs in the first server and in all commands.
    """

    seed: int = 1
    many: bool = True
    brief: bool = False
    prelude: str = ""

    @property
    def title(self) -> str:
        return "control: redaction off" if self.prelude else "canaries"


@dataclass
class Search:
    """What was asked, what was looked through, and what was found."""

    cage: Cage
    prelude: str = ""
    brief: bool = False
    verdict: Verdict = field(default_factory=Verdict)
    statuses: Counter[int] = field(default_factory=Counter)
    searched: Counter[str] = field(default_factory=Counter)
    commands: int = 0

    def look(self, place: str, where: str, data: bytes, told: Iterable[str] = ()) -> None:
        """Look for all canaries but for those that may be told there."""
        self.searched[place] += len(data)
        for name in self.cage.found(data, place, frozenset(told)):
            self.verdict.fault(place, f"{name}, in {where}")

    def look_through(self, place: str, found: Found, told: Iterable[str] = ()) -> None:
        """As `look`, in each of them."""
        for where, data in found:
            self.look(place, where, data, told)

    def printed(self, words: str, done: Printed) -> None:
        """What a command printed is as public as a log."""
        self.commands += 1
        self.look(LOG, f"what `{words}` printed", f"{done.out}\n{done.err}".encode())

    async def send(self, port: int, asks: Iterable[Ask]) -> None:
        """Some at a time; each answer is looked through."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(each: Ask) -> None:
            async with room:
                await self._one(port, each)

        await asyncio.gather(*(one(each) for each in asks))

    def some(self, asks: Iterable[Ask]) -> list[Ask]:
        """All; where it is to be brief every seventh, which is another one on each route."""
        return list(asks)[:: 7 if self.brief else 1]

    async def _one(self, port: int, each: Ask) -> None:
        self.verdict.connections += 1
        try:
            async with (
                asyncio.timeout(20),
                asking(
                    port, each.method, each.target, headers=each.headers, body=each.body
                ) as answer,
            ):
                self.statuses[answer.status] += 1
                self.look(ANSWER, f"a header of {each.named}", json.dumps(answer.headers).encode())
                self.look(ANSWER, each.named, await answer.body())
        except (OSError, TimeoutError) as trouble:
            self.verdict.troubles[f"no answer: {type(trouble).__name__}"] += 1


async def run(options: Options, folder: Path) -> Outcome:
    """Both servers, one after the other; the second one is there where `many` is."""
    cage = Cage(options.seed)
    search = Search(cage, options.prelude, options.brief)
    began = time.monotonic()
    async with Betrayer(cage.new("the answer", told=SPOKEN)) as betrayer:
        jwt_secret = cage.new("the secret of tokens", "{}0123456789")
        home = Home(search, betrayer, folder, jwt_secret)
        await home.one()
        if options.many:
            await home.many()
    missed = [f"status {each} never came" for each in sorted(DUE - search.statuses.keys())]
    if len(cage.canaries) < CANARIES or search.verdict.connections < REQUESTS:
        missed.append("too little was tried")
    told = ", ".join(f"{status}: {count}" for status, count in sorted(search.statuses.items()))
    return Outcome(
        f"{options.title} · seed {options.seed}",
        search.verdict,
        [
            ("canaries", len(cage.canaries)),
            ("requests", search.verdict.connections),
            ("answers by status", told),
            ("commands run", search.commands),
            ("asked of models, voices and tool servers", betrayer.asked),
            *((f"searched: {place}", f"{n:,} bytes") for place, n in search.searched.items()),
            ("found", sum(search.verdict.faults.values())),
            ("seconds", f"{time.monotonic() - began:.0f}"),
        ],
        missed,
    )


@dataclass
class Home:
    """Where the two servers live."""

    search: Search
    betrayer: Betrayer
    folder: Path
    jwt_secret: str

    async def one(self) -> None:
        """SQLite, JSON lines, bugs in a route and in a model, tools that tell too much."""
        search, cage = self.search, self.search.cage
        folder = self.folder / "one"
        more = {"models": household.models(cage, self.betrayer)}
        given = household.furnish(folder, cage, self.betrayer, self.jwt_secret, more)
        prelude = f"{household.BUGS}\n{search.prelude}"
        async with _serving(Server(folder, **given, prelude=prelude)) as server:
            names = [model["name"] for model in more["models"]]
            await self._ask(server, names)
            if not search.prelude:
                await self._refused(server)
            search.look_through(STORED, searched.files(server.data_dir))
        search.look(LOG, "the log", server.output.encode())

    async def many(self) -> None:
        """PostgreSQL and Redis with passwords, two workers; both go away and come back."""
        search, cage = self.search, self.search.cage
        folder = self.folder / "many"
        with (
            Postgres.started(self.folder / "postgres") as postgres,
            Redis.started(self.folder / "redis") as redis,
        ):
            database = _with_password(
                postgres.create("talkwire_canaries"), cage.new("the database's password")
            )
            password = cage.new("the password of Redis")
            redis.command("CONFIG", "SET", "requirepass", password)
            redis_url = redis.url.replace("//", f"//:{password}@")
            more = {
                "log": {"level": "debug", "format": "console"},
                "workers": 2,
                "database": {"url": database, "connect_timeout_s": 1},
                "redis": {"url": redis_url},
            }
            given = household.furnish(folder, cage, self.betrayer, self.jwt_secret, more)
            async with _serving(Server(folder, **given)) as server:
                await self._ask(server, [ANY_MODEL])
                heard = searched.keys(redis_url)
                search.look_through(REDIS, heard)
                await self._away(server, postgres, redis)
                search.look_through(STORED, searched.tables(database))
            search.look(LOG, "the log", server.output.encode())
            search.look_through(REDIS, searched.files(self.folder / "redis"))
            search.look_through(STORED, searched.files(server.data_dir))

    async def _ask(self, server: Server, models: list[str]) -> None:
        """All that can be asked while everything is there."""
        search, cage, port = self.search, self.search.cage, server.port
        ann, admin, none, hasty, dead = await self._keys(server)
        good, wrong = indiscretions.tokens(cage, self.jwt_secret)
        status, document = await ask(port, "GET", "/openapi.json", headers=_bearer(admin))
        assert status == 200, "no OpenAPI document"
        paths = indiscretions.routes(document)
        shown = [*wrong, *indiscretions.credentials(cage, [dead])]
        bodies = indiscretions.bodies(cage, self.betrayer.models)
        slow = [] if models == [ANY_MODEL] else [_too_slow(search, port, _bearer(ann))]
        waiting = asyncio.gather(*slow)
        await search.send(port, search.some(indiscretions.everywhere(paths, shown)))
        for who in (none, good, admin, hasty):
            await search.send(port, indiscretions.everywhere(paths, [(_bearer(who), "")]))
        await search.send(port, search.some(indiscretions.written(paths, _bearer(admin), bodies)))
        await search.send(port, indiscretions.strange(cage, _bearer(ann)))
        await search.send(port, indiscretions.upstream(cage, _bearer(ann), models))
        base_url = self.betrayer.models
        await search.send(port, indiscretions.callers(cage, _bearer(ann), base_url))
        await self._tickets(server, ann)
        await self._busy(port, ann, models[0])
        await waiting
        await self._commands(server, ["keys", "revoke", dead.split("_")[1]])
        search.look_through(PROCESS, searched.command_lines())
        search.look_through(PROCESS, searched.environments(server.pid), told=_OWN)

    async def _keys(self, server: Server) -> list[str]:
        """Keys of all kinds; the last one is revoked."""
        kinds: tuple[list[str], ...] = (
            ["--name", "ann"],
            ["--admin"],
            ["--scopes", "metrics"],
            ["--rpm", "2"],
            [],
        )
        made = await self._run(server, *(["keys", "create", *words] for words in kinds))
        texts = [done.out.splitlines()[-1] for done in made]
        for number, text in enumerate(texts):
            self.search.cage.held(f"key {number}", text, text.rpartition("_")[2])
        for done, text in zip(made, texts, strict=True):
            self.search.printed("keys create", Printed(0, done.out.replace(text, "", 1), done.err))
        return texts

    async def _run(self, server: Server, *words: list[str]) -> list[Printed]:
        """Commands on the server's own settings."""
        more = ["--data-dir", str(server.data_dir), "--config", str(server.config_path)]
        whole = [[*each, *more] for each in words]
        return await asyncio.to_thread(command, server, whole, prelude=self.search.prelude)

    async def _tickets(self, server: Server, key: str) -> None:
        """One that is spent twice, and one that is shown where none is taken."""
        cage = self.search.cage
        for name, path in (
            ("a ticket that was spent", "/chat/stream?input=hi&ticket={}"),
            ("a ticket in the wrong place", "/prompts?ticket={}"),
        ):
            _, issued = await ask(server.port, "POST", "/tickets", headers=_bearer(key))
            ticket = cage.held(name, issued["ticket"], issued["ticket"])
            asks = [Ask("GET", path.format(ticket))] * 2
            await self.search.send(server.port, asks)

    async def _busy(self, port: int, key: str, model: str) -> None:
        """A session that has a turn under way, and is asked for another one."""
        secret = self.search.cage.new("a key of somebody who is turned away")
        body = {"input": "do=stall now", "model": model, "session_id": "busy", "api_key": secret}
        more = json.dumps({**body, "on_busy": "reject"}).encode()
        headers = {**_bearer(key), **indiscretions.JSON}
        await self.search.send(port, [Ask("POST", "/turns", headers, more)] * 3)

    async def _commands(self, server: Server, *more: list[str]) -> None:
        """What tells of a server that runs."""
        words = [["doctor"], ["doctor", "--json"], ["keys", "list"], *more]
        for each, done in zip(words, await self._run(server, *words), strict=True):
            self.search.printed(" ".join(each), done)

    async def _refused(self, server: Server) -> None:
        """Servers that cannot be started, and what else is asked for with their settings."""
        cage = self.search.cage
        configs: list[Any] = household.refused(cage, 9)
        configs.append(household.broken_yaml(cage))
        words = []
        for number, config in enumerate(configs):
            path = household.written(server.folder, f"refused-{number}.yaml", config)
            more = ["--config", str(path), "--data-dir", str(server.folder / "elsewhere")]
            words += [[name, *more] for name in ("serve", "doctor")]
        prelude = self.search.prelude
        done = await asyncio.to_thread(command, server, words, prelude=prelude)
        for (name, _, used, *_), printed in zip(words, done, strict=True):
            self.search.printed(f"{name} --config {Path(used).name}", printed)
            if printed.code == 0:
                self.search.verdict.fault("settings", f"{name} took {Path(used).name}")

    async def _away(self, server: Server, postgres: Postgres, redis: Redis) -> None:
        """The database and Redis go away under load; Redis comes back without its password."""
        key = self.search.cage.new("a key while storage is away", "tw_{}_0")
        asks = [
            *indiscretions.everywhere(
                [("GET", "/prompts"), ("POST", "/turns")], [(_bearer(key), "")]
            ),
            Ask("GET", "/health/readiness"),
        ]
        await asyncio.to_thread(redis.kill)
        await self.search.send(server.port, asks)
        await asyncio.to_thread(postgres.kill)
        await self.search.send(server.port, asks * 3)
        await self._commands(server)
        await asyncio.to_thread(postgres.start_again)
        await asyncio.to_thread(redis.start_again, wiped=False)
        await self.search.send(server.port, asks)
        await until(lambda: server.alive, 1)


_OWN = {"a tool server's variable", "the variable of a tool server that fails"}


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def _with_password(url: str, password: str) -> str:
    return url.replace("@", f":{password}%2F%40@", 1)


async def _too_slow(search: Search, port: int, headers: Mapping[str, str]) -> None:
    """A body that does not come."""
    secret = search.cage.new("a key before a body that does not come")
    await search.send(
        port,
        [Ask("POST", f"/turns?key={secret}", {**headers, "Content-Length": "9"})],
    )


@asynccontextmanager
async def _serving(server: Server) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        stack.callback(server.stop)
        await server.start()
        yield server
        server.terminate()
        await server.exited()
