"""The container that the chart describes is started for real, on a simulated AWS."""

import base64
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.helm.chart import CHART, Manifest, manifests, one, values_of
from tests.helm.kubelet import Cluster, Running, arguments, container_of, environment, fetched, image, started
from tests.support.real_programs import missing

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(Fleet(time.time).describe) as simulated:
        yield simulated


def deployment_and_cluster(values: dict[str, Any], aws: SimulatedAws, port: int) -> tuple[Manifest, Cluster]:
    found = manifests(
        {
            "containerPort": port,
            "config": {"regions": ["eu-west-1"], "tags": ["site"]},
            "credentials": {"existingSecret": {"name": "vpn-credentials"}},
            "extraEnv": [{"name": "AWS_ENDPOINT_URL", "value": aws.url}],
            **values,
        }
    )
    config_maps = {found["metadata"]["name"]: found["data"] for found in found if found["kind"] == "ConfigMap"}
    return one("Deployment", found), Cluster(config_maps, {"vpn-credentials": CREDENTIALS})


def status_of(running: Running) -> dict[str, str]:
    lines = Path(f"/proc/{running.process.pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_serves_metrics_without_privileges_on_a_read_only_root(aws: SimulatedAws, port: int, tmp_path: Path) -> None:
    deployment, cluster = deployment_and_cluster({}, aws, port)
    with started(deployment, cluster, tmp_path) as running:
        running.wait_until_ready()
        assert running.probe("livenessProbe") == 200
        _, page = fetched(f"http://127.0.0.1:{port}/metrics")
        assert 'aws_vpn_connection_tunnels_up{account_id="123456789012",region="eu-west-1"' in page
        assert 'tag_site="' in page

        status = status_of(running)
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
        assert status["NoNewPrivs"] == "1"
        assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        mounts = [line.split() for line in Path(f"/proc/{running.process.pid}/mountinfo").read_text().splitlines()]
        (options,) = (mount[5] for mount in mounts if mount[4] == "/")
        assert options.split(",")[0] == "ro"

        running.process.send_signal(signal.SIGTERM)
        grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert running.process.wait(timeout=grace) == 0


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    openssl = shutil.which("openssl") or missing("openssl, which makes a certificate for the test, is not installed")
    key, cert = tmp_path / "tls.key", tmp_path / "tls.crt"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=vpn"]
    subprocess.run([openssl, *request, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return {"tls.key": key.read_text(), "tls.crt": cert.read_text()}


def test_probes_pass_and_metrics_ask_for_a_password_with_tls_and_basic_authentication(
    aws: SimulatedAws, port: int, certificate: dict[str, str], tmp_path: Path
) -> None:
    web_config = (
        "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
        f"basic_auth_users: {{prometheus: {bcrypt.hashpw(b'dummy', bcrypt.gensalt(4)).decode()}}}\n"
        "auth_excluded_paths: [/-/healthy, /-/ready]\n"
    )
    values = {"webConfig": {"existingSecret": "vpn-web", "certificateSecret": "vpn-tls", "tls": True}}
    deployment, cluster = deployment_and_cluster(values, aws, port)
    secrets = {**cluster.secrets, "vpn-web": {"web-config.yaml": web_config}, "vpn-tls": certificate}
    with started(deployment, Cluster(cluster.config_maps, secrets), tmp_path) as running:
        running.wait_until_ready()
        assert running.probe("livenessProbe") == 200
        url = f"https://127.0.0.1:{port}/metrics"
        assert fetched(url)[0] == 401
        password = base64.b64encode(b"prometheus:dummy").decode()
        status, page = fetched(url, {"Authorization": f"Basic {password}"})
        assert status == 200
        assert "aws_vpn_connection_tunnels_up{" in page


def test_the_image_and_the_chart_agree() -> None:
    deployment = one("Deployment", manifests())
    security = deployment["spec"]["template"]["spec"]["securityContext"]
    assert image("USER") == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert image("CMD") == container_of(deployment)["args"][:1]
    assert int(image("EXPOSE")) == container_of(deployment)["ports"][0]["containerPort"]


@pytest.mark.parametrize("ordinal", [0, 2])
def test_a_pod_of_a_stateful_set_knows_its_shard(ordinal: int) -> None:
    stateful = one("StatefulSet", manifests(values_of(CHART / "ci" / "shards-values.yaml")))
    cluster = Cluster(secrets={"vpn-credentials": CREDENTIALS})
    assert f"--shard={ordinal}/3" in arguments(stateful, environment(stateful, cluster, ordinal))


def test_the_pods_of_a_stateful_set_watch_every_target_once(aws: SimulatedAws, port: int, tmp_path: Path) -> None:
    regions = ["eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2"]
    found = manifests(
        {
            "shards": 2,
            "containerPort": port,
            "config": {"regions": regions},
            "credentials": {"existingSecret": {"name": "vpn-credentials"}},
            "extraEnv": [{"name": "AWS_ENDPOINT_URL", "value": aws.url}],
        }
    )
    config_maps = {found["metadata"]["name"]: found["data"] for found in found if found["kind"] == "ConfigMap"}
    cluster = Cluster(config_maps, {"vpn-credentials": CREDENTIALS})
    watched: list[str] = []
    for ordinal in range(2):
        with started(one("StatefulSet", found), cluster, tmp_path / str(ordinal), ordinal) as running:
            running.wait_until_ready()
            _, page = fetched(f"http://127.0.0.1:{port}/metrics")
            watched += re.findall(r'aws_vpn_target_up\{.*region="([^"]+)"', page)
    assert sorted(watched) == sorted(regions)
