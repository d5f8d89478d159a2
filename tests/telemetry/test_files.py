"""Files that are begun anew when they are full, whoever writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from talkwire.telemetry.files import Rotating

WRITERS, LINES = 4, 400
_WRITE = """
import sys
from pathlib import Path
from talkwire.telemetry.files import Rotating
path, who, lines = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
log = Rotating(path, max_bytes=4096, backups=100)
for number in range(lines):
    log.write(f"{who} {number} ".ljust(99, ".").encode() + b"\\n")
log.close()
"""


def _lines(folder: Path) -> list[str]:
    return [line for path in folder.glob("t.log*") for line in path.read_text().splitlines()]


def test_a_full_file_is_kept_under_another_name_and_the_oldest_go(tmp_path: Path) -> None:
    log = Rotating(tmp_path / "deep" / "t.log", max_bytes=100, backups=2)
    for number in range(10):
        log.write(f"{number}".ljust(49, ".").encode() + b"\n")
    log.close()
    log.close()

    kept = {path.name: path.read_text() for path in sorted((tmp_path / "deep").glob("t.log*"))}
    assert list(kept) == ["t.log", "t.log.1", "t.log.2"]
    assert [kept[name][0] for name in ("t.log.2", "t.log.1", "t.log")] == ["4", "6", "8"]
    assert max(map(len, kept.values())) <= 100


def test_without_backups_a_full_file_begins_anew(tmp_path: Path) -> None:
    log = Rotating(tmp_path / "t.log", max_bytes=100, backups=0)
    for number in range(5):
        log.write(f"{number}".ljust(49, ".").encode() + b"\n")
    log.close()

    assert (tmp_path / "t.log").read_text()[0] == "4"
    assert [path.name for path in tmp_path.glob("t.log*")] == ["t.log"]


def test_a_line_that_is_longer_than_a_file_is_written_whole(tmp_path: Path) -> None:
    log = Rotating(tmp_path / "t.log", max_bytes=100, backups=1)
    log.write(b"x" * 500 + b"\n")
    log.write(b"y\n")
    log.close()

    assert len(_lines(tmp_path)) == 2


def test_a_file_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    log = Rotating(tmp_path / "t.log", max_bytes=1000, backups=1)
    log.write(b"one\n")
    (tmp_path / "t.log").rename(tmp_path / "elsewhere")
    log.write(b"two\n")
    (tmp_path / "t.log").unlink()
    log.write(b"three\n")
    log.close()

    assert (tmp_path / "elsewhere").read_text() == "one\n"
    assert (tmp_path / "t.log").read_text() == "three\n"


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        Rotating(tmp_path / "file" / "t.log", max_bytes=1000, backups=1).write(b"x\n")


def test_processes_that_write_one_file_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITE, str(path), f"w{number}", str(LINES)])
        for number in range(WRITERS)
    ]

    assert [writer.wait(40) for writer in writers] == [0] * WRITERS
    found = [tuple(line.split()[:2]) for line in _lines(tmp_path)]
    assert sorted(found) == sorted((f"w{w}", str(n)) for w in range(WRITERS) for n in range(LINES))
    assert len(list(tmp_path.glob("t.log.*"))) > 10
    # Each may find room for a line at the same time as the others.
    assert all(p.stat().st_size <= 4096 + WRITERS * 100 for p in tmp_path.glob("t.log*"))
