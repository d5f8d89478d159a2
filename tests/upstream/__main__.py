"""`python -m tests.upstream --port 0`: prints the base URL, then serves until it is killed."""

from __future__ import annotations

import argparse
import asyncio

from tests.upstream.server import Upstream


async def _serve(port: int) -> None:
    async with Upstream(port=port) as upstream:
        print(upstream.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args().port))
