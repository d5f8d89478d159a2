"""Forms as clients send them, and as they should not."""

from __future__ import annotations

from talkwire.web.upload import FIELD_BYTES, MOST_PARTS

B = "XX"
AUDIO = bytes(range(256)) * 8
LARGE = 9_001  # bytes that are too many where 9,000 are allowed


def part(name: str, value: bytes, *, file: str | None = None, more: str = "") -> bytes:
    told = f'form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
    return f"--{B}\r\nContent-Disposition: {told}\r\n{more}\r\n".encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{B}--\r\n".encode()


GOOD = form(part("session_id", b"s_1"), part("audio", AUDIO, file="a.wav"))
TYPE = f"multipart/form-data; boundary={B}"


def _many(count: int) -> list[bytes]:
    return [part(f"f{k}", b"") for k in range(count)]


MALFORMED: dict[str, tuple[bytes, str | None, int]] = {
    "no type": (GOOD, None, 415),
    "JSON": (b"{}", "application/json", 415),
    "a form of another kind": (b"audio=x", "application/x-www-form-urlencoded", 415),
    "mixed": (GOOD, f"multipart/mixed; boundary={B}", 415),
    "no boundary": (GOOD, "multipart/form-data", 400),
    "an empty boundary": (GOOD, "multipart/form-data; boundary=", 400),
    "an endless boundary": (GOOD, f"multipart/form-data; boundary={'y' * 300}", 400),
    "another boundary": (GOOD, "multipart/form-data; boundary=YY", 400),
    "nothing": (b"", TYPE, 400),
    "no parts": (f"--{B}--\r\n".encode(), TYPE, 400),
    "rubbish": (b"\0\xff" * 100, TYPE, 400),
    "no file": (form(part("session_id", b"s")), TYPE, 400),
    "the file twice": (form(part("audio", b"x"), part("audio", b"y")), TYPE, 400),
    "a field twice": (form(part("s", b"x"), part("s", b"y"), part("audio", b"z")), TYPE, 400),
    "a part without a name": (
        f"--{B}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{B}--\r\n".encode(),
        TYPE,
        400,
    ),
    "a part without headers": (f"--{B}\r\n\r\nx\r\n--{B}--\r\n".encode(), TYPE, 400),
    "an attachment": (
        f'--{B}\r\nContent-Disposition: attachment; name="audio"\r\n\r\nx\r\n--{B}--\r\n'.encode(),
        TYPE,
        400,
    ),
    "a name of no ASCII": (form(part("audió", b"x")), TYPE, 400),
    "an endless name": (form(part("n" * 200, b"x")), TYPE, 400),
    "an encoded part": (
        form(part("audio", b"eHg=", more="Content-Transfer-Encoding: base64\r\n")),
        TYPE,
        400,
    ),
    "an endless header": (form(part("audio", b"x", more=f"X-A: {'y' * 5_000}\r\n")), TYPE, 400),
    "headers without end": (
        form(part("audio", b"x", more="".join(f"X-{k}: y\r\n" for k in range(40)))),
        TYPE,
        400,
    ),
    "a header that is none": (form(part("audio", b"x", more="no header\r\n")), TYPE, 400),
    "parts without end": (form(*_many(MOST_PARTS), part("audio", b"x")), TYPE, 400),
    "a field of no UTF-8": (form(part("s", b"\xff\xfe"), part("audio", b"x")), TYPE, 400),
    "an endless field": (form(part("s", b"x" * (FIELD_BYTES + 1))), TYPE, 413),
    "too large a file": (form(part("audio", bytes(LARGE))), TYPE, 413),
    "cut in the file": (GOOD[:-700], TYPE, 400),
    "cut before its end": (GOOD[:-8], TYPE, 400),
    "cut in a header": (GOOD[:30], TYPE, 400),
}
