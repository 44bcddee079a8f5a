"""`make lab`, as a person uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import namespaces
from testbed.programs import REPOSITORY

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("possible")]


def console(tmp_path: Path, commands: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", "--no-pages", *options],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        input=commands,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_commands_do_what_they_say_and_no_key_is_shown(tmp_path: Path) -> None:
    commands = (
        "status\ndevice\nblock\nin lan ip route\ncut 3\nmend\nlog\naws ec2 describe-vpn-connections --query Owner\n"
    )
    done = console(tmp_path, commands)
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert done.stdout.count("phase 1 up, phase 2 up") == 2
    assert 'secret = "..."' in done.stdout
    assert "esp-from-aws" in done.stdout
    assert "default via 10.50.0.1" in done.stdout
    assert "there are the tunnels 1 and 2" in done.stdout
    assert "was not built for a fault" in done.stdout
    assert "changed from OpenConfirm to Established" in done.stdout
    assert done.stdout.endswith("Everything has ended.\n")
    assert not list(tmp_path.iterdir())


def test_a_fault_is_brought_about_and_mended_by_hand(tmp_path: Path) -> None:
    done = console(tmp_path, "begin\nstatus\nmend\nstatus\n", "--fault=device-restarts-in-order")
    assert "The device is shut down in order" in done.stdout
    assert done.stdout.count("IPSEC IS DOWN") >= 2
    assert "Start the device." in done.stdout


def test_it_lists_its_faults_anywhere() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", "--list"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "group-refused-by-aws\n    The device renews phase 2" in done.stdout


def test_where_it_cannot_run_one_sentence_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lab.__main__ import main

    monkeypatch.setattr(namespaces, "CHARON", Path("/nowhere/charon"))
    assert main(["--no-pages"]) == 1
    assert "strongswan-charon" in capsys.readouterr().err
