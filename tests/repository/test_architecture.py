"""The map of the imports in pyproject.toml is held, and an import of any kind that goes against it is noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.programs import REPOSITORY

ROOTS = {"aws_vpn_exporter": "exporter/aws_vpn_exporter"} | {
    name: name for name in ("grafana", "lab", "testbed", "tests", "tools")
}
LINT = (str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def checked(folder: Path) -> tuple[int, str]:
    """import-linter's exit code and report on the packages in the folder."""
    done = subprocess.run(LINT, cwd=folder, env={"PYTHONPATH": "."}, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all packages side by side, with the map."""
    folder = tmp_path_factory.mktemp("project")
    for name, path in ROOTS.items():
        shutil.copytree(REPOSITORY / path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.prom"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def test_the_map_is_held(project: Path) -> None:
    code, report = checked(project)
    assert code == 0, report


IN_A_FUNCTION = "def late() -> None:\n    {}\n"
FOR_TYPES_ONLY = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    {}\n"


@pytest.mark.parametrize(
    ("file", "line", "arrow"),
    [
        ("aws_vpn_exporter/model.py", "from aws_vpn_exporter import status", "model -> aws_vpn_exporter.status"),
        ("aws_vpn_exporter/model.py", "from . import status", "model -> aws_vpn_exporter.status"),
        ("aws_vpn_exporter/model.py", "from .metrics.record import Metric", "model -> aws_vpn_exporter.metrics.record"),
        (
            "aws_vpn_exporter/diagnosis/idle.py",
            "from ..status import TargetStatus",
            "diagnosis.idle -> aws_vpn_exporter.status",
        ),
        (
            "aws_vpn_exporter/policy.py",
            IN_A_FUNCTION.format("from .diagnosis import case"),
            "policy -> aws_vpn_exporter.diagnosis.case",
        ),
        (
            "aws_vpn_exporter/target.py",
            FOR_TYPES_ONLY.format("from .poller import Poller"),
            "target -> aws_vpn_exporter.poller",
        ),
        (
            "aws_vpn_exporter/aws/errors.py",
            "import aws_vpn_exporter.metrics.page as page",
            "aws.errors -> aws_vpn_exporter.metrics.page",
        ),
        (
            "aws_vpn_exporter/metrics/page.py",
            "from ..demo import faults",
            "metrics.page -> aws_vpn_exporter.demo.faults",
        ),
        ("aws_vpn_exporter/demo/wire.py", "from .. import wording", "demo.wire -> aws_vpn_exporter.wording"),
        ("aws_vpn_exporter/sources/logs.py", "import boto3", "sources.logs -> boto3"),
        (
            "aws_vpn_exporter/metrics/page.py",
            IN_A_FUNCTION.format("from botocore.config import Config"),
            "metrics.page -> botocore",
        ),
        ("tests/conftest.py", "from tools import docs", "tests.conftest -> tools.docs"),
        ("tools/docs.py", "from tests.support import stepped_exporter", "tools.docs -> tests.support.stepped_exporter"),
        ("testbed/chain.py", "import tests.conftest", "testbed.chain -> tests.conftest"),
        ("aws_vpn_exporter/cli.py", "import testbed.programs", "aws_vpn_exporter.cli -> testbed.programs"),
    ],
)
def test_an_import_against_the_map_is_noticed(project: Path, file: str, line: str, arrow: str) -> None:
    module = project / file
    before = module.read_text()
    module.write_text(f"{before}\n{line}\n")
    try:
        code, report = checked(project)
    finally:
        module.write_text(before)
    assert code == 1
    assert arrow in " ".join(report.split())


def test_a_room_that_is_not_on_the_map_is_noticed(project: Path) -> None:
    room = project / "aws_vpn_exporter" / "attic.py"
    room.write_text("")
    try:
        code, report = checked(project)
    finally:
        room.unlink()
    assert code == 1
    assert "attic" in report


def test_no_python_file_is_longer_than_400_lines() -> None:
    files = [file for path in ROOTS.values() for file in (REPOSITORY / path).rglob("*.py")]
    assert len(files) > 300
    assert not [file for file in files if len(file.read_text().splitlines()) > 400]
