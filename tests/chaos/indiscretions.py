"""Requests that hold secrets wherever somebody might put one, right or wrong, on every route."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.chaos.betrayer import ORDERS
from tests.chaos.canary import Cage

ISSUER, AUDIENCE = "https://issuer.invalid", "talkwire"
JSON = {"Content-Type": "application/json"}
SSE = {"Accept": "text/event-stream"}
LOG, ANSWER, STORED, REDIS, PROCESS = "the log", "an answer", "storage", "Redis", "a process"
ANY_MODEL = "any-model"
SPOKEN = (ANSWER, STORED, REDIS)  # where what people and models say may be


@dataclass(frozen=True)
class Ask:
    """One request; `body` is sent as it is."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def named(self) -> str:
        """In a few words, without anything secret."""
        asked = re.search(rb"do=[a-z0-9=]+", (self.body or b"") + self.target.encode())
        order = f" {asked[0].decode()}" if asked else ""
        return f"{self.method} {self.target.partition('?')[0][:40]}{order}"


Shown = tuple[dict[str, str], str]  # headers, and what is added to the target


def routes(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Method and path of everything in an OpenAPI document; ids in paths are of nothing."""
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", "nothing", path))
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]


def token(cage: Cage, name: str, secret: str, **claims: Any) -> str:
    """A JSON Web Token; its signature is the secret, and so is what its `jti` tells."""
    jti = cage.new(f"{name}: jti")
    said = {"sub": "jane", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 600, "jti": jti}
    text = jwt.encode(said | claims, secret, algorithm="HS256")
    return cage.held(name, text, text.rpartition(".")[2])


def tokens(cage: Cage, secret: str) -> tuple[str, list[Shown]]:
    """One that is good, and those that are not."""
    other = "another secret that is as long as it has to be"
    wrong = [
        token(cage, "an expired token", secret, exp=time.time() - 9000),
        token(cage, "a token for others", secret, aud="others"),
        token(cage, "a token of others", other),
    ]
    none = jwt.encode({"sub": "jane"}, "", algorithm="none") + cage.new("an unsigned token")
    return token(cage, "a token", secret), [_bearer(text) for text in (*wrong, none)]


def _bearer(text: str) -> Shown:
    return {"Authorization": f"Bearer {text}"}, ""


def credentials(cage: Cage, dead: Sequence[str]) -> list[Shown]:
    """Whatever opens nothing: wrong keys, schemes and places. `dead` are keys that did once."""
    new = cage.new
    basic = base64.b64encode(f"jane:{new('a password')}".encode()).decode()
    return [
        *(_bearer(text) for text in dead),
        _bearer(f"tw_nobody_{new('a key of ours that is none')}"),
        _bearer(new("a key of a provider", "sk-proj-{}")),
        _bearer(new("a word as a key")),
        _bearer(new("a key that is too long", "{}" + "x" * 9000)),
        ({"Authorization": new("a key without a scheme")}, ""),
        ({"Authorization": f"Basic {basic}"}, ""),
        ({"Authorization": f"Token {new('a key under another scheme')}"}, ""),
        ({"Authorization": new("a digest", 'Digest username="jane", response="{}"')}, ""),
        ({"X-API-Key": new("a key in its own header")}, ""),
        (_bearer(new("one of two keys"))[0] | {"X-API-Key": new("the other of two keys")}, ""),
        ({"Cookie": f"a=b; session={new('a cookie')}"}, ""),
        ({"Proxy-Authorization": f"Bearer {new('a key for a proxy')}"}, ""),
        ({"X-Auth-Token": new("a key in a header that is none")}, ""),
        ({}, f"?key={new('a key in the query')}"),
        ({}, f"?token={new('a token in the query')}&api_key={new('another in the query')}"),
        ({}, f"?ticket={new('a ticket that is none')}"),
        ({}, f"?ticket=a&ticket={new('the second ticket')}"),
    ]


def bodies(cage: Cage, base_url: str) -> list[tuple[dict[str, str], bytes]]:
    """Content types and bodies for every route that takes one; some are as they should be."""
    new = cage.new
    key = new("a key in a field that is none")
    variable = new("a variable", told=SPOKEN)
    caller = {"api_key": new("a key of the caller's"), "base_url": base_url}
    prompt = new("the prompt", "{} hello", told=SPOKEN)
    good = {"input": prompt, "content": prompt, "text": "hello", "session_id": "s-bodies"}
    odd: list[Any] = [
        {"api_key": key, "apiKey": key, "headers": {"Authorization": f"Bearer {key}"}},
        {"api_key": {"value": new("a key in an object")}, "model_config": caller},
        {"model_config": new("a key instead of a group")},
        {"model_config": {"api_key": [new("a key in a list")], "temperature": "hot"}},
        {"input": {"api_key": new("a key instead of text")}},
        {"input": [{"type": "text", "text": 7, "key": new("a key in a part")}]},
        {"temperature": new("a key instead of a number")},
        {"max_output_tokens": new("a key for a count"), "maxOutputTokens": "x"},
        {"session_id": f"a {new('a key for a session')}", "sessionId": "a b"},
        {"on_busy": new("a key for a choice"), "temperature": 9},
        {
            "prompt_variables": {"a": {"b": new("a key in a variable")}},
            "promptVariables": {"a": {}},
        },
        {"prompt_variables": {"a": variable}, "promptVariables": {"a": variable}},
        {"prompt": f"no {new('a key for a template')}", "systemPromptName": "a b"},
        {"tools": [{"server": {"env": {"KEY": new("a key in a list of tools")}}}]},
        {"messages": [{"role": new("a key for a role"), "content": 1}]},
        {"text": new("a template", told=SPOKEN), "description": 7},
    ]
    whole = [json.dumps(good | each).encode() for each in odd]
    half = new("a key in half a body").encode()
    broken = [
        b'{"input": "hi", "api_key": "' + half,
        b'{"input": "\xff' + half + b'"}',
        b'["' + half + b'"]',
        b'{"input": "\\ud800", "api_key": "' + half + b'"}',
        b'{"input": "x", "a": ' + b"[" * 100 + b'"' + half + b'"' + b"]" * 100 + b"}",
        b'{"input": "hi", "api_key": "' + half * 12_000 + b'"}',
    ]
    form = f"input=hi&api_key={new('a key in a form')}".encode()
    return [
        *((JSON, body) for body in (*whole, *broken)),
        ({"Content-Type": "application/x-www-form-urlencoded"}, form),
        ({"Content-Type": f"application/json; charset={new('a key in a type')}"}, b"{}"),
        (JSON | {"Last-Event-ID": new("a key for a cursor")}, b'{"input": "hi"}'),
        (JSON | {"X-Much": new("a key in a long header") * 2000}, b'{"input": "hi"}'),
    ]


def everywhere(paths: Sequence[tuple[str, str]], shown: Sequence[Shown]) -> Iterator[Ask]:
    """Each way to show a secret, on each route."""
    for method, path in paths:
        for headers, query in shown:
            body = None if method in ("GET", "DELETE") else b"{}"
            yield Ask(method, path + query, headers | (JSON if body else {}), body)


def written(
    paths: Sequence[tuple[str, str]],
    key: Mapping[str, str],
    given: Sequence[tuple[dict[str, str], bytes]],
) -> Iterator[Ask]:
    """Each body, on each route that takes one, by somebody who may."""
    for method, path in paths:
        if method in ("POST", "PUT", "PATCH"):
            for headers, body in given:
                yield Ask(method, path, {**key, **headers, **SSE}, body)


def upstream(cage: Cage, key: Mapping[str, str], models: Sequence[str]) -> Iterator[Ask]:
    """Turns on both wires whose model does whatever a model can do wrong."""
    prompt = cage.new("the prompt of a model that fails", told=SPOKEN)
    for model in models:
        # A model of the environment is waited for as long as is usual.
        orders = [each for each in ORDERS if each != "stall" or model != ANY_MODEL]
        for number, order in enumerate(orders):
            said = {"input": f"{prompt} do={order} now", "model": model, "tools": []}
            body = json.dumps(said | {"session_id": f"s-{model}-{number}"}).encode()
            for path in ("/turns", "/chat/stream"):
                yield Ask("POST", path, {**key, **JSON, **SSE}, body)
            query = f"?input=do={order}+now&model={model}&voiceId=mine&key={prompt}"
            yield Ask("GET", f"/chat/stream{query}", dict(key))


def callers(cage: Cage, key: Mapping[str, str], base_url: str) -> Iterator[Ask]:
    """Turns on a model of the caller's own, with a key of the caller's own, that goes wrong."""
    secret, prompt = cage.new("the caller's key", "Ca{}"), cage.new("a prompt", told=SPOKEN)
    for number, order in enumerate(each for each in ORDERS if each != "stall"):
        said = f"{prompt} do={order} now"
        model = {"model_name": "m", "api_key": secret, "base_url": base_url}
        body = {"session_id": f"c-{number}", "model_config": model}
        stream = json.dumps({**body, "content": said}).encode()
        yield Ask("POST", "/api/chat/stream", {**key, **JSON, **SSE}, stream)
        direct = json.dumps({**body, "messages": [{"role": "user", "content": said}]}).encode()
        yield Ask("POST", "/api/chat/stream/direct", {**key, **JSON, **SSE}, direct)
    wrong = (f"http://jane:{secret}@h/v1", f"ftp://h/{secret}", f"http://[{secret}", secret)
    for url in wrong:
        model = {"api_key": secret, "base_url": url}
        more = json.dumps({"session_id": "c", "content": "hi", "model_config": model}).encode()
        yield Ask("POST", "/api/chat/stream", {**key, **JSON, **SSE}, more)


def strange(cage: Cage, key: Mapping[str, str]) -> Iterator[Ask]:
    """Paths and methods that are none."""
    secret = cage.new("a key on a path that is none", "sk-{}")
    for path in ("/nothing", f"/nothing/{secret}", f"//health?key={secret}", "/docs", "/metrics"):
        yield Ask("GET", path, dict(key))
        yield Ask("GET", path)
    for method, path in (("DELETE", "/turns"), ("PUT", "/chat/stream"), ("PATCH", "/health")):
        yield Ask(method, f"{path}?key={secret}", {**key, **JSON}, b"{}")
    yield Ask("GET", "/", {"Accept": "text/html", "Cookie": f"key={secret}"})
    yield Ask("GET", f"http://jane:{secret}@127.0.0.1/prompts", dict(key))
    again = {**key, **JSON, "Idempotency-Key": "once"}
    for said in ("a", "b"):
        body = json.dumps({"input": said, "api_key": cage.new(f"a key in a repeated {said}")})
        yield Ask("POST", "/turns", again, body.encode())
