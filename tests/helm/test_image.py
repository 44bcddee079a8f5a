"""The container image: its recipe, what is in it, and how it runs as the chart runs it."""

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bcrypt
import pytest

from aws_vpn_exporter import __version__
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.programs import REPOSITORY, free_port
from tests.helm import image
from tests.helm.chart import manifests, one
from tests.helm.fetch import fetched
from tests.helm.image import Engine
from tests.support.real_programs import missing

DOCKERFILE = REPOSITORY / "Dockerfile"
LOCK = REPOSITORY / "requirements"

pytestmark = pytest.mark.timeout(600)
"""The first test waits until everything is built and started."""


def test_hadolint_has_nothing_to_say() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.is_file() else shutil.which("hadolint")
    run = subprocess.run(
        [hadolint or missing("hadolint is not installed"), DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = set(re.findall(r"^!(.+)$", (REPOSITORY / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    copied = {source for line in copies for source in line.split()}
    assert copied == allowed
    assert all((REPOSITORY / source).exists() for source in copied)


def pinned(file: str) -> dict[str, str]:
    """Version of each package that the file locks, without those that only other systems need."""
    text = (LOCK / file).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(found) == len(re.findall("==", re.sub(" ; .*", "", text)))
    return {normalized(name): version for name, version, marker in found if not marker}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_tests_run_with_the_packages_of_the_image() -> None:
    run, build, dev = pinned("run.txt"), pinned("build.txt"), pinned("dev.txt")
    assert dev | run | build == dev


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # podman refuses a path of more than 50 characters.
    with TemporaryDirectory(prefix="podman-") as folder, image.engine(Path(folder)) as loaded:
        yield loaded


def test_the_image_and_the_chart_agree(engine: Engine) -> None:
    pod = one("Deployment", manifests())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = pod["securityContext"]
    assert engine.inspect("{{.Config.User}}") == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert engine.inspect("{{json .Config.Cmd}}") == json.dumps(container["args"][:1])
    ports = [f"{port['containerPort']}/tcp" for port in container["ports"]]
    assert list(json.loads(engine.inspect("{{json .Config.ExposedPorts}}"))) == ports


def test_the_image_says_what_it_is_and_what_is_in_it(engine: Engine) -> None:
    labels = json.loads(engine.inspect("{{json .Config.Labels}}"))
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch("[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])
    for name in ("LICENSE", "NOTICE"):
        shipped = engine.run(f"/usr/share/doc/aws-vpn-exporter/{name}", entrypoint="cat")
        assert shipped == (REPOSITORY / name).read_text(encoding="utf-8")
    bill = json.loads(engine.run("/usr/share/doc/aws-vpn-exporter/sbom.cdx.json", entrypoint="cat"))
    python = {one["name"]: one["version"] for one in bill["components"] if one["purl"].startswith("pkg:pypi/")}
    assert python == pinned("run.txt")
    installed = engine.run("--show", "--showformat=${Package} ${Version}\n", entrypoint="dpkg-query")
    debian = [f"{one['name']} {one['version']}" for one in bill["components"] if one["purl"].startswith("pkg:deb/")]
    assert sorted(debian) == sorted(installed.splitlines())


def test_nothing_in_the_image_installs_or_compiles(engine: Engine) -> None:
    programs = "pip pip3 apt apt-get gcc cc c++ ld make perl curl wget"
    assert engine.run("-c", f"command -v {programs} || true", entrypoint="sh") == ""
    looked = "import importlib.util as u; print([n for n in ('pip', 'setuptools', 'ensurepip') if u.find_spec(n)])"
    assert engine.run("-c", looked, entrypoint="python").strip() == "[]"
    assert engine.run("-c", "sleep 0; python -c 'import ssl, zlib, sqlite3'", entrypoint="sh") == ""


def container(port: int, **values: Any) -> list[str]:
    """The arguments that the chart gives the container."""
    deployment = one("Deployment", manifests({"containerPort": port, "config": {"regions": ["eu-west-1"]}, **values}))
    return [str(one) for one in deployment["spec"]["template"]["spec"]["containers"][0]["args"]]


def test_it_serves_over_tls_as_the_chart_runs_it_and_ends_on_sigterm(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    web, config = tmp_path / "web", tmp_path / "config"
    web.mkdir()
    config.mkdir()
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=vpn"]
    subprocess.run(
        ["openssl", *request, "-keyout", web / "tls.key", "-out", web / "tls.crt"], check=True, capture_output=True
    )
    (web / "tls.key").chmod(0o444)
    (web / "web-config.yaml").write_text(
        "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
        f"basic_auth_users: {{prometheus: {bcrypt.hashpw(b'dummy', bcrypt.gensalt(4)).decode()}}}\n"
        "auth_excluded_paths: [/-/healthy, /-/ready]\n"
    )
    (config / "config.yaml").write_text("regions: [eu-west-1]\n")
    mounts = {web: "/etc/aws-vpn-exporter/web", config: "/etc/aws-vpn-exporter/config"}
    arguments = container(port, webConfig={"existingSecret": "web", "tls": True})
    credentials = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}
    with SimulatedAws(Fleet(time.time).describe) as aws:
        environment = {"AWS_ENDPOINT_URL": aws.url, **credentials}
        with engine.running(arguments, environment, mounts) as process:
            url = f"https://127.0.0.1:{port}"
            until_ready(f"{url}/-/ready", process)
            assert fetched(f"{url}/metrics")[0] == 401
            password = base64.b64encode(b"prometheus:dummy").decode()
            status, page = fetched(f"{url}/metrics", {"Authorization": f"Basic {password}"})
            assert status == 200
            assert "aws_vpn_connection_tunnels_up{" in page
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def until_ready(url: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            if fetched(url)[0] == 200:
                return
        except OSError:
            pass  # not listening yet
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"never ready:\n{process.communicate()[0]}")
