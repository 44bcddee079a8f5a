"""The guides of docs/INSTALL.md, followed word by word as far as a machine without registry, systemd and AWS allows."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from aws_vpn_exporter import __version__
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import clean_environment, with_credentials
from testbed.programs import REPOSITORY, find, free_port, program, wait_for
from tests.commands.test_flags import answers
from tests.repository.test_package import build

GUIDE = (REPOSITORY / "docs" / "INSTALL.md").read_text()
UNIT = REPOSITORY / "deploy" / "systemd" / "aws-vpn-exporter.service"


def commands(heading: str) -> str:
    """The commands under the heading that are not marked as needing what is not here."""
    section = re.split(r"^## ", GUIDE, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(f"{heading}\n")]
    text = re.sub(r"^<!-- not run by a test: .*? -->\n```sh\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(REPOSITORY, "wheel", tmp_path_factory.mktemp("install") / "dist")


def follow(text: str, root: Path, wheel: Path, **environment: str) -> str:
    """Runs the commands below another root, with the wheel in place of the one on the index; their output."""
    text = re.sub(r"(?<= )(?=/(?:opt|etc)/)|^(?=/opt/)|(?<=>)(?=/etc/)", str(root), text, flags=re.MULTILINE)
    text = re.sub(r"(?<=install )aws-vpn-exporter$", str(wheel), text, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euxc", text],
        env=clean_environment(**environment),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_pip_and_systemd(wheel: Path, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assert "files of aws-vpn-exporter" in follow(commands("pip and systemd"), tmp_path, wheel, PATH=path)
    unit = tmp_path / "etc" / "systemd" / "system" / "aws-vpn-exporter.service"
    assert unit.read_text() == UNIT.read_text()
    assert (tmp_path / "etc" / "aws-vpn-exporter" / "environment").read_text() == "AWS_REGION=eu-west-1\n"
    start = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert start
    port = free_port()
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws:
        address = {"AWS_VPN_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
        environment = clean_environment(**with_credentials(aws.url, **address))
        command = f"{tmp_path}{start[1]}".split()
        with program(tmp_path / "serve.log", *command, environment=environment):
            wait_for(lambda: answers(port), 60, "the service answers", tmp_path)


def test_uv(wheel: Path, tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR")}
    uv = Path(sys.executable).parent
    path = f"{tmp_path / 'UV_TOOL_BIN_DIR'}:{uv}:/usr/bin:/bin"
    printed = follow(commands("uv and pipx"), tmp_path, wheel, PATH=path, UV_PYTHON=sys.executable, **folders)
    assert printed == f"aws-vpn-exporter {__version__}\n"


def test_systemd_takes_the_unit_and_finds_it_as_little_exposed_as_the_guide_says(tmp_path: Path) -> None:
    analyze = find("systemd-analyze")
    # The program of the unit is not installed here.
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    verified = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run([analyze, "security", "--offline=true", unit], capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+) ", judged.stdout)
    stated = re.search(r"exposure level of ([\d.]+)", GUIDE)
    assert found
    assert stated
    # Versions of systemd judge a little differently.
    assert abs(float(found[1]) - float(stated[1])) <= 0.3


def test_ecs_would_take_the_task_definition() -> None:
    task = json.loads((REPOSITORY / "deploy" / "ecs" / "task-definition.json").read_text())
    model = Session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
    assert model.input_shape
    assert ParamValidator().validate(task, model.input_shape).generate_report() == ""
    (container,) = task["containerDefinitions"]
    assert container["image"].endswith(f":{__version__}")
    assert container["portMappings"][0]["containerPort"] == 10450
    recipe = (REPOSITORY / "Dockerfile").read_text()
    assert container["user"] in recipe


def test_every_image_of_the_guide_is_this_version() -> None:
    named = re.findall(r"ghcr\.io/aws-vpn-exporter/aws-vpn-exporter:(\S+)", GUIDE)
    assert named == [__version__] * 2
