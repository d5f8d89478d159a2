"""An issuer of tokens: real keys, and its key set on a real socket."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.e2e.listening import Listening

ISSUER, AUDIENCE = "https://id.example", "talkwire"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Pair:
    """A private key, and the public one as key sets tell it."""

    kid: str
    private: Private
    alg: str

    @property
    def public(self) -> dict[str, Any]:
        match self.private:
            case rsa.RSAPrivateKey():
                told = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case ec.EllipticCurvePrivateKey():
                told = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case _:
                told = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        told = {k: v for k, v in told.items() if k != "key_ops"}
        return {**told, "kid": self.kid, "use": "sig"}

    @property
    def pem(self) -> bytes:
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signs(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        return jwt.encode(
            claims_of(**claims), self.private, self.alg, {"kid": self.kid, **(headers or {})}
        )


def rsa_pair(kid: str, bits: int = 2048) -> Pair:
    return Pair(kid, rsa.generate_private_key(65537, bits), "RS256")


def ec_pair(kid: str, curve: ec.EllipticCurve | None = None, alg: str = "ES256") -> Pair:
    return Pair(kid, ec.generate_private_key(curve or ec.SECP256R1()), alg)


def claims_of(**claims: Any) -> dict[str, Any]:
    """Good claims, with these instead; None leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600}
    return {k: v for k, v in {**good, **claims}.items() if v is not None}


@dataclass
class Answer:
    status: str = "200 OK"
    body: bytes | None = None
    headers: tuple[str, ...] = field(default=())


class KeySetServer(Listening):
    """Serves `keys`, or `answer` where it is given; counts how often it was asked."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        super().__init__()
        self.keys = list(keys)
        self.answer = Answer()
        self.asked = 0
        self.stalls = False

    @property
    def address(self) -> str:
        return f"{self.url}/keys.json"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.stalls:
                await asyncio.sleep(60)
            body = self.answer.body
            if body is None:
                body = json.dumps({"keys": self.keys}).encode()
            head = [f"HTTP/1.1 {self.answer.status}", f"Content-Length: {len(body)}"]
            head += ["Connection: close", *self.answer.headers, "", ""]
            writer.write("\r\n".join(head).encode() + body)
            await writer.drain()
        finally:
            writer.close()


def edited(token: str, header: dict[str, Any]) -> str:
    """The token with another header and its old signature."""
    _, claims, signature = token.split(".")
    raw = jwt.utils.base64url_encode(json.dumps(header).encode())
    return ".".join([raw.decode(), claims, signature])
