"""Keys for servers under test, made by the command as people do."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.e2e.servers import Server
from tests.e2e.wire_client import asking

_CODE = "from talkwire.cli.main import app; app()"
_VARYING = {"date", "x-request-id"}
KEYS_MODE: dict[str, Any] = {"auth": {"mode": "keys"}}


@dataclass(frozen=True)
class Key:
    """A key; `headers` show it."""

    id: str
    text: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


@dataclass(frozen=True)
class Whole:
    """An answer that is no stream, with all that could tell one from another."""

    status: int
    headers: dict[str, str]
    body: bytes

    def without(self, *ids: str) -> Whole:
        """The same without ids that were asked for: what is left must not depend on them."""
        body = self.body
        for one in ids:
            body = body.replace(one.encode(), b"<id>")
        body = re.sub(rb"req_[0-9a-v]{26}", b"<request>", body)
        headers = {k: v for k, v in self.headers.items() if k not in _VARYING}
        return Whole(self.status, headers, body)


def keys(server: Server, *words: str) -> str:
    """Run `talkwire keys …` on the server's database; what it printed."""
    command = [sys.executable, "-c", _CODE, "keys", *words, "--data-dir", str(server.data_dir)]
    if server.config_path:
        command += ["--config", str(server.config_path)]
    done = subprocess.run(
        command,
        env=server.environment,
        capture_output=True,
        check=True,
        timeout=30,
        cwd=server.folder,
    )
    return done.stdout.decode()


def make_key(server: Server, *words: str) -> Key:
    """A new key. It is the last line."""
    text = keys(server, "create", *words).splitlines()[-1]
    return Key(text.split("_")[1], text)


async def whole(server: Server, method: str, path: str, **given: Any) -> Whole:
    """Ask, and read the answer to its end."""
    async with asking(server.port, method, path, **given) as answer:
        return Whole(answer.status, answer.headers, await answer.body())
