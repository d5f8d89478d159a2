"""A small catalogue on disk, and the command that is tried on it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from talkwire.cli.main import app

SOP = "# 适用情形\n\n客户想知道钱到哪了。\n\n# Times\n\nTwo days as a rule.\n"
WITHDRAWAL: dict[str, Any] = {
    "category": "取款/提现",
    "subcategory": "1 提现状态查询 Flow",
    "title": {"zh": "提现状态查询", "en": "Withdrawal status"},
    "description": "查询提现进度 / Where a withdrawal is",
    "examples": ["提现到哪了", "取的钱没到", "where is my withdrawal"],
    "required_slots": ["number"],
    "slots": {
        "number": {"label": {"zh": "单号", "en": "number"}, "pattern": "WD\\d{4,12}"},
        "state": {"choices": {"paid": ["已到账", "paid"]}, "context": ["status"]},
    },
    "steps": [
        {
            "id": "ask_number",
            "do": "ask",
            "slot": "number",
            "text": {"zh": "请提供单号。", "en": "Which one?"},
        },
        {
            "id": "paid",
            "do": "answer",
            "when": {"state": "paid"},
            "text": {"zh": "{number} 已经到账。", "en": "{number} is paid."},
        },
        {
            "id": "late",
            "do": "hand_over",
            "when": {"state": "unknown"},
            "text": {"zh": "转人工。", "en": "I pass you on."},
        },
    ],
    "related_subcategories": ["1 退款进度 Flow"],
    "sop_references": ["withdrawal.md"],
    "owner": "payments team",
}
REFUND: dict[str, Any] = {
    "category": "退款",
    "subcategory": "1 退款进度 Flow",
    "title": {"zh": "退款进度", "en": "Refund status"},
    "description": "退款到哪了",
    "examples": ["退款什么时候到"],
    "sop_references": ["refund.md"],
}
CLOSE: dict[str, Any] = {
    "category": "账户",
    "subcategory": "1 注销账户 Flow",
    "title": {"zh": "注销账户", "en": "Close the account"},
    "description": "注销账户",
}


def written(folder: Path, *scenarios: dict[str, Any]) -> Path:
    """A catalogue of these scenarios, else of all three, in a folder with two procedures."""
    tree = {"version": 1, "scenarios": list(scenarios) or [WITHDRAWAL, REFUND, CLOSE]}
    sops = folder / "sops"
    sops.mkdir(parents=True, exist_ok=True)
    for name in ("withdrawal.md", "refund.md"):
        (sops / name).write_text(SOP, "utf-8")
    path = folder / "catalogue.json"
    path.write_text(json.dumps(tree, ensure_ascii=False), "utf-8")
    return path


def changed(scenario: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy with other values."""
    return copy.deepcopy(scenario) | values


def ran(*words: str | Path, language: str = "C.UTF-8") -> tuple[int, str, str]:
    """`talkwire scenarios …`: the status, and what it has printed."""
    env = {"LC_ALL": language, "COLUMNS": "160"}
    done = CliRunner().invoke(app, ["scenarios", *map(str, words)], env=env)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr
