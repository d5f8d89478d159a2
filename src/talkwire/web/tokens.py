"""JSON Web Tokens of one issuer to principals.

The algorithms are those of the settings, never of the token; what a token says about where keys
are (`jku`, `x5u`, `jwk`) is not read, and one with `crit` is refused.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import jwt

from talkwire.canon.keys import SCOPES, USUAL_SCOPES, is_user
from talkwire.web.principals import LOCAL, Principal

BY_SECRET = ("HS256",)
BY_KEY_SET = ("RS256", "ES256")
_SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
_ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

FindKey = Callable[[str, str | None], Awaitable[Any]]


class Tokens:
    """What is asked of a token: issuer, audience, a time of expiry, and a signature.

    Either `secret`, or `find_key(algorithm, kid)`, which gives a public key of the kind that the
    algorithm needs, None where there is none.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        secret: str | None = None,
        find_key: FindKey | None = None,
        algorithms: Collection[str] = (),
        claim_user: str = "sub",
        claim_scopes: str = "scope",
        leeway_s: float = 60.0,
    ) -> None:
        """:raises ValueError: algorithms that do not go with a secret, or with public keys."""
        self._secret = secret
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience
        self._algorithms = tuple(algorithms) or (BY_SECRET if secret else BY_KEY_SET)
        wrong = set(self._algorithms) - (_SYMMETRIC if secret else _ASYMMETRIC)
        if wrong:
            kind = "a secret" if secret else "public keys"
            raise ValueError(f"{', '.join(sorted(wrong))}: no algorithm for {kind}")
        self._claim_user = claim_user
        self._claim_scopes = claim_scopes
        self._leeway_s = leeway_s

    async def verify(self, text: str) -> tuple[Principal, float] | None:
        """The token's principal, and for how many seconds it is good; None if it is not.

        :raises Unavailable: the issuer's keys cannot be had now.
        """
        try:
            header = jwt.get_unverified_header(text)
        except jwt.PyJWTError:
            return None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._algorithms or "crit" in header:
            return None
        key: Any = self._secret
        if self._find_key is not None:
            key = await self._find_key(algorithm, kid)
        if key is None:
            return None
        try:
            claims = self._claims(text, key, algorithm)
        except jwt.PyJWTError:
            return None
        return self._principal(claims)

    def _claims(self, text: str, key: Any, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=self._leeway_s,
            options={"require": ["exp", "iss", "aud", self._claim_user]},
        )

    def _principal(self, claims: Mapping[str, Any]) -> tuple[Principal, float] | None:
        user = claims[self._claim_user]
        if not isinstance(user, str) or not is_user(user) or user == LOCAL.id:
            return None
        scopes = _scopes(claims.get(self._claim_scopes))
        good_s = float(claims["exp"]) + self._leeway_s - time.time()
        return Principal(id=user, name=user, admin="admin" in scopes, scopes=scopes), good_s


def _scopes(claimed: object) -> frozenset[str]:
    """Those that are known of a list or of words; the usual ones where nothing is said."""
    if claimed is None:
        return USUAL_SCOPES
    words = claimed.split() if isinstance(claimed, str) else claimed
    if not isinstance(words, list):
        return frozenset()
    return SCOPES.intersection(word for word in words if isinstance(word, str))
