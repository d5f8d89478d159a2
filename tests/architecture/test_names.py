"""What may be called what, and which names may stand where."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

BANNED_MODULES = {"base", "common", "core", "helper", "helpers", "misc", "service", "services"} | {
    "util",
    "utils",
}
BANNED_IN_CLASSES = {"Abstract", "Base", "Data", "Helper", "Impl", "Info", "Manager", "Service"}

# Names that callers write in their own code, as another product documents them.
NAMED_BY_OTHERS = {"tools/local.py": "ToolInfo"}

# Packages that export something, and why a caller may not have to know the module.
EXPORTING = {
    "tools/__init__.py": "what people write tools with: `from talkwire.tools import tool`",
}

# Where anything at all may be caught, and why nothing narrower would do.
CATCHES_EVERYTHING = {
    "models/_answer.py": "a sink's error belongs to the task that waits, and is handed to it",
    "models/agno.py": "an agent of somebody else's may raise anything: the turn fails",
    "models/_threads.py": "a model of somebody else's may raise anything: its turn hears of it",
    "tools/arguments.py": "a schema from elsewhere may break whatever applies it",
    "web/checks.py": "a look that breaks makes its own part ill, and no other",
    "gateway/_http.py": "whatever keeps a request from a gateway is none of the server's business",
    "telemetry/traces.py": "the thread lives on, whatever is wrong with one turn",
    "telemetry/behind.py": "a line that cannot be made is no error of what it tells of",
    "web/begun.py": "whatever is thrown into a task is thrown into the work it finishes",
    "web/sse.py": "as in models/_answer.py: the stream's task ends the stream",
    "engine/calls.py": "a tool's bug is the result of its call, never the end of the turn",
    "engine/gathered.py": "whoever asked for one of the reads that gathered hears of its failure",
    "engine/long_results.py": "whatever a summary fails of, the result is cut and the turn goes on",
    "engine/seal.py": "a turn ends in exactly one terminal event, also on a bug",
    "stores/postgres.py": "as in stores/sqlite.py",
    "stores/sqlite.py": "the writer's thread lives on, and each caller hears of its own error",
    "tools/modules.py": "a module of somebody else's may raise anything while it is executed",
    "tools/running.py": "a tool of somebody else's may raise anything: that is its answer",
    "tools/mcp_server.py": "whatever breaks one server's connection, its owner connects it again",
    "wires/mcp/calls.py": "the SDK would tell the client what a bug says of itself",
    "web/faults.py": "a request is answered in its wire's shape, also on a bug",
}

# Encoding is replayed on resume, and folding on adoption: the same events, the same bytes.
PURE = ("canon/*.py", "wires/*/encode.py", "wires/*/answer.py", "wires/*/spoken.py")
IMPURE_MODULES = {"random", "secrets"}
IMPURE_CALLS = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "monotonic",
    "uuid1",
    "uuid4",
    "urandom",
}

# A rule is switched off by its name, for one line, with a reason behind it.
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|fmt:\s*off)")
REASONED = re.compile(r"#\s*(noqa:\s*|type:\s*ignore\[)[\w, -]+?\]?\s+(-|#)\s+\w")

# Written in pieces, so that this file does not contain what it forbids.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang", "org"),
        ("static", "crates", "io"),
    ]
]
WORKPLACE = ["/" + "work" + "/", "farm" + "-", "." + "library"]


class Module(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


def _words(name: str) -> set[str]:
    """The words of a name in camel case: "HTTPModelInfo" -> HTTP, Model, Info."""
    return set(re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name))


def _spoken(node: ast.AST) -> str:
    """A dotted name as it was written, or nothing."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{_spoken(value)}.{attr}"
        case _:
            return ""


