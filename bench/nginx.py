"""nginx as the limit: one worker that relays the upstream's own bytes, unbuffered."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

_CONFIG = """\
{user}daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 10000000;
    keepalive_timeout 600s;
    upstream openai {{
        server 127.0.0.1:{upstream};
        keepalive 4096;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://openai;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


def find() -> str | None:
    """The path of nginx, or None where it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def version(binary: str) -> str:
    """Such as `1.22.1`."""
    told = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=True)
    found = re.search(r"nginx/(\S+)", told.stderr)
    return found.group(1) if found else "unknown"


def configure(folder: Path, *, port: int, upstream: int) -> Path:
    """Writes the configuration into the folder; returns its path."""
    # A worker of root's master changes to a user that cannot read a private folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(_CONFIG.format(user=user, folder=folder, port=port, upstream=upstream))
    return path
