"""The workflows are sound as far as that can be told without GitHub: linted offline, pinned, with few rights."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from aws_vpn_exporter import __version__
from testbed.programs import REPOSITORY, find

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yaml"))
CLASSIFIER = "Programming Language :: Python :: 3."


def loaded(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    return document


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", REPOSITORY / ".github"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    done = subprocess.run([find("actionlint"), *WORKFLOWS], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_by_its_commit_and_the_same_one_everywhere(file: Path) -> None:
    uses = re.findall(r"uses: (.+)$", file.read_text(), re.MULTILINE)
    assert uses
    everywhere = "\n".join(one.read_text() for one in WORKFLOWS)
    for use in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use
        name = use.partition("@")[0]
        assert len(set(re.findall(rf"uses: {re.escape(name)}@(.+)$", everywhere, re.MULTILINE))) == 1, name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_jobs_have_the_rights_that_they_name_and_a_time_limit(file: Path) -> None:
    workflow = loaded(file)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"], name
        assert job["timeout-minutes"] <= 60, name
        assert "secrets." not in str(job), "the index and the registry trust the workflow itself"


def test_what_is_tested_is_what_the_package_says() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    claimed = [one.removeprefix(CLASSIFIER) for one in project["classifiers"] if one.startswith(CLASSIFIER)]
    tested = loaded(REPOSITORY / ".github" / "workflows" / "ci.yaml")["jobs"]["python"]["strategy"]["matrix"]["python"]
    assert [f"3.{minor}" for minor in claimed] == tested
    assert project["requires-python"] == f">={tested[0]}"


def test_a_release_compares_versions_where_they_stand() -> None:
    """The release's own check, run on this version as if it were tagged."""
    steps = loaded(REPOSITORY / ".github" / "workflows" / "release.yaml")["jobs"]["package"]["steps"]
    (check,) = [step["run"] for step in steps if step.get("id") == "version"]

    def passes(tag: str, folder: Path = REPOSITORY) -> bool:
        script = check.replace('grep -q "^## ', 'true || grep -q "^## ')  # no version has a section before its release
        command = ["bash", "-e", "-c", script]
        environment = {"GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": "/dev/null", "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode == 0

    assert passes(f"v{__version__}")
    assert not passes("v99.0.0")
