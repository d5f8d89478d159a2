"""A real nginx with the configuration that is shipped, its addresses changed and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.servers import free_port
from tests.services.child import Child, Ending

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "talkwire.conf"
READY_WITHIN_S = 20.0
PAUSE_S = 0.02

_MAIN = """\
{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.txt crit;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/talkwire.conf;
}}
"""


def find() -> str | None:
    """The path of nginx, or None where it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def rendered(text: str, *, port: int, nodes: Sequence[int], folder: Path) -> str:
    """The shipped configuration for these ports, with its logs in the folder."""
    assert len(nodes) == 2
    changes = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "server talkwire-1:8000 ": f"server 127.0.0.1:{nodes[0]} ",
        "server talkwire-2:8000 ": f"server 127.0.0.1:{nodes[1]} ",
        "access_log /dev/stdout ": f"access_log {folder}/access.txt ",
        "error_log /dev/stderr ": f"error_log {folder}/error.txt ",
    }
    for shipped, ours in changes.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, ours)
    return text


class Nginx:
    """A running one; see `running`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def logged(self) -> str:
        """All that it has written."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.txt")))

    @classmethod
    @contextmanager
    def running(cls, folder: Path, nodes: Sequence[int]) -> Iterator[Nginx]:
        """In front of two ports of this machine, until the block's end."""
        binary = find()
        assert binary is not None
        port = free_port()
        main = configured(folder, port=port, nodes=nodes)
        child = Child(
            [binary, "-p", str(folder), "-c", str(main)],
            log=folder / "output.txt",
            env={"PATH": os.environ["PATH"]},
            cwd=folder,
            ending=Ending(signal.SIGTERM),
        )
        try:
            _until_ready(child, port)
            yield cls(folder, port)
        finally:
            child.end(signal.SIGTERM)


def configured(folder: Path, *, port: int, nodes: Sequence[int]) -> Path:
    """Writes all that nginx needs into the folder; its main configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    # A worker of root's master changes to a user that cannot read a private folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    shipped = rendered(SHIPPED.read_text("utf-8"), port=port, nodes=nodes, folder=folder)
    (folder / "talkwire.conf").write_text(shipped, "utf-8")
    main = folder / "nginx.conf"
    main.write_text(_MAIN.format(user=user, folder=folder), "utf-8")
    return main


def checked(main: Path) -> str:
    """What `nginx -t` says. :raises CalledProcessError: it does not like it."""
    binary = find()
    assert binary is not None
    told = subprocess.run(
        [binary, "-t", "-p", str(main.parent), "-c", str(main)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return told.stderr


def _until_ready(child: Child, port: int) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        assert child.alive, f"nginx ended:\n{child.last_lines}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
            return
        time.sleep(PAUSE_S)
    raise AssertionError(f"nginx does not listen:\n{child.last_lines}")
