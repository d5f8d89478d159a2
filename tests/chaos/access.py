"""Every route that names something, asked for what is another's: `python -m tests.chaos access`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.printing import Outcome, Row
from tests.chaos.verdict import Verdict
from tests.e2e import matrix
from tests.e2e.provider import Provider
from tests.e2e.servers import Server


@dataclass(frozen=True)
class Options:
    """`prelude` is what makes a control of it."""

    prelude: str = ""

    @property
    def title(self) -> str:
        return "control: ownership off" if self.prelude else "access"


async def run(options: Options, folder: Path) -> Outcome:
    """One server, and one who owns what two others ask for, one of them an admin."""
    verdict = Verdict()
    async with Provider() as provider:
        settings = matrix.config(folder, provider)
        server = Server(folder, config=settings, prelude=options.prelude)
        try:
            await server.start()
            place = await matrix.furnished(server, await asyncio.to_thread(matrix.made, server))
            others = (place.bob, place.admin)
            for method, path in matrix.OWNED:
                for who in others:
                    verdict.connections += 2
                    told = await matrix.crossing(place, who, method, path)
                    if told is not None:
                        verdict.fault("crossing", told)
        finally:
            await asyncio.to_thread(server.stop)
    done: list[Row] = [
        ("routes that name something", len(matrix.OWNED)),
        ("who asked for what is another's", len(others)),
        ("crossings", verdict.faults["crossing"]),
    ]
    return Outcome(options.title, verdict, done)
