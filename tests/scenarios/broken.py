"""Catalogues that are wrong in one way each, and the line that must tell it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

FIRST = "scenarios[0] 取款/提现 › 1 提现状态查询 Flow"
SECOND = "scenarios[1] 退款 › 退款进度"

GOOD: dict[str, Any] = {
    "version": 1,
    "slots": {"withdrawal_id": {"label": "提现单号", "pattern": "WD[0-9]+"}},
    "scenarios": [
        {
            "category": "取款/提现",
            "subcategory": "1 提现状态查询 Flow",
            "description": {"zh": "钱到哪了", "en": "Where the money is"},
            "examples": ["钱到哪了", "where is my money"],
            "required_slots": ["withdrawal_id"],
            "slots": {
                "state": {
                    "label": {"zh": "状态", "en": "state"},
                    "choices": {"processing": ["处理中"], "paid": ["已到账", "done"]},
                }
            },
            "steps": [
                {"id": "ask_id", "do": "ask", "slot": "withdrawal_id", "text": "单号？"},
                {"id": "look", "do": "check", "slot": "state", "text": "看了 {withdrawal_id}。"},
                {"id": "paid", "do": "answer", "when": {"state": "paid"}, "text": "到了。"},
                {"id": "open", "do": "answer", "when": {"state": "unknown"}, "text": "等等。"},
                {
                    "id": "late",
                    "do": "hand_over",
                    "when": {"state": ["processing"]},
                    "text": "转。",
                },
            ],
            "related_subcategories": ["退款进度"],
            "sop_references": ["withdrawal.md"],
        },
        {"category": "退款", "subcategory": "退款进度", "description": "退款", "owner": "desk 7"},
    ],
}
SOP = "# 提现\n\n## 步骤\n查看状态，再答复。\n\n# Withdrawal\n\n## Steps\nLook at the state.\n"
GONE = object()
"""A key that is taken away."""


class Broken(NamedTuple):
    """A change of the good catalogue: the place, what is put there, and what is told."""

    place: str
    value: object
    told: str


_STEP = "scenarios.0.steps"
_SLOT = "scenarios.0.slots.state"
_AT = f"{FIRST}: "

TREES = [
    # The file as a whole.
    Broken("scenarios", GONE, "scenarios: is missing"),
    Broken("scenarios", [], "scenarios: is empty"),
    Broken("scenarios", {}, "scenarios: expected a list, got an object"),
    Broken("scenarios", [{}] * 5_001, "scenarios: has 5001 entries, and at most 5000"),
    Broken("version", 2, "version: is 2, and only 1 is known"),
    Broken("slots", [], "slots: expected an object, got a list"),
    Broken("clarify", "  ", "clarify: is empty"),
    Broken("clarify", {"fr": "?"}, "clarify: expected text, or an object of zh and en"),
    Broken("sops", "../elsewhere", "sops: is not the plain name of a folder"),
    Broken("asides", {"persons": {}}, "asides.persons: is no aside; did you mean 'person'?"),
    Broken("asides", {"person": {"text": 1}}, "asides.person: text: expected text, or an object"),
    Broken(
        "asides", {"person": {"examples": ["钱到哪了"]}}, "asides.person: examples[0] '钱到哪了'"
    ),
    # Entries.
    Broken("scenarios.1", "退款", "scenarios[1]: expected an object, got text"),
    Broken("scenarios.1.category", GONE, "scenarios[1] 退款进度: category: is missing"),
    Broken("scenarios.1.category", None, "scenarios[1] 退款进度: category: is missing"),
    Broken("scenarios.1.category", " ", "scenarios[1] 退款进度: category: is empty"),
    Broken("scenarios.1.subcategory", GONE, "scenarios[1] 退款: subcategory: is missing"),
    Broken("scenarios.1.subcategory", 7, "subcategory: expected text, got a number"),
    Broken("scenarios.1.subcategory", "x" * 201, "subcategory: is longer than 200 characters"),
    Broken("scenarios.1.description", GONE, f"{SECOND}: description: is missing"),
    Broken("scenarios.1.description", "", f"{SECOND}: description: is empty"),
    Broken("scenarios.1.description", {"zh": "退", "en": ""}, "description: en: is empty"),
    Broken("scenarios.1.title", 5, f"{SECOND}: title: expected text, or an object"),
    Broken("scenarios.1.title", {"zh": "t", "en": "t" * 201}, "title: en: is longer than 200"),
    Broken("scenarios.1.examples", "one", f"{SECOND}: examples: expected a list, got text"),
    Broken("scenarios.1.examples", ["a", 2], f"{SECOND}: examples[1]: expected text, got a number"),
    Broken("scenarios.1.examples", ["x" * 501], "examples[0]: is longer than 500 characters"),
    Broken(
        "scenarios.1.examples",
        ["退到哪了", "退到哪了 "],
        f"{SECOND}: examples[1] '退到哪了': is the same as {SECOND}: examples[0]",
    ),
    Broken(
        "scenarios.1.examples",
        ["WHERE is my  money"],
        f"{SECOND}: examples[0] 'WHERE is my  money': is the same as {FIRST}: examples[1]",
    ),
    Broken(
        "scenarios.1",
        {"category": "取款/提现", "subcategory": "1 提现状态查询 Flow", "description": "again"},
        "scenarios[1] 取款/提现 › 1 提现状态查询 Flow: scenarios[0] has the same category",
    ),
    Broken(
        "scenarios.0.related_subcategories",
        ["退款近度"],
        "related_subcategories[0]: '退款近度' is no subcategory; did you mean '退款进度'?",
    ),
    # Steps.
    Broken(_STEP, {}, _AT + "steps: expected a list, got an object"),
    Broken(f"{_STEP}.1", "look", _AT + "steps[1]: expected an object, got text"),
    Broken(f"{_STEP}.1.id", GONE, _AT + "steps[1]: id: is missing"),
    Broken(f"{_STEP}.1.id", "ask_id", _AT + "steps[1] ask_id: another step has this id"),
    Broken(f"{_STEP}.2.do", "anwser", "steps[2] paid: do: 'anwser' is unknown; did you mean 'ans"),
    Broken(f"{_STEP}.2.do", GONE, _AT + "steps[2] paid: do: is missing"),
    Broken(f"{_STEP}.2.text", GONE, _AT + "steps[2] paid: text: is missing"),
    Broken(f"{_STEP}.2.text", {"zh": "好", "en": 1}, "steps[2] paid: text: en: expected text, got"),
    Broken(f"{_STEP}.2.text", "x" * 4_001, "steps[2] paid: text: is longer than 4000 characters"),
    Broken(f"{_STEP}.0.slot", GONE, _AT + "steps[0] ask_id: an 'ask' needs a 'slot' to ask for"),
    Broken(f"{_STEP}.1.slot", "stat", "look: slot: unknown slot 'stat'; did you mean 'state'?"),
    Broken(f"{_STEP}.2.optional", True, "steps[2] paid: only an 'ask' can be optional"),
    Broken(f"{_STEP}.0.optional", "yes", "ask_id: optional: expected true or false, got text"),
    Broken(f"{_STEP}.0.optinal", True, "ask_id: unknown key 'optinal'; did you mean 'optional'?"),
    Broken(f"{_STEP}.2.text", "{iban}", "paid: text: {iban} is no slot; known: withdrawal_id, st"),
    Broken(f"{_STEP}.3.text", "{state}", "steps[3] open: text: {state} may be unknown here"),
    Broken(f"{_STEP}.0.text", "{withdrawal_id}", "ask_id: text: {withdrawal_id} may be unknown"),
    Broken(
        f"{_STEP}.2.when.state",
        "foo",
        _AT + "steps[2] paid: when.state: 'foo' is no choice of the slot; known: processing, paid",
    ),
    Broken(f"{_STEP}.2.when.state", [], _AT + "steps[2] paid: when.state: is empty"),
    Broken(f"{_STEP}.2.when.stage", "paid", "paid: when.stage: unknown slot 'stage'; did you mea"),
    Broken(f"{_STEP}.2.when", "paid", _AT + "steps[2] paid: when: expected an object, got text"),
    Broken(
        f"{_STEP}.2.when.withdrawal_id",
        "WD1",
        "paid: when.withdrawal_id: 'WD1': the slot has a pattern and is only known or unknown",
    ),
    Broken(f"{_STEP}.3", GONE, _AT + "steps: with withdrawal_id=… known, no 'answer' and no"),
    Broken("scenarios.0.required_slots", ["state"], "required_slots[0]: no step asks for 'state'"),
    Broken("scenarios.0.required_slots", ["id"], "required_slots[0]: unknown slot 'id'"),
    Broken(f"{_STEP}.0.optional", True, "required_slots[0]: no step asks for 'withdrawal_id'"),
    # Slots.
    Broken(f"{_SLOT}.choices", GONE, _AT + "slots.state: has neither 'choices' nor 'pattern'"),
    Broken(f"{_SLOT}.pattern", "x", _AT + "slots.state: has both 'choices' and 'pattern'"),
    Broken(f"{_SLOT}.choices", {}, _AT + "slots.state: choices: is empty"),
    Broken(f"{_SLOT}.choices", {"unknown": []}, "choices: a choice cannot be called 'unknown'"),
    Broken(f"{_SLOT}.choices.paid", "已到账", "choices.paid: expected a list, got text"),
    Broken(
        f"{_SLOT}.choices.paid", ["处理中"], "choices.paid: '处理中' stands for 'processing' al"
    ),
    Broken(f"{_SLOT}.lable", "x", "slots.state: unknown key 'lable'; did you mean 'label'?"),
    Broken("slots.Big Slot", {"pattern": "x"}, "slots.Big Slot: a slot's name must be small"),
    Broken("slots.withdrawal_id", 3, "slots.withdrawal_id: expected an object, got a number"),
    Broken("slots.withdrawal_id.pattern", "WD(", "withdrawal_id: pattern: is no regular expressi"),
    Broken("slots.withdrawal_id.pattern", "[0-9]*", "pattern: can match nothing at all"),
    Broken("slots.withdrawal_id.pattern", "(a+)+", "pattern: repeats what can match in several"),
    # References to procedures.
    Broken("scenarios.0.sop_references", ["../x.md"], "[0] '../x.md': is not the plain name of a"),
    Broken("scenarios.0.sop_references", ["/etc/x"], "[0] '/etc/x': is not the plain name of a"),
    Broken("scenarios.0.sop_references", ["a\\b.md"], "is not the plain name of a"),
    Broken("scenarios.0.sop_references", ["C:x.md"], "'C:x.md': is not the plain name of a"),
    Broken("scenarios.0.sop_references", [".."], "[0] '..': is not the plain name of a"),
    Broken("scenarios.0.sop_references", [1], "sop_references[0]: expected text, got a number"),
    Broken(
        "scenarios.0.sop_references",
        ["withdrawel.md"],
        _AT + "sop_references[0] 'withdrawel.md': there is no such file in sops/; did you mean 'wi",
    ),
]

TEXTS: list[tuple[bytes, str]] = [
    (b"", "catalogue.json: is empty"),
    (b'{"scenarios": [\n  {"category": 1,}\n]}', "catalogue.json:2:18: is not JSON: "),
    (b"\xff\xfe{}", "catalogue.json:1:1: is not UTF-8 (byte 0xff)"),
    (b'{"a":\n "\xe4\xb8"}', "catalogue.json:2:3: is not UTF-8 (byte 0xe4)"),
    (b"[]", "catalogue.json: is not an object but a list"),
    (b"null", "catalogue.json: is not an object but null"),
    (b'{"scenarios": [{"n": NaN}]}', "scenarios[0].n: is no number (NaN and infinity"),
    (b'{"scenarios": [{"n": 1e999}]}', "scenarios[0].n: is no number (NaN and infinity"),
    (b'{"scenarios": [{"a": {"b": 1, "b": 2}}]}', "scenarios[0].a: the key 'b' is given twice"),
    (b'{"sops": "a", "sops": "b"}', "catalogue.json: the key 'sops' is given twice"),
    (b'{"clarify": "a\\u0000b"}', "clarify: has a character that is none (U+0000)"),
    (b'{"clarify": "a\\ud800"}', "clarify: has a character that is none (U+D800)"),
    (b'{"n": ' + b"[" * 100 + b"]" * 100 + b"}", "catalogue.json: is nested too deeply"),
    (b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "catalogue.json: is nested too deeply"),
    (b'{"n": ' + b"1" * 5_000 + b"}", "catalogue.json: has a number that is too long"),
    (b'{"scenario": []}', "catalogue.json: scenarios: is missing; there is 'scenario'"),
    (b" " * (16 * 1024 * 1024 + 1), "catalogue.json: is larger than 16384 KiB"),
]

PROCEDURES: list[tuple[bytes | None, str]] = [
    (None, "there is no such file in sops/"),
    (b"", "is empty"),
    (b" \n\t\n", "is empty"),
    (b"# Title\n\n## Steps\n", "has no text but headings"),
    (b"# T\n\nfine\nnot \xa0 fine", ":4:5: is not UTF-8 (byte 0xa0)"),
    (b"x" * (256 * 1024 + 1), "is larger than 256 KiB"),
]


def changed(place: str, value: object) -> dict[str, Any]:
    """The good catalogue with another value at a place such as `scenarios.0.title`."""
    tree = copy.deepcopy(GOOD)
    *way, last = (int(key) if key.isdecimal() else key for key in place.split("."))
    node: Any = tree
    for key in way:
        node = node[key]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return tree


def written(folder: Path, tree: object = GOOD) -> Path:
    """The catalogue as a file, with the procedure that it refers to."""
    path = folder / "catalogue.json"
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    (folder / "sops").mkdir(exist_ok=True)
    (folder / "sops" / "withdrawal.md").write_text(SOP, encoding="utf-8")
    return path
