"""A real AgentOS as a child process, whose agents ask the stand-in provider."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from tests.e2e.servers import free_port

READY_WITHIN_S = 45.0
_CODE = """
import sys

import uvicorn
from agno.agent import Agent
from agno.models.openai.like import OpenAILike
from agno.os import AgentOS
from agno.team import Team

url, port = sys.argv[1], int(sys.argv[2])


def model(name):
    return OpenAILike(id=name, base_url=url, api_key="sk-other")


def weather(city: str) -> str:
    "The weather in a city."
    return f"sun in {city}"


far = Agent(
    id="far", name="Far", description="Answers from afar.", model=model("far-1"), tools=[weather],
    telemetry=False,
)
handed = '{"member_id":"far","task":"words=4"}'
leads = model("words=2 tool=delegate_task_to_member args=" + handed)
pair = Team(id="pair", name="Pair", model=leads, members=[far], telemetry=False)
app = AgentOS(agents=[far], teams=[pair], telemetry=False).get_app()
uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
"""


class AgentOs:
    """One server on one port, through any number of its lives."""

    def __init__(self, folder: Path, provider_url: str) -> None:
        self.port = free_port()
        self.log = folder / "agentos.log"
        self._provider = provider_url
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Begin a life, and wait until it answers."""
        child = self._spawn()
        until = time.monotonic() + READY_WITHIN_S
        async with httpx2.AsyncClient(trust_env=False) as client:
            while not await self._answers(client):
                assert child.poll() is None, self.log.read_text("utf-8", errors="replace")
                assert time.monotonic() < until, "the AgentOS does not answer"
                await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        here = {"PATH": os.environ["PATH"], "HOME": str(self.log.parent)}
        here |= {"AGNO_TELEMETRY": "false", "LANG": "C.UTF-8"}
        with self.log.open("ab") as sink:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _CODE, self._provider, str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=here,
                cwd=self.log.parent,
                start_new_session=True,
            )
        return self._child

    def kill(self) -> None:
        """End its life without a word."""
        child, self._child = self._child, None
        if child is not None:
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
            child.wait(timeout=10)

    async def _answers(self, client: httpx2.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/health", timeout=2.0)).status_code == 200
        except httpx2.TransportError:
            return False
