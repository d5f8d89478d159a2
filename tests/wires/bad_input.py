"""Bad requests as data, more than 150 for each wire: none may start a turn, hang or be a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ANY_4XX = frozenset(range(400, 500))
TURN = "t_" + "0" * 26  # well formed and unknown
JSON = {"Content-Type": "application/json"}
HALF = '"\\ud83d"'  # half of a surrogate pair, escaped

Status = frozenset[int]


@dataclass(frozen=True)
class Bad:
    """One request, as bytes go out: `target` is the request line's path, unchanged."""

    name: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    expect: Status = ANY_4XX

    def raw(self, host: str) -> bytes:
        """The request on the wire; header values are Latin-1."""
        headers = {"Host": host, "Connection": "close", **self.headers}
        if self.body or self.method in ("POST", "PUT"):
            headers.setdefault("Content-Length", str(len(self.body)))
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value != "-"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def status(*codes: int) -> Status:
    return frozenset(codes)


NO_STRING: list[Any] = [1, 0, -1.5, True, False, [], ["a"], {}, {"a": 1}, [[]]]
NO_NUMBER: list[Any] = ["1", "", "nan", True, [], [1], {}, -1, 1e9, -0.001]
NO_OBJECT: list[Any] = ["x", "", 1, 0.5, True, [], [["a", 1]]]


def posts(path: str, good: dict[str, Any], fields: dict[str, list[Any]]) -> Iterator[Bad]:
    """Each field with each bad value, all else being right."""
    for name, values in fields.items():
        for value in values:
            body = json.dumps({**good, name: value}).encode()
            shown = ascii(value)[:30]
            yield Bad(f"{name}={shown}", "POST", path, JSON, body, status(422))


def bodies(path: str, good: dict[str, Any]) -> Iterator[Bad]:
    """Bodies that are no object in UTF-8 JSON."""
    text = json.dumps(good)
    refused: dict[str, bytes] = {
        "empty": b"",
        "blank": b" \n",
        "null": b"null",
        "true": b"true",
        "number": b"1",
        "string": b'"hello"',
        "list": b"[]",
        "list of objects": b'[{"input":"x"}]',
        "cut": text[:-1].encode(),
        "cut in a string": b'{"input":"he',
        "cut in an escape": b'{"input":"\\u12',
        "two values": text.encode() * 2,
        "trailing comma": b'{"input":"x",}',
        "single quotes": b"{'input':'x'}",
        "no quotes": b"{input:1}",
        "comment": b'{"input":"x"} // yes',
        "NaN": b'{"input":"x","temperature":NaN}',
        "Infinity": b'{"input":"x","temperature":Infinity}',
        "-Infinity": b'{"input":"x","temperature":-Infinity}',
        "1e999": b'{"input":"x","temperature":1e999}',
        "leading zero": b'{"input":"x","temperature":01}',
        "raw newline": b'{"input":"a\nb"}',
        "raw NUL": b'{"input":"a\x00b"}',
        "bad escape": b'{"input":"\\x41"}',
        "BOM": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-16-LE": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "Latin-1": '{"input":"é"}'.encode("latin-1"),
        "overlong": b'{"input":"\xc0\xaf"}',
        "raw surrogate": b'{"input":"\xed\xa0\xbd"}',
        "byte ff": b'{"input":"\xff"}',
        "cut UTF-8": b'{"input":"\xe4\xbd"}',
        "beyond Unicode": b'{"input":"\xf4\x90\x80\x80"}',
        "high surrogate": f'{{"input":{HALF}}}'.encode(),
        "low surrogate": b'{"input":"\\udc00 text"}',
        "swapped surrogates": b'{"input":"\\udc00\\ud83d"}',
        "surrogate in a key": f'{{"input":"x",{HALF}:1}}'.encode(),
        "surrogate deep": f'{{"input":"x","z":[[{{"y":{HALF}}}]]}}'.encode(),
        "deep lists": b'{"input":"x","z":' + b"[" * 200 + b"]" * 200 + b"}",
        "very deep lists": b"[" * 100_000,
        "deep objects": b'{"a":' * 300 + b"1" + b"}" * 300,
        "form": b"input=hello",
        "XML": b"<input>hello</input>",
        "huge integer": b'{"input":"x","temperature":' + b"9" * 50_000 + b"}",
    }
    for name, body in refused.items():
        yield Bad(f"body: {name}", "POST", path, JSON, body, status(400, 422))
    yield Bad("body: missing input", "POST", path, JSON, b"{}", status(422))
    yield Bad("body: duplicate, last wrong", "POST", path, JSON, b'{"input":"x","input":1}')
    large = b'{"input":"' + b"a" * 1_200_000 + b'"}'
    yield Bad("body: too large", "POST", path, JSON, large, status(413))


