"""A short chaos run; `make chaos` is the long one."""

from pathlib import Path

import pytest

from testbed.chaos import ChaosRun


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_page_says_what_was_not_so(seed: int, tmp_path: Path) -> None:
    result = ChaosRun(seed, 8, tmp_path).run(polls=600, seconds=60)
    assert result.violations == []
    assert result.tracebacks == 0
    assert result.pages > 20
