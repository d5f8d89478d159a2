from __future__ import annotations

import pytest

from bench import cli


def test_an_unknown_mode_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--modes", "paced,fast"])
    assert ended.value.code == 2
    assert "'fast' is none of paced, burst, ttft" in capsys.readouterr().err