def headers(path: str, good: dict[str, Any]) -> Iterator[Bad]:
    """Right bodies under headers that are not."""
    body = json.dumps(good).encode()

    def post(name: str, headers: dict[str, str], expect: Status = ANY_4XX) -> Bad:
        return Bad(f"header: {name}", "POST", path, {**JSON, **headers}, body, expect)

    for kind in (
        "text/plain",
        "text/html; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "json",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=\x01",
    ):
        yield post(f"Content-Type {kind!r}", {"Content-Type": kind}, status(400, 415))
    for key in ("", " ", "a b", "é", "x" * 256, "a\tb", "\x7f"):
        yield post(f"Idempotency-Key {key[:5]!r}", {"Idempotency-Key": key}, status(400))
    for cursor in (
        "x",
        "0",
        "-1",
        ":",
        f"{TURN}",
        f"{TURN}:",
        f"{TURN}:x",
        f"{TURN}:-1",
        f"{TURN}:1.5",
        f"{TURN}:1:2",
        f"{TURN}:٣".encode().decode("latin-1"),
        f"{TURN}:99999999999",
        f"{TURN.upper()}:1",
        f"T{TURN}:1",
        "../../etc/passwd:1",
        "' or 1=1 --",
        "é",
        "9" * 5000,
    ):
        yield post(f"Last-Event-ID {cursor[-12:]!r}", {"Last-Event-ID": cursor}, status(400))
    yield post("Last-Event-ID of nobody", {"Last-Event-ID": f"{TURN}:0"}, status(404))
    yield Bad("query: lastEventId", "POST", f"{path}?lastEventId=x:1", JSON, body, status(400))
    yield Bad("query: of nobody", "POST", f"{path}?lastEventId={TURN}:1", JSON, body, status(404))
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "8.8.8.8"):
        yield post(f"Host {host}", {"Host": host}, status(421))
    yield post("Host missing", {"Host": "-"}, status(400))
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "x",
        "http://[",
    ):
        yield post(f"Origin {origin}", {"Origin": origin}, status(403))
    yield post("Sec-Fetch-Site", {"Sec-Fetch-Site": "cross-site"}, status(403))
    yield post("too many", {f"X-{n}": "1" for n in range(200)}, status(431))
    yield post("too large", {"X-Large": "a" * 40_000}, status(400, 431))
    yield post("a large Last-Event-ID", {"Last-Event-ID": "a" * 20_000}, status(400, 431))
    yield post("Content-Length of letters", {"Content-Length": "abc"}, status(400))
    yield post("Content-Length negative", {"Content-Length": "-1"}, status(400))
    yield post("Content-Length too large", {"Content-Length": str(10**9)}, status(413))
    yield post("Transfer-Encoding unknown", {"Transfer-Encoding": "pigeon"})


def methods(paths: dict[str, str]) -> Iterator[Bad]:
    """Methods that a path does not take; `paths` tells which it does."""
    for path, taken in paths.items():
        for method in ("GET", "PUT", "PATCH", "DELETE", "POST", "TRACE", "FROB"):
            if method not in taken.split():
                yield Bad(f"method: {method} {path}", method, path)


