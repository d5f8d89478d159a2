"""A server that takes the tokens of an identity provider: whose, what for, and after new keys."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from jwt.utils import base64url_encode

from tests.e2e.servers import Server
from tests.e2e.wire_client import ask
from tests.web.issuer import AUDIENCE, ISSUER, KeySetServer, Pair, claims_of, rsa_pair

OLD, NEW, STRANGER = rsa_pair("old"), rsa_pair("new"), rsa_pair("old")
CHAT, BOSS = {"realm_access": {"roles": ["chatters"]}}, {"realm_access": {"roles": ["bosses"]}}
Fresh = Callable[..., Server]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _confused(pair: Pair) -> str:
    """Signed with the public key, as if that were a secret."""
    head = {"alg": "HS256", "typ": "JWT", "kid": pair.kid}
    parts = [base64url_encode(json.dumps(each).encode()) for each in (head, claims_of(**CHAT))]
    signed = b".".join(parts)
    signature = base64url_encode(hmac.new(pair.pem, signed, hashlib.sha256).digest())
    return b".".join([signed, signature]).decode()


async def test_tokens_open_what_their_roles_say_and_new_keys_are_found(
    fresh_server: Fresh,
) -> None:
    async with KeySetServer(OLD.public) as issuer:
        jwt: dict[str, Any] = {
            "jwks_url": issuer.address,
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "claim_scopes": "realm_access.roles",
            "scope_names": {"chatters": ["chat", "sessions:read"], "bosses": ["admin"]},
        }
        config = {"auth": {"mode": "keys", "jwt": jwt}}
        server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()

        async def status(token: str, path: str = "/nodes", **body: Any) -> int:
            method = "POST" if body else "GET"
            given = body or None
            return (await ask(server.port, method, path, body=given, headers=_bearer(token)))[0]

        ann, bob = OLD.signs(**CHAT), OLD.signs(sub="bob", **CHAT)
        asked = {"input": "hi", "session_id": "anns"}
        assert await status(ann, "/turns", **asked) == 202
        assert await status(ann, "/sessions/anns") == 200
        assert await status(bob, "/sessions/anns") == 404
        assert await status(ann) == await status(ann, "/health/detailed") == 403
        boss = OLD.signs(sub="boss", **BOSS)
        assert await status(boss) == await status(boss, "/health/detailed") == 200
        forged = [_confused(OLD), STRANGER.signs(**CHAT), OLD.signs(aud="other", **CHAT), "a.b.c"]
        assert [await status(token) for token in forged] == [401] * 4
        assert await status(OLD.signs(**{"realm_access": {"roles": ["admin"]}})) == 403

        # Keys are asked for anew five seconds after the last time at the soonest.
        issuer.keys = [NEW.public]
        before = issuer.asked
        statuses = [await status(NEW.signs(**BOSS)) for _ in range(20)]
        assert issuer.asked - before <= 1
        assert set(statuses) <= {200, 401}


async def test_the_first_token_after_new_keys_is_taken(fresh_server: Fresh) -> None:
    async with KeySetServer(OLD.public) as issuer:
        jwt = {"jwks_url": issuer.address, "issuer": ISSUER, "audience": AUDIENCE}
        config = {"auth": {"mode": "keys", "jwt": jwt}}
        prelude = "from talkwire.web import tokens_keyset; tokens_keyset._AGAIN_S = 0.0"
        server = fresh_server(config=config, env={"USE_MOCK": "1"}, prelude=prelude)
        await server.start()

        async def asks(pair: Pair) -> int:
            headers = _bearer(pair.signs())
            return (await ask(server.port, "POST", "/turns", body={"input": "a"}, headers=headers))[
                0
            ]

        old = await asks(OLD)
        issuer.keys = [NEW.public]
        new = await asks(NEW)

    assert (old, new, issuer.asked) == (202, 202, 2)
