"""`make stack`: what a person starts, opens, reads and ends."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from testbed.exporter_process import clean_environment
from testbed.programs import REPOSITORY, find, wait_for

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def output(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    for program in ("prometheus", "alertmanager"):
        find(program)
    log = tmp_path / "stack.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.stack", "--scenario=connection-down", "--speed=60"],
            cwd=REPOSITORY,
            env=clean_environment(TMPDIR=str(tmp_path)),
            stdout=written,
            stderr=written,
        )
    yield process, log
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def answers(url: str) -> bool:
    with urlopen(url, timeout=10) as answer:
        return bool(answer.status == 200)


def test_the_stack_opens_pages_and_ends(output: tuple[subprocess.Popen[bytes], Path], tmp_path: Path) -> None:
    process, log = output
    wait_for(lambda: "to the pager:" in log.read_text(), 60, "a page", tmp_path)
    text = log.read_text()
    urls = re.findall(r"^  (http://\S+)$", text, re.MULTILINE)
    assert len(urls) == 5
    assert all(answers(url) for url in urls)
    assert "  north-mill has lost both tunnels, and stays so.\n" in text
    page = text.partition("to the pager:")[2]
    assert page.startswith("\n  VPN DOWN: north-mill (vpn-0c5b0733468405bbf), Wintergate\n")

    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, log.read_text()
    assert log.read_text().endswith("Everything has ended.\n")
    assert not list(tmp_path.glob("aws-vpn-stack-*"))
    for url in urls:
        with pytest.raises(OSError, match="refused"):
            answers(url)


def test_an_unknown_scenario_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.stack", "--scenario=nonsense"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "connection-down" in done.stderr
