"""A decent client is served well while hostile ones do their worst, and the server stays small and quiet."""

from pathlib import Path

import pytest

from testbed.siege import attacks, besieged

PAGE = 8_000_000


@pytest.mark.parametrize("attack", attacks())
def test_an_attack_shuts_nobody_else_out(attack: str, tmp_path: Path) -> None:
    outcome = besieged(attack, tmp_path, PAGE, requests=20)
    assert outcome.failures == []
    assert outcome.most_resident < 200
    assert outcome.log_lines < 10 * outcome.seconds + 10


@pytest.mark.parametrize("attack", ["silent connections", "clients that do not read"])
def test_it_serves_on_at_the_limit_of_file_descriptors(attack: str, tmp_path: Path) -> None:
    outcome = besieged(attack, tmp_path, PAGE, requests=20, descriptors=64)
    assert outcome.failures == []
    assert outcome.log_lines < 10 * outcome.seconds + 10
