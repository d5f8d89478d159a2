"""A token is good when it is the issuer's, for us, in time, and signed as the settings say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from talkwire.canon.keys import SCOPES, USUAL_SCOPES
from talkwire.web.principals import Principal
from talkwire.web.tokens import Tokens
from tests.web.issuer import AUDIENCE, ISSUER, Pair, claims_of, ec_pair, edited, rsa_pair

SECRET = "a secret of at least thirty-two bytes, and for HS512 of sixty-four"
RSA, EC = rsa_pair("r1"), ec_pair("e1")


def trusting(*pairs: Pair, **given: Any) -> Tokens:
    """Takes tokens that are signed by one of these."""

    async def find(algorithm: str, kid: str | None) -> Any:
        for pair in pairs:
            if pair.kid == kid and pair.alg == algorithm:
                return pair.private.public_key()
        return None

    return Tokens(issuer=ISSUER, audience=AUDIENCE, find_key=find, **given)


def by_secret(**given: Any) -> Tokens:
    return Tokens(issuer=ISSUER, audience=AUDIENCE, secret=SECRET, **given)


async def accepts(tokens: Tokens, token: str) -> Principal | None:
    verified = await tokens.verify(token)
    return None if verified is None else verified[0]


@pytest.mark.parametrize("pair", [RSA, EC], ids=["rsa", "ec"])
async def test_a_good_token_is_its_users(pair: Pair) -> None:
    verified = await trusting(RSA, EC).verify(pair.signs())

    assert verified is not None
    assert verified[0] == Principal("ann", name="ann", scopes=USUAL_SCOPES)
    assert 600 < verified[1] <= 660


async def test_a_secret_serves_too() -> None:
    assert await accepts(by_secret(), jwt.encode(claims_of(), SECRET, "HS256"))
    assert not await accepts(by_secret(), jwt.encode(claims_of(), SECRET[::-1], "HS256"))
    assert not await accepts(by_secret(), jwt.encode(claims_of(), SECRET, "HS512"))
    wide = by_secret(algorithms=("HS512",))
    assert await accepts(wide, jwt.encode(claims_of(), SECRET, "HS512"))


@pytest.mark.parametrize(("claim", "shift_s"), [("exp", -3600), ("nbf", 3600), ("iat", 3600)])
async def test_times_that_are_past_or_to_come_are_refused(claim: str, shift_s: int) -> None:
    # The time is taken in the test: test ids have to be the same in every process of a run.
    claims: dict[str, Any] = {claim: int(time.time()) + shift_s}
    token = RSA.signs(**claims)

    assert await accepts(trusting(RSA), token) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": []},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "local"},
        {"sub": "key:abc"},
        {"sub": "a\nb"},
        {"sub": "a" * 256},
    ],
    ids=str,
)
async def test_claims_that_are_wrong_or_missing_are_refused(claims: dict[str, Any]) -> None:
    token = jwt.api_jws.PyJWS().encode(
        json.dumps(claims_of(**claims)).encode(), RSA.private, "RS256", {"kid": "r1"}
    )

    assert await accepts(trusting(RSA), token) is None


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
async def test_a_time_that_no_clock_will_show_is_refused(claim: str) -> None:
    times: dict[str, Any] = {claim: 10**400}

    assert await accepts(trusting(RSA), RSA.signs(**times)) is None


async def test_a_clock_may_be_wrong_by_the_leeway() -> None:
    now = int(time.time())
    late, early = RSA.signs(exp=now - 30), RSA.signs(nbf=now + 30)

    assert await accepts(trusting(RSA), late)
    assert await accepts(trusting(RSA), early)
    assert not await accepts(trusting(RSA, leeway_s=0), late)
    assert not await accepts(trusting(RSA, leeway_s=0), early)


async def test_one_of_several_audiences_is_enough() -> None:
    assert await accepts(trusting(RSA), RSA.signs(aud=["another", AUDIENCE]))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 5, ["RS256"]])
async def test_a_token_without_a_signature_is_refused(alg: Any) -> None:
    token = edited(RSA.signs(), {"alg": alg, "typ": "JWT", "kid": "r1"})

    for each in (token, token.rpartition(".")[0] + "."):
        assert await accepts(trusting(RSA), each) is None
        assert await accepts(by_secret(), each) is None


async def test_a_public_key_is_no_secret() -> None:
    """The header says HS256, and the signature is made with the RSA key that all can see."""

    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "kid": "r1"}) + b"." + part(claims_of())
    digest = hmac.new(RSA.pem, signed, hashlib.sha256).digest()
    token = signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")

    assert await accepts(trusting(RSA), token.decode()) is None


async def test_only_the_algorithms_of_the_settings_are_taken() -> None:
    assert not await accepts(trusting(RSA, algorithms=("ES256",)), RSA.signs())
    assert not await accepts(trusting(RSA), edited(RSA.signs(), {"alg": "RS512", "kid": "r1"}))
    with pytest.raises(ValueError, match="HS256: no algorithm for public keys"):
        trusting(RSA, algorithms=("RS256", "HS256"))
    with pytest.raises(ValueError, match="none: no algorithm for a secret"):
        by_secret(algorithms=("none",))


async def test_another_keys_signature_is_refused() -> None:
    assert await accepts(trusting(RSA), rsa_pair("r1").signs()) is None


async def test_what_a_header_asks_to_be_understood_is_not() -> None:
    token = RSA.signs({"crit": ["exp"]})

    assert await accepts(trusting(RSA), token) is None


async def test_where_keys_are_is_never_learnt_from_a_token() -> None:
    mallory = rsa_pair("m")
    for header in (
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": mallory.public},
        {"kid": "../../dev/null"},
    ):
        assert await accepts(trusting(RSA), mallory.signs(header)) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "a" * 8000, "e30.e30.", "\0"])
async def test_what_is_no_token_is_refused(text: str) -> None:
    assert await accepts(trusting(RSA), text) is None


@pytest.mark.parametrize(
    ("claim", "scopes"),
    [
        (None, USUAL_SCOPES),
        ("chat", {"chat"}),
        ("openid chat tools", {"chat", "tools"}),
        (["chat", "metrics", 5], {"chat", "metrics"}),
        ("", set()),
        ({"chat": True}, set()),
        (" ".join(sorted(SCOPES)), SCOPES),
    ],
)
async def test_scopes_are_those_that_are_known(claim: Any, scopes: set[str]) -> None:
    principal = await accepts(trusting(RSA), RSA.signs(scope=claim))

    assert principal is not None
    assert principal.scopes == scopes
    assert principal.admin == ("admin" in scopes)


async def test_claims_may_have_other_names() -> None:
    tokens = trusting(RSA, claim_user="email", claim_scopes="roles")

    principal = await accepts(tokens, RSA.signs(email="ann@example.org", roles=["chat"]))

    assert principal is not None
    assert principal.id == "ann@example.org"
    assert principal.scopes == {"chat"}
    assert await accepts(tokens, RSA.signs(roles=["chat"])) is None


REALM: dict[str, Any] = {
    "realm_access": {"roles": ["chatters", "admin", 7]},
    "resource": {"user": {"id": "ann"}},
}


async def test_claims_may_lie_inside_of_others() -> None:
    paths = {"claim_user": "resource.user.id", "claim_scopes": "realm_access.roles"}

    inside = await accepts(trusting(RSA, **paths), RSA.signs(sub=None, **REALM))
    dotted: dict[str, Any] = {"resource.user.id": "bob", "realm_access.roles": "chat"}
    whole = await accepts(trusting(RSA, **paths), RSA.signs(**REALM, **dotted))

    assert inside is not None
    assert (inside.id, inside.admin) == ("ann", True)
    assert inside.scopes == {"admin"}
    assert whole is not None
    assert whole.id == "bob"
    assert whole.scopes == {"chat"}


@pytest.mark.parametrize("claims", [{}, {"resource": "user"}, {"resource": {"user": ["id"]}}])
async def test_a_path_that_leads_nowhere_names_nobody(claims: dict[str, Any]) -> None:
    tokens = trusting(RSA, claim_user="resource.user.id")

    assert await accepts(tokens, RSA.signs(**claims)) is None


async def test_an_issuers_words_open_what_the_settings_say_and_nothing_else() -> None:
    names = {"chatters": ["chat", "sessions:read"], "bosses": ["admin"]}
    tokens = trusting(RSA, claim_scopes="realm_access.roles", scope_names=names)

    principal = await accepts(tokens, RSA.signs(**REALM))
    nothing = await accepts(tokens, RSA.signs())

    assert principal is not None
    assert nothing is not None
    assert principal.scopes == {"chat", "sessions:read"}
    assert not principal.admin
    assert nothing.scopes == frozenset()


def test_a_scope_that_there_is_not_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ValueError, match=r"no such scope: chats; known: .*chat"):
        trusting(RSA, scope_names={"a": ["chats"]})
