"""The public keys of a token's issuer: one address, fetched with time-outs, kept for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from talkwire.canon.errors import Unavailable

_KEPT_S = 300.0  # after so long the set is fetched again
_STALE_S = 3600.0  # and for so long it is still used where that fails
_AGAIN_S = 5.0  # fetched no more often, whatever keys tokens name
_TIMEOUT_S = 5.0
_MOST_BYTES = 262_144
_RSA_BITS = 2048
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_log = logging.getLogger(__name__)


class KeySet:
    """The key set at `url`, an address of the settings. Redirects are not followed."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: list[dict[str, Any]] = []
        self._fetched: float | None = None
        self._tried: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, algorithm: str, kid: str | None) -> Any:
        """A public key of the kind that the algorithm needs; None if the issuer has none.

        A `kid` that is not known is looked for in a fresh set, as after a change of keys. Without
        a `kid` the set must hold one key of the kind.

        :raises Unavailable: the set cannot be had, and none was had lately.
        """
        if self._age() > _KEPT_S:
            await self._fetch()
        found = self._pick(algorithm, kid)
        if found is None:
            await self._fetch()
            found = self._pick(algorithm, kid)
        return found

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _pick(self, algorithm: str, kid: str | None) -> Any:
        fitting = [
            each
            for each in self._keys
            if _fits(each, algorithm) and (kid is None or each.get("kid") == kid)
        ]
        return _key(fitting[0], algorithm) if len(fitting) == 1 else None

    async def _fetch(self) -> None:
        asked = self._clock()
        async with self._lock:
            if self._fetched is not None and self._fetched >= asked:
                return  # somebody else has, meanwhile
            if self._tried is None or asked - self._tried >= _AGAIN_S:
                self._tried = self._clock()
                try:
                    self._keys = await _get(self._url)
                    self._fetched = self._clock()
                except (OSError, ValueError) as error:
                    _log.warning("jwks.not_fetched: %s", type(error).__name__)
            if self._age() > _STALE_S:
                raise Unavailable("The keys that tokens are checked with cannot be had.")


async def _get(url: str) -> list[dict[str, Any]]:
    """:raises OSError: no answer. :raises ValueError: another one than a key set."""
    import httpx2  # a tenth of a second that few need

    client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT_S)
    body = bytearray()
    try:
        async with asyncio.timeout(_TIMEOUT_S), client, client.stream("GET", url) as response:
            if response.status_code != 200:
                raise ValueError(f"status {response.status_code}")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ValueError("too large")
    except httpx2.HTTPError as error:
        raise OSError(type(error).__name__) from None
    found = json.loads(body)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        raise ValueError("no key set")
    return [key for key in keys if isinstance(key, dict)]


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    """The key is meant for signatures of this algorithm."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    match algorithm[:2]:
        case "RS" | "PS":
            return key.get("kty") == "RSA"
        case "ES":
            return key.get("kty") == "EC" and key.get("crv") == _CURVES[algorithm]
        case _:
            return key.get("kty") == "OKP"


def _key(found: dict[str, Any], algorithm: str) -> Any:
    """The public key; None where it is broken, private or too short to be safe."""
    if "d" in found:
        return None
    try:
        key = jwt.PyJWK(found, algorithm).key
    except PyJWTError:
        return None
    return key if getattr(key, "key_size", _RSA_BITS) >= _RSA_BITS or "crv" in found else None
