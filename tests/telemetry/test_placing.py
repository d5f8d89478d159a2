"""Two files: all lines, and those that tell of trouble."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from talkwire.telemetry.placing import LogFiles


def test_trouble_has_a_file_of_its_own_too(tmp_path: Path) -> None:
    handler = LogFiles(tmp_path / "logs").handler()
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        handler.handle(logging.LogRecord("a", level, "", 0, logging.getLevelName(level), (), None))
    handler.close()

    folder = tmp_path / "logs"
    assert (folder / "talkwire.log").read_text().split() == ["INFO", "WARNING", "ERROR"]
    assert (folder / "error.log").read_text().split() == ["WARNING", "ERROR"]


def test_lines_that_were_let_go_are_told_as_a_line(tmp_path: Path) -> None:
    handler = LogFiles(tmp_path).handler()
    handler.handle(logging.LogRecord("a", logging.INFO, "", 0, "%d", ("x",), None))
    handler.handle(logging.LogRecord("a", logging.INFO, "", 0, "after", (), None))
    handler.close()

    told = json.loads((tmp_path / "error.log").read_text())
    assert (told["event"], told["count"]) == ("log.lines_dropped", 1)
