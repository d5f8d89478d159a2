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
    algorithm needs, None where there is none. Claims are named as they are, or by a path into
    them: `realm_access.roles`. With `scope_names`, which give what an issuer calls things their
    scopes, no other word of the claim opens anything.
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
        scope_names: Mapping[str, Collection[str]] | None = None,
        leeway_s: float = 60.0,
    ) -> None:
        """:raises ValueError: algorithms that do not go with a secret, or with public keys; or
        names for scopes that there are not.
        """
        self._secret = secret
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience
        self._algorithms = tuple(algorithms) or (BY_SECRET if secret else BY_KEY_SET)
        wrong = set(self._algorithms) - (_SYMMETRIC if secret else _ASYMMETRIC)
        if wrong:
            kind = "a secret" if secret else "public keys"
            raise ValueError(f"{', '.join(sorted(wrong))}: no algorithm for {kind}")
        names = dict(scope_names or {})
        unknown = {scope for scopes in names.values() for scope in scopes} - SCOPES
        if unknown:
            known = ", ".join(sorted(SCOPES))
            raise ValueError(
                f"auth.jwt.scope_names: no such scope: {', '.join(sorted(unknown))}; known: {known}"
            )
        self._scope_names = names
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
            return self._principal(self._claims(text, key, algorithm))
        except (jwt.PyJWTError, OverflowError):  # the latter: a time that no clock will show
            return None

    def _claims(self, text: str, key: Any, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=self._leeway_s,
            options={"require": ["exp", "iss", "aud"]},
        )

    def _principal(self, claims: Mapping[str, Any]) -> tuple[Principal, float] | None:
        user = claimed(claims, self._claim_user)
        if not isinstance(user, str) or not is_user(user) or user == LOCAL.id:
            return None
        scopes = _scopes(claimed(claims, self._claim_scopes), self._scope_names)
        good_s = float(claims["exp"]) + self._leeway_s - time.time()
        return Principal(id=user, name=user, admin="admin" in scopes, scopes=scopes), good_s


def claimed(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this name, which may have dots in it, or else at the end of this path."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _scopes(said: object, names: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Those that are known of a list or of words; the usual ones where nothing is said."""
    if said is None:
        return frozenset() if names else USUAL_SCOPES
    words = said.split() if isinstance(said, str) else said
    if not isinstance(words, list):
        return frozenset()
    given = [word for word in words if isinstance(word, str)]
    if names:
        return frozenset(scope for word in given for scope in names.get(word, ()))
    return SCOPES.intersection(given)