SESSIONS: list[Any] = [
    "",
    "a b",
    "a/b",
    "../x",
    "é",
    "a\n",
    "x" * 129,
    "a\x00",
    "😀",
    "a'b",
    "<script>",
    *NO_STRING[:6],
]
PROMPTS: list[Any] = ["", "a b", "../x", "a/b", "x" * 65, "é", "a@b", "a@", "@1", *NO_STRING[:5]]


def responses_sse() -> list[Bad]:
    """For `/chat/stream` and `/prompts`."""
    path, good = "/chat/stream", {"input": "hello"}
    fields: dict[str, list[Any]] = {
        "input": [*NO_STRING, None, "", "x" * 200_001],
        "sessionId": SESSIONS,
        "systemPromptName": PROMPTS,
        "promptVariables": [*NO_OBJECT, {"a": []}, {"a": {}}],
        "model": [*NO_STRING[:8], "", "x" * 201],
        "temperature": [*NO_NUMBER, 2.1],
        "maxOutputTokens": [*NO_NUMBER, 0, 1.5, 10**30],
    }
    cases = [
        *posts(path, good, fields),
        *bodies(path, good),
        *headers(path, good),
        *methods({"/chat/stream": "GET POST HEAD", "/healthz": "GET", "/prompts": "GET"}),
    ]
    queries = {
        "": status(422),
        "input=": status(422),
        "sessionId=a": status(422),
        "input=x&sessionId=a%20b": status(422),
        "input=x&sessionId=..%2Fx": status(422),
        "input=x&temperature=hot": status(422),
        "input=x&temperature=nan": status(422),
        "input=x&temperature=inf": status(422),
        "input=x&temperature=-1": status(422),
        "input=x&temperature=3": status(422),
        "input=x&maxOutputTokens=0": status(422),
        "input=x&maxOutputTokens=1.5": status(422),
        "input=x&maxOutputTokens=many": status(422),
        "input=x&systemPromptName=a%2Fb": status(422),
        "input=%ff": status(400),
        "input=%ed%a0%80": status(400),
        "input=x&z=%80": status(400),
        "input=x&lastEventId=x": status(400),
        f"input=x&lastEventId={TURN}:0": status(404),
        "&".join(f"a{n}=1" for n in range(150)): status(400),
        "input=x&voiceId=a%20b": status(422),
        "input=x&voiceId=%E4%BD%A0": status(422),
        "input=" + "x" * 70_000: ANY_4XX,
    }
    cases += [
        Bad(f"query: {query[:40]}", "GET", f"{path}?{query}", {}, b"", expect)
        for query, expect in queries.items()
    ]
    cases += [
        Bad("GET from another site", "GET", f"{path}?input=x", {"Sec-Fetch-Site": "cross-site"}),
        Bad(
            "X-Voice-Id of two words", "POST", path, {**JSON, "X-Voice-Id": "a b"}, b'{"input":"x"}'
        ),
        Bad("GET: voice", "GET", f"{path}?input=x", {"X-Voice-Id": "é"}, b"", status(422)),
    ]
    return [*cases, *_prompts()]


