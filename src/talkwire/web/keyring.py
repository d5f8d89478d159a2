"""From a credential to a principal, remembered for a few seconds.

So long, and no longer, a revoked key still opens something: on every node, and for streams that
are open already. Remembered is the credential's SHA-256, not the credential.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from talkwire.canon.errors import TalkwireError
from talkwire.canon.keys import ApiKey
from talkwire.web.admission import Admission
from talkwire.web.principals import Principal

FRESH_S = 2.5  # how long a credential is remembered
CHECK_EVERY_S = 1.5  # how often the keys of open streams are looked at
_USED_EVERY_S = 60.0
_MOST = 10_000  # credentials remembered
_LONGEST = 8192  # characters of a credential
_log = logging.getLogger(__name__)


class Keys(Protocol):
    """What is asked of the store of keys."""

    async def find(self, text: str) -> ApiKey | None: ...
    async def open(self, key_ids: Collection[str]) -> set[str]: ...
    async def used(self, at: Mapping[str, int]) -> None: ...


Verify = Callable[[str], Awaitable[tuple[Principal, float] | None]]
Found = tuple[Principal, float]


class Keyring:
    """All credentials that are known here: API keys, and tokens where `verify` is given.

    `verify` gives the principal of a token and for how many seconds it is good, None if it is not.
    """

    def __init__(self, keys: Keys, verify: Verify | None = None) -> None:
        self._keys = keys
        self._verify = verify
        self._known: dict[bytes, Found] = {}
        self._asking: dict[bytes, asyncio.Task[Found | None]] = {}
        self._used: dict[str, int] = {}

    async def principal(self, credential: str) -> Principal | None:
        """Whose it is; None if it opens nothing. Waits for nothing where it is remembered.

        :raises StorageUnavailable, Unavailable: that cannot be told now.
        """
        if len(credential) > _LONGEST:
            return None
        digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()
        found = self._known.get(digest)
        if found is not None and found[1] > _now():
            return found[0]
        asking = self._asking.get(digest)
        if asking is None:  # of many requests that come at once, one looks it up
            asking = asyncio.ensure_future(self._look_up(credential))
            self._asking[digest] = asking
            asking.add_done_callback(lambda done: self._remember(digest, done))
        found = await asyncio.shield(asking)
        return None if found is None else found[0]

    async def still(self, principal: Principal) -> bool:
        """The key that the principal came with has not been revoked since."""
        key_id = principal.key_id
        return key_id is None or key_id in await self._keys.open([key_id])

    def drop(self, _ids: Sequence[str] = ()) -> None:
        """Remember nothing: keys have changed. Fits `Signals.hear`."""
        self._known.clear()

    async def watch(self, admission: Admission) -> None:
        """For ever: cut the streams of keys that open nothing any more, and note which were used.

        While the database is away, streams go on.
        """
        noted = _now()
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self.check(admission)
                if _now() - noted >= _USED_EVERY_S:
                    noted = _now()
                    await self._note()
            except TalkwireError as error:
                _log.warning("keys.not_checked: %s", error.message)

    async def check(self, admission: Admission) -> None:
        """Cut the streams of keys that open nothing any more."""
        following = admission.key_ids()
        if following:
            closed = following - await self._keys.open(following)
            if closed:
                self.drop()  # who is cut comes back at once, and must not be remembered then
            if closed and admission.cut(closed):
                _log.info("keys.streams_cut: %s", ", ".join(sorted(closed)))

    async def _note(self) -> None:
        used, self._used = self._used, {}
        if used:
            await self._keys.used(used)

    async def _look_up(self, credential: str) -> Found | None:
        at = _now()
        if credential.startswith("tw_"):
            key = await self._keys.find(credential)
            if key is None:
                return None
            self._used[key.id] = time.time_ns() // 1_000_000
            return _principal(key), at + FRESH_S
        verified = await self._verify(credential) if self._verify is not None else None
        if verified is None:
            return None
        principal, good_s = verified
        return principal, at + min(FRESH_S, good_s)

    def _remember(self, digest: bytes, done: asyncio.Task[Found | None]) -> None:
        del self._asking[digest]
        if done.cancelled() or done.exception() is not None:
            return
        found = done.result()
        self._known.pop(digest, None)
        if found is not None:
            self._known[digest] = found
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]


def _principal(key: ApiKey) -> Principal:
    return Principal(
        id=key.owner,
        key_id=key.id,
        name=key.name,
        admin=key.admin,
        scopes=key.scopes,
        rpm=key.rpm,
        tpm=key.tpm,
    )


def _now() -> float:
    return time.monotonic()
