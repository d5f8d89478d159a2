"""What every test shares: only how Hypothesis searches. Fixtures live beside their tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: the machine may be busy, and a slow example is no bug. On CI the search is the
# same on every run, so that a red build is about the change and not about luck.
settings.register_profile("talkwire", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("talkwire")
