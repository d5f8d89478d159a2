from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from talkwire.voice import _sphinx_child as child


def test_the_program_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "pocketsphinx.py").write_text("raise ImportError", "utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['x']\n"
    code += f"import runpy; runpy.run_path({child.__file__!r}, run_name='__main__')"

    ended = subprocess.run([sys.executable, "-c", code], input=b"", check=False, timeout=30)

    assert ended.returncode == child.MISSING
