"""The chart's suites, run by helm-unittest, and the chart as helm 4 sees it."""

import subprocess
from pathlib import Path

import pytest

from tests.helm.chart import CHART, INSTALLABLE
from tests.helm.node import parts

KUBERNETES = ("1.28.0", "1.37.0")
"""The oldest that has all that the chart knows, and the newest."""


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([parts() / "bin" / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_suite_passes() -> None:
    """Without a suite that is passed over: the files are counted."""
    said = run("helm-unittest", "--strict", str(CHART))
    suites = len(list((CHART / "tests").glob("*_test.yaml")))
    assert f"{suites} passed, {suites} total" in said


@pytest.mark.parametrize("file", INSTALLABLE, ids=lambda file: file.stem)
def test_helm_lints_values_of_ci(file: Path) -> None:
    run("helm", "lint", "--strict", str(CHART), f"--values={file}")


@pytest.mark.parametrize("version", KUBERNETES)
def test_helm_4_renders_for_every_kubernetes(version: str) -> None:
    shards = ["--set=shards=2", "--set=config.regions=all"]
    assert "kind: StatefulSet" in run("helm", "template", "vpn", str(CHART), f"--kube-version={version}", *shards)
