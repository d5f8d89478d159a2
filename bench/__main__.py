"""`python -m bench`: measures Talkwire beside the server a user would write and beside nginx."""

from __future__ import annotations

import signal
import sys

from bench.cli import main

if __name__ == "__main__":
    # Ended from outside, a run still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
