"""Workers of one loading of the code: they are forked, one by one, from a process that holds it."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, cast

_LAST_S = 5.0


class Generation:
    """Starts the process (see `nursery.py`), which loads the code as it is now.

    It gets `command`, the number of its end of a link, and those of `sockets`; `asked` it reads.
    """

    def __init__(
        self, command: Sequence[str], sockets: Sequence[socket.socket], asked: Mapping[str, Any]
    ) -> None:
        self._link, theirs = socket.socketpair()
        inherited = [theirs.fileno(), *(each.fileno() for each in sockets)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this program itself, and numbers
                [*command, *map(str, inherited)], pass_fds=inherited, stdin=subprocess.PIPE
            )
        # Not in the command line, which everybody on this machine can read.
        with suppress(OSError), cast(IO[bytes], self._process.stdin) as words:
            words.write(json.dumps(asked).encode())

    @property
    def ended(self) -> bool:
        """True once the process is over, and collected. Its workers may live on."""
        return self._process.poll() is not None

    def bear(self, lifeline: socket.socket) -> None:
        """Have a worker born with this end of its lifeline, of which the caller keeps none.

        Where the process is dead, nobody has the lifeline then, which its other end hears.
        """
        with suppress(OSError):
            socket.send_fds(self._link, [b"."], [lifeline.fileno()])

    def close(self) -> None:
        """No more workers are wanted of it: the process ends after the last one."""
        self._link.close()

    def kill(self) -> None:
        """End the process, whatever it does; not its workers."""
        if not self.ended:
            self._process.kill()

    def finish(self) -> None:
        """With its last worker ended: wait for the process to end too."""
        self.close()
        try:
            self._process.wait(_LAST_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