def _broad(tree: ast.Module) -> Iterator[int]:
    """Lines of the handlers that catch everything, but for those that clean up and pass it on."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if any(k is None or _spoken(k) in {"Exception", "BaseException"} for k in kinds):
            yield node.lineno


def _chances(tree: ast.Module) -> Iterator[str]:
    """What a module would have to ask the clock or the dice for."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (n.name for n in names if n.name in IMPURE_MODULES)
            case ast.ImportFrom(module=str(module)) if module in IMPURE_MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in IMPURE_CALLS:
                    yield f"{name}() in line {node.lineno}"


def test_modules_are_named_after_what_they_do(modules: Sequence[Module]) -> None:
    banned = [
        m.name for m in modules if BANNED_MODULES & set(m.name.removesuffix(".py").split("/"))
    ]

    assert banned == []


def test_classes_are_named_after_what_they_are(modules: Sequence[Module]) -> None:
    banned = [
        f"{module.name}:{node.lineno} {node.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and BANNED_IN_CLASSES & _words(node.name)
        if NAMED_BY_OTHERS.get(module.name) != node.name
    ]

    assert banned == []


def test_only_settings_read_the_environment(modules: Sequence[Module]) -> None:
    readers = {m.name for m in modules if re.search(r"\b(os\.environ|getenv|environb)\b", m.text)}

    assert readers - {"settings.py"} == set()


def test_everything_is_caught_only_where_a_reason_says_so(modules: Sequence[Module]) -> None:
    found = {m.name: list(_broad(m.tree)) for m in modules}
    found = {name: lines for name, lines in found.items() if lines}

    assert {name: lines for name, lines in found.items() if name not in CATCHES_EVERYTHING} == {}


def test_no_reason_to_catch_everything_outlives_its_handler(modules: Sequence[Module]) -> None:
    catching = {m.name for m in modules if any(_broad(m.tree))}

    assert CATCHES_EVERYTHING.keys() - catching == set()


def test_pure_modules_ask_for_no_clock_and_no_chance(modules: Sequence[Module]) -> None:
    pure = [m for m in modules if any(fnmatch(m.name, pattern) for pattern in PURE)]

    assert pure
    assert {m.name: found for m in pure if (found := list(_chances(m.tree)))} == {}


def test_every_suppression_says_why(
    modules: Sequence[Module], test_modules: Sequence[Module]
) -> None:
    bare = [
        f"{module.name}: {line.strip()}"
        for module in (*modules, *test_modules)
        for line in module.text.splitlines()
        if SUPPRESSION.search(line) and not REASONED.search(line)
    ]

    assert bare == []


def test_every_module_opens_with_a_docstring(modules: Sequence[Module]) -> None:
    silent = [m.name for m in modules if m.text.strip() and not ast.get_docstring(m.tree)]

    assert silent == []


def test_packages_export_nothing_but_what_callers_write_with(modules: Sequence[Module]) -> None:
    inits = {m.name: m.text for m in modules if m.name.endswith("/__init__.py")}

    assert {name for name, text in inits.items() if text.strip()} == EXPORTING.keys()


def test_every_folder_is_a_package_so_that_the_linters_see_it(modules: Sequence[Module]) -> None:
    names = {m.name for m in modules}
    folders = {Path(name).parent.as_posix() for name in names} - {"."}
    # Scripts that Alembic runs by their path; nothing imports them.
    folders -= {"stores/migrations", "stores/migrations/versions"}

    assert {f for f in folders if f"{f}/__init__.py" not in names} == set()


def test_no_file_names_a_package_registry(tracked: Sequence[Path]) -> None:
    assert _holding(tracked, REGISTRIES) == []


def test_no_file_names_the_place_it_was_written_at(tracked: Sequence[Path]) -> None:
    assert _holding(tracked, WORKPLACE) == []


def _holding(paths: Sequence[Path], words: Sequence[str]) -> list[str]:
    """The files that hold one of the words, with the word."""
    contents = ((path, path.read_bytes()) for path in paths)
    return [f"{path}: {word}" for path, text in contents for word in words if word.encode() in text]
