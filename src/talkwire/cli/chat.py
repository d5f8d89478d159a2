"""`talkwire chat`: a conversation in the terminal, over the native wire or one with tools."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from talkwire.cli.client import Client, ClientError, Happened, plain
from talkwire.cli.own_key import BadKey, own_key
from talkwire.cli.words import say
from talkwire.settings import SettingsError, load

ABORTED = 130
_REFUSED = 2

Tell = Callable[[Client, "Screen", Mapping[str, Any]], tuple[int, str | None]]
"""Asks, and shows the answer: the exit status and the session."""


class Tail:
    """The last lines of a text as Markdown: as much as the terminal has room for."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(1, console.size.height - 2)
        lines = console.render_lines(Markdown(self._text), options.update(height=None), pad=False)
        for line in lines[-room:]:
            yield from _trimmed(line)
            yield Segment.line()


def _trimmed(line: list[Segment]) -> list[Segment]:
    """Without the blanks that fill the width: the terminal's own ^C must not wrap at its edge."""
    kept = list(line)
    while kept and not kept[-1].text.strip() and not (kept[-1].style and kept[-1].style.bgcolor):
        kept.pop()
    if kept and not (kept[-1].style and kept[-1].style.bgcolor):
        kept[-1] = Segment(kept[-1].text.rstrip(), kept[-1].style, kept[-1].control)
    return kept


class Screen:
    """Shows one answer at a time: live Markdown on a terminal, plain text as it comes elsewhere."""

    def __init__(self, out: Console, notes: Console) -> None:
        self._out = out
        self._notes = notes
        self._live: Live | None = None
        self._text: list[str] = []

    def begin(self) -> None:
        """A new answer starts."""
        self._text = []
        if self._out.is_terminal:
            self._live = Live(console=self._out, refresh_per_second=12, transient=True)
            self._live.start()

    def add(self, text: str) -> None:
        """More of the answer."""
        self._text.append(text)
        if self._live:
            self._live.update(Tail("".join(self._text)))
        else:
            self._out.file.write(text)
            self._out.file.flush()

    def note(self, text: str) -> None:
        """Something about the answer that is not in it."""
        where = self._out if self._live else self._notes  # above what is live, not through it
        # Where it is wrapped is the terminal's to say: a command in it can be copied whole.
        where.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """The answer is over: it stays on the screen as a whole."""
        if self._live:
            self._live.stop()
            self._live = None
            self._out.print(Markdown("".join(self._text)))
        elif self._text:
            self._out.file.write("\n")
            self._out.file.flush()


def run(
    url: str | None,
    message: str | None,
    asked: dict[str, Any],
    *,
    wire: str = "native",
    key_file: Path | None = None,
) -> int:
    """One question, or a conversation. 0, or 1 after a failure, 2 if asked for what cannot be, or
    130 when stopped.
    """
    tell = _wire(wire, asked)
    if tell is None:
        return _REFUSED
    screen = Screen(Console(highlight=False), Console(stderr=True, highlight=False))
    try:
        client = Client(url or default_url(), key=own_key(key_file))
    except (BadKey, ClientError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        if message is None and sys.stdin.isatty():
            return _converse(client, screen, asked, tell)
        text = sys.stdin.read() if message in (None, "-") else message
        return tell(client, screen, {**asked, "input": text})[0]
    except KeyboardInterrupt:
        return ABORTED
    finally:
        client.close()


def default_url() -> str:
    """The server that the settings in force would start on this machine."""
    _, port = load().addresses[0]
    return f"http://127.0.0.1:{port}"


def _wire(name: str, asked: Mapping[str, Any]) -> Tell | None:
    """How a wire is spoken; None, after having said why, where it is not."""
    if name == "native":
        return _told
    if name != "tool-chat":
        print(say("no_wire", name=name), file=sys.stderr)
        return None
    if asked.get("prompt") is not None:
        print(say("no_prompt_there", name=name), file=sys.stderr)
        return None
    from talkwire.cli import tool_chat

    return tool_chat.told


def _converse(client: Client, screen: Screen, asked: dict[str, Any], tell: Tell) -> int:
    screen.note(say("hello", url=client.url))
    for line in _typed():
        match line.split():
            case ["/quit" | "/exit", *_]:
                break
            case ["/help", *_]:
                screen.note(say("help"))
            case ["/new", *_]:
                asked = {**asked, "session_id": None}
                screen.note(say("new"))
            case [word, *_] if word.startswith("/") and word.isascii() and word[1:].isalpha():
                screen.note(say("unknown_command"))
            case []:
                continue
            case _:
                _, session = tell(client, screen, {**asked, "input": line})
                asked = {**asked, "session_id": session or asked["session_id"]}
    if asked["session_id"]:
        screen.note(say("session", session=asked["session_id"]))
    return 0


def _typed() -> Iterator[str]:
    """Lines as they are typed, until Ctrl-D; Ctrl-C leaves a line, and leaves from an empty one."""
    while True:
        try:
            yield input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return


def _told(client: Client, screen: Screen, body: Mapping[str, Any]) -> tuple[int, str | None]:
    """`answer`, with what went wrong told: the exit status and the session."""
    try:
        turn_id, session_id = client.start(body)
    except ClientError as error:
        screen.note(str(error))
        return 1, None
    screen.begin()
    try:
        return answer(client, screen, turn_id), session_id
    except ClientError as error:
        screen.note(str(error))
        return 1, session_id
    finally:
        screen.end()


def answer(client: Client, screen: Screen, turn_id: str) -> int:
    """Show the turn until it ends. The first Ctrl-C aborts it, the second one leaves."""
    last = -1
    stopping = False
    while True:
        try:
            for event in client.follow(turn_id, lambda: screen.note(say("reconnecting")), last):
                last = int(event.fields.get("n", last + 1))
                status = show(screen, event)
                if status is not None:
                    return status
            return 0
        except KeyboardInterrupt:
            if stopping:
                raise
            stopping = True
            screen.note(say("stopping"))
            try:
                client.abort(turn_id)
            except ClientError as error:
                screen.note(str(error))  # the answer goes on, and is shown


def show(screen: Screen, event: Happened) -> int | None:
    """One event on the screen; the exit status once it is the last one."""
    match event.kind:
        case "text.delta":
            screen.add(event.text)
        case "attempt.failed":
            attempts = {key: event.fields.get(key) for key in ("attempt", "max_attempts")}
            screen.note(say("attempt", **attempts))
        case "turn.completed":
            return 0
        case "turn.aborted":
            screen.note(say("aborted"))
            return ABORTED
        case "turn.failed":
            code, message = (plain(str(event.fields.get(key))) for key in ("code", "message"))
            screen.note(say("failed", code=code, message=message))
            return 1
    return None
