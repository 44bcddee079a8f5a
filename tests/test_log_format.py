"""Log lines: never more than somebody can read."""

import io
import logging
from collections.abc import Iterator

import pytest

from aws_vpn_exporter import log_format


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    log_format.setup("info", "logfmt")
    yield written
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


def test_warnings_of_one_kind_are_limited_and_others_are_not(lines: io.StringIO) -> None:
    for number in range(5000):
        logging.getLogger("flood").warning("client %s is hostile", number)
    logging.getLogger("flood").warning("another kind")
    for number in range(500):
        logging.getLogger("calm").info("fact %s", number)
    written = lines.getvalue().splitlines()
    assert 50 < sum("hostile" in line for line in written) < 200
    assert sum("another kind" in line for line in written) == 1
    assert sum("fact" in line for line in written) == 500
