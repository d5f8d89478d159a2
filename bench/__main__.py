"""`python -m bench`: measures Talkwire beside the server a user would write and beside nginx."""

from __future__ import annotations

import sys

from bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