def _prompts() -> Iterator[Bad]:
    names = [
        "a%20b",
        "..",
        "%2e%2e",
        "a%2Fb",
        "..%2F..%2Fetc",
        "%00",
        "%ff",
        "x" * 65,
        "%F0%9F%98%80",
    ]
    good = b'{"text":"Be brief."}'
    for name in names:
        target = f"/prompts/{name}"
        yield Bad(f"PUT {name[:12]}", "PUT", target, JSON, good, status(404, 422))
        yield Bad(f"GET {name[:12]}", "GET", target, {}, b"", status(404))
        yield Bad(f"DELETE {name[:12]}", "DELETE", target, {}, b"", status(404, 422))
    yield Bad("GET unknown prompt", "GET", "/prompts/nobody", {}, b"", status(404))
    yield Bad("GET unknown version", "GET", "/prompts/default@99", {}, b"", status(404))
    yield Bad("DELETE unknown prompt", "DELETE", "/prompts/nobody", {}, b"", status(404))
    yield Bad("DELETE built-in prompt", "DELETE", "/prompts/default", {}, b"", status(409))
    fields: dict[str, list[Any]] = {
        "text": [*NO_STRING[:5], None, ""],
        "variables": [*NO_OBJECT[:4], [1], ["a b"], ["1a"]],
        "temperature": NO_NUMBER,
        "description": NO_STRING[:4],
    }
    for bad in posts("/prompts/x", {"text": "Be brief."}, fields):
        yield Bad(f"prompt {bad.name}", "PUT", bad.target, JSON, bad.body, bad.expect)


def native() -> list[Bad]:
    """For `/turns` and `/messages`."""
    path, good = "/turns", {"input": "hello"}
    fields: dict[str, list[Any]] = {
        "input": [*NO_STRING, None, "", "x" * 200_001, *_bad_parts()],
        "session_id": SESSIONS,
        "model": [*NO_STRING[:8], "", "x" * 201],
        "agent": NO_STRING[:3],
        "scenario": NO_STRING[:3],
        "prompt": PROMPTS,
        "prompt_variables": [*NO_OBJECT, {"a": []}],
        "tools": ["x", 1, {}, [1], [""], [["a"]]],
        "voice": [1, "", "a b", "é", "x" * 201],
        "voice_mode": ["now", 1, ""],
        "temperature": NO_NUMBER,
        "max_output_tokens": [*NO_NUMBER, 0],
        "parent_message_id": [1, [], {}, "x" * 65],
        "on_busy": ["", "wait", 1, []],
        "on_disconnect": ["", "stop", 1, []],
    }
    unknown, edit = f"/turns/{TURN}", f"/messages/msg_{TURN}_in/edit"
    cases = [
        *posts(path, good, fields),
        *bodies(path, good),
        *headers(path, good),
        *methods({"/turns": "POST", unknown: "GET", f"{unknown}/events": "GET"}),
        *methods({f"{unknown}/abort": "POST", f"{unknown}/regenerate": "POST", edit: "POST"}),
        Bad("unknown parent", "POST", path, JSON, b'{"input":"x","parent_message_id":"msg_1"}'),
        Bad("edit of nobody", "POST", edit, JSON, b'{"input":"x"}', status(404)),
        Bad("edit without input", "POST", edit, JSON, b"{}", status(404, 422)),
    ]
    for turn in _bad_ids():
        for rest, method in (("", "GET"), ("/events", "GET"), ("/abort", "POST")):
            target = f"/turns/{turn}{rest}"
            cases.append(Bad(f"{method} {target[:40]}", method, target, {}, b"", status(404)))
    cases += [
        Bad(f"edit {turn[:12]}", "POST", f"/messages/{turn}/edit", JSON, b'{"input":"x"}')
        for turn in _bad_ids()
    ]
    cases += [
        Bad(f"regenerate {turn[:12]}", "POST", f"/turns/{turn}/regenerate", {}, b"", status(404))
        for turn in _bad_ids()
    ]
    return cases


def _bad_parts() -> list[Any]:
    text = {"type": "text", "text": "x"}
    return [
        [{}],
        [{"type": "text"}],
        [{"text": "x"}],
        [{"type": "image", "text": "x"}],
        [{"type": "text", "text": 1}],
        [{"type": "text", "text": ""}],
        [text, None],
        [text, "x"],
        [text] * 101,
        [[text]],
    ]


def _bad_ids() -> list[str]:
    return [
        TURN,
        "x",
        TURN[:-1],
        TURN + "0",
        TURN.upper(),
        "..%2f..",
        "%00",
        "%ff",
        "%F0%9F%98%80",
        "a%20b",
        "1%27%20or%201=1",
        "x" * 5000,
    ]
