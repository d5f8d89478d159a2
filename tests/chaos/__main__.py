"""`python -m tests.chaos [STORM …]`: hurt the server and count what its clients saw.

Storms: one (a single server on SQLite, killed again and again), nodes, cuts, storage, rolling,
links, posts, aborts, tools, access, canaries. Without a name all of them, one after the other; with
options that are only the first one's (`--kills`, `--zombies`, `--on-lost`, `--readers`), that one.
Each ends in a table with its seed; the status is 0 when all are green and each control
(`--controls`, of `one`, `nodes`, `posts`, `aborts`, `tools`, `access` and `canaries`) is red.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.chaos import (
    aborts,
    access,
    canaries,
    cuts,
    links,
    nodes,
    one,
    posts,
    rolling,
    storage,
    tools,
    toolstorm,
)
from tests.chaos.crowd import Load
from tests.chaos.household import PRINTING, UNREDACTED
from tests.chaos.printing import Outcome, show
from tests.chaos.toolcases import AGAIN
from tests.e2e.matrix import OWNERLESS

NAMES = (
    *("one", "nodes", "cuts", "storage", "rolling", "links", "posts", "aborts", "tools"),
    *("access", "canaries"),
)
BOUND_S = 900.0
Run = Callable[[Path], Awaitable[Outcome]]


def main(argv: Sequence[str] | None = None) -> int:
    parser = _arguments()
    given = parser.parse_args(argv)
    if unknown := set(given.storm) - set(NAMES):
        parser.error(f"no such storm: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    first = any(each is not None for each in (given.kills, given.zombies, given.on_lost))
    wanted = given.storm or (["one"] if first or given.readers != 5 else list(NAMES))
    good = [_storm(name, given) for name in wanted]
    return 0 if all(good) else 1


def _storm(name: str, given: argparse.Namespace) -> bool:
    """Those without a control of their own here, and then those with one."""
    match name:
        case "cuts":
            asked = cuts.Options(seed=given.seed, cuts=given.cuts or 5000)
            return _run(lambda folder: cuts.run(asked, folder)).green
        case "storage":
            hurt = storage.Options(seed=given.seed)
            hurt = replace(hurt, load=_load(hurt.load, given))
            return _run(lambda folder: storage.run(hurt, folder)).green
        case "rolling":
            rolled = rolling.Options(seed=given.seed, restarts=given.restarts or 20)
            rolled = replace(rolled, load=_load(rolled.load, given))
            return _run(lambda folder: rolling.run(rolled, folder)).green
        case "links":
            linked = links.Options(seed=given.seed)
            linked = replace(linked, load=_load(linked.load, given))
            return _run(lambda folder: links.run(linked, folder)).green
        case _:
            controlled = {"one": one.main, "nodes": _nodes, "posts": _posts, "aborts": _aborts}
            controlled |= {"tools": _tools, "access": _access, "canaries": _canaries}
            return controlled[name](given)


def _posts(given: argparse.Namespace) -> bool:
    options = posts.Options(seed=given.seed)
    good = _run(lambda folder: posts.run(options, folder)).green
    if given.controls:
        setup = replace(options.setup, prelude=posts.FORGETFUL)
        control = replace(options, keys=10, kills=0, setup=setup)
        good &= not _run(lambda folder: posts.run(control, folder)).verdict.green
    return good


def _aborts(given: argparse.Namespace) -> bool:
    options = aborts.Options(seed=given.seed)
    good = _run(lambda folder: aborts.run(options, folder)).green
    if given.controls:
        setup = replace(options.setup, prelude=aborts.UNSEALED)
        control = replace(options, aborts=300, setup=setup)
        good &= not _run(lambda folder: aborts.run(control, folder)).verdict.green
    return good


def _tools(given: argparse.Namespace) -> bool:
    """At each step once, then at random."""
    at_steps = [
        tools.Options(on_lost=on_lost, seed=given.seed) for on_lost in ("auto", "continue", "fail")
    ]
    good = all([_run(partial(tools.run, options)).green for options in at_steps])
    options = toolstorm.Options(seed=given.seed)
    good &= _run(lambda folder: toolstorm.run(options, folder)).green
    if given.controls:
        control = replace(options, kills=20, prelude=AGAIN)
        good &= not _run(lambda folder: toolstorm.run(control, folder)).verdict.green
    return good


def _access(given: argparse.Namespace) -> bool:
    good = _run(partial(access.run, access.Options())).green
    if given.controls:
        control = access.Options(prelude=OWNERLESS)
        good &= not _run(partial(access.run, control)).verdict.green
    return good


def _canaries(given: argparse.Namespace) -> bool:
    options = canaries.Options(seed=given.seed)
    good = _run(partial(canaries.run, options)).green
    for control in (UNREDACTED, PRINTING) if given.controls else ():
        off = replace(options, many=False, brief=True, prelude=control)
        good &= not _run(partial(canaries.run, off)).verdict.green
    return good


def _load(usual: Load, given: argparse.Namespace) -> Load:
    return replace(usual, turns=given.turns) if given.turns else usual


def _nodes(given: argparse.Namespace) -> bool:
    plain = nodes.Options(seed=given.seed)
    options = replace(
        plain,
        kills=given.kills if given.kills is not None else plain.kills,
        zombies=given.zombies if given.zombies is not None else plain.zombies,
        seconds=given.seconds or plain.seconds,
        load=_load(plain.load, given),
        setup=replace(plain.setup, on_lost=given.on_lost or plain.setup.on_lost),
    )
    good = _run(lambda folder: nodes.run(options, folder)).green
    if given.controls:
        no_ahead = replace(options, setup=replace(options.setup, write_ahead=False))
        no_fence = replace(options, setup=replace(options.setup, fence=False))
        good &= not _run(lambda folder: nodes.run(no_ahead, folder)).verdict.green
        good &= not _run(lambda folder: nodes.run(no_fence, folder)).verdict.green
    return good


def _run(storm: Run) -> Outcome:
    async def bounded(folder: Path) -> Outcome:
        async with asyncio.timeout(BOUND_S):
            return await storm(folder)

    folder = Path(tempfile.mkdtemp(prefix="talkwire-chaos-"))
    outcome = asyncio.run(bounded(folder))
    show(outcome)
    if outcome.green:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"The logs are in {folder}")
    return outcome


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("storm", nargs="*", metavar="STORM", help="which; all without one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="no more blows after that (one, nodes)")
    parser.add_argument("--turns", type=int, help="turns at a time")
    parser.add_argument("--kills", type=int, help="how many kill -9 (one: 200, nodes: 60)")
    parser.add_argument("--zombies", type=int, help="how many freezes (one: kills / 13, nodes: 15)")
    parser.add_argument("--on-lost", choices=["auto", "continue", "fail"], help="(one, nodes)")
    parser.add_argument("--readers", type=int, default=5, help="readers of each turn (one)")
    parser.add_argument("--controls", action="store_true", help="also prove that it can fail")
    parser.add_argument("--cuts", type=int, help="how many connections are cut (cuts: 5000)")
    parser.add_argument("--restarts", type=int, help="how many rolling restarts (rolling: 20)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
