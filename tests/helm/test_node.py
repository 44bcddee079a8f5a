"""The chart on a real Kubernetes node, with the image in it: installed, upgraded, rolled back, taken away."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from testbed.programs import wait_for
from tests.helm import node as nodes
from tests.helm.chart import ALL_VALUES, INSTALLABLE, manifests, values_of
from tests.helm.node import ADDRESS, AWS_PORT, CREDENTIALS, REGIONS, Namespace, Node
from tests.helm.watched import Rounds

SIMULATED = {
    "credentials": {"existingSecret": {"name": CREDENTIALS}},
    "extraEnv": [{"name": "AWS_ENDPOINT_URL", "value": f"http://{ADDRESS}:{AWS_PORT}"}],
    "handoverSeconds": 0,
}
EVERY_REGION = {**SIMULATED, "config": {"regions": list(REGIONS)}}
MONITORED = "app.kubernetes.io/name=aws-vpn-exporter,app.kubernetes.io/instance=vpn"
"""What a ServiceMonitor of the release selects services by."""
PORT = 10450
HANDOVER = 60
"""Seconds: more than new pods take to be ready, on a busy machine too."""

pytestmark = pytest.mark.timeout(600)
"""The first test waits until everything is built and started."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with nodes.started(tmp_path_factory.mktemp("node")) as started:
        yield started


def only_pod(namespace: Namespace) -> Mapping[str, Any]:
    (pod,) = namespace.pods().values()
    return dict(pod)


def page(namespace: Namespace, scheme: str = "http", *arguments: str) -> tuple[int, str]:
    """Status and text of the only pod's metrics."""
    return namespace.fetch(f"{scheme}://{only_pod(namespace)['status']['podIP']}:{PORT}/metrics", *arguments)


@pytest.mark.parametrize("file", INSTALLABLE, ids=lambda file: file.stem)
def test_values_of_ci_become_ready_without_aws_and_leave_nothing(node: Node, file: Path) -> None:
    with node.namespace(file.stem) as namespace:
        namespace.upgrade({**values_of(file), "handoverSeconds": 0})
        assert namespace.pods()
        namespace.uninstall()


@pytest.mark.parametrize("file", ALL_VALUES, ids=lambda file: file.stem)
def test_the_api_server_accepts_every_manifest(node: Node, file: Path) -> None:
    """Those of operators are left out: their kinds are not known here."""
    with node.namespace(f"accepted-{file.stem}", {}) as namespace:
        values = {**values_of(file), "namespaceOverride": "", "serviceMonitor": {}, "dashboards": {"enabled": True}}
        known = [found for found in manifests(values, namespace=namespace.name) if "coreos" not in found["apiVersion"]]
        assert known
        listed = {"apiVersion": "v1", "kind": "List", "items": known}
        namespace.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=json.dumps(listed))


def watched(namespace: Namespace, rounds: Rounds) -> list[str]:
    """The regions that pods which stay showed in the last round, each as often as pods did."""
    shown = rounds.pods()
    return sorted(region for pod in namespace.pods() for region in shown.get(pod, ()))


@pytest.mark.timeout(1200)
def test_from_one_to_shards_and_back_no_region_goes_unwatched(node: Node) -> None:
    """The chart promises it as long as the new pods are ready within `handoverSeconds`; nothing else leaves a gap."""
    with node.namespace("shards") as namespace:

        def become(shards: int) -> None:
            namespace.upgrade({**EVERY_REGION, "shards": shards, "handoverSeconds": HANDOVER})
            assert len(namespace.pods()) == shards

        become(1)
        with node.background(sys.executable, "-m", "tests.helm.watched", namespace.name, MONITORED) as process:
            rounds = Rounds(process, REGIONS)
            wait_for(rounds.all_watched, 60, "every region is watched")
            become(2)
            pair = set(namespace.pods())
            for shards in (3, 1):
                become(shards)
            # Pods of the same names cannot start before the former ones have ended: the chart's README says so.
            wait_for(lambda: not pair & namespace.all_pods(), 2 * HANDOVER, "the former pair has ended")
            namespace.helm("rollback", "vpn", "2", "--wait", "--timeout=180s")
            wait_for(lambda: watched(namespace, rounds) == sorted(REGIONS), 180, "the new pods share the regions")
        assert rounds.unwatched() == []
        assert rounds.most_times_found() == 1
        namespace.uninstall()


def test_probes_pass_and_metrics_ask_for_a_password_with_tls(node: Node, tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=vpn"]
    subprocess.run(["openssl", *request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with node.namespace("tls") as namespace:
        namespace.secret("certificate", {"tls.crt": certificate.read_text(), "tls.key": key.read_text()})
        web_config = {
            "tls_server_config": {"cert_file": "tls.crt", "key_file": "tls.key"},
            "basic_auth_users": {"prometheus": bcrypt.hashpw(b"dummy", bcrypt.gensalt(4)).decode()},
            "auth_excluded_paths": ["/-/healthy", "/-/ready"],
        }
        namespace.secret("web", {"web-config.yaml": json.dumps(web_config)})
        web = {"existingSecret": "web", "certificateSecret": "certificate", "tls": True}
        namespace.upgrade({**EVERY_REGION, "webConfig": web, "startupProbe": {"failureThreshold": 60}})
        assert page(namespace, "https")[0] == 401
        status, text = page(namespace, "https", "--user", "prometheus:dummy")
        assert status == 200
        assert "aws_vpn_connection_tunnels_up{" in text
        namespace.uninstall()


def test_the_pod_has_no_privileges_and_ends_in_time(node: Node) -> None:
    with node.namespace("privileges") as namespace:
        namespace.upgrade(EVERY_REGION)
        name = only_pod(namespace)["metadata"]["name"]
        status = dict(
            line.split(":", 1) for line in namespace.kubectl("exec", name, "--", "cat", "/proc/1/status").splitlines()
        )
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Bnd", "Amb")} == {0}
        assert status["NoNewPrivs"].strip() == "1"
        assert " / overlay ro," in namespace.kubectl("exec", name, "--", "cat", "/proc/1/mounts")
        with node.background(
            "kubectl", "--namespace", namespace.name, "get", "pods", "--watch", "--output=json"
        ) as watch:
            namespace.kubectl("delete", "pod", name, "--wait=false")
            assert watch.stdout
            decoder, text = json.JSONDecoder(), ""
            codes: list[int] = []
            for line in watch.stdout:
                text += line
                if line.rstrip() != "}":
                    continue
                pod, text = decoder.decode(text), ""
                states = pod["status"].get("containerStatuses", [])
                if pod["metadata"]["name"] == name:
                    codes = [one["state"]["terminated"]["exitCode"] for one in states if "terminated" in one["state"]]
                if codes:
                    break
        assert codes == [0]
        namespace.uninstall()


def test_a_changed_config_map_reaches_the_pod_and_is_read_without_a_restart(node: Node) -> None:
    with node.namespace("reload") as namespace:
        namespace.config_map("mine", {"config.yaml": "regions: [eu-west-1]"})
        values = {"existingConfig": {"configMap": "mine"}, "configReload": {"enabled": True, "interval": "1s"}}
        namespace.upgrade({**SIMULATED, **values})
        before = only_pod(namespace)["metadata"]["uid"]
        assert "us-east-1" not in page(namespace)[1]
        namespace.config_map("mine", {"config.yaml": "regions: [eu-west-1, us-east-1]"})
        added = 'aws_vpn_connection_tunnels_up{account_id="123456789012",region="us-east-1"'
        wait_for(lambda: added in page(namespace)[1], 60, "the added region is watched")
        assert only_pod(namespace)["metadata"]["uid"] == before
        namespace.config_map("mine", {"config.yaml": "regions: nowhere"})
        refused = "aws_vpn_exporter_config_last_reload_successful 0"
        wait_for(lambda: refused in page(namespace)[1], 60, "the bad file is refused")
        assert added in page(namespace)[1]
        namespace.uninstall()


def test_a_changed_configuration_of_the_values_replaces_the_pod(node: Node) -> None:
    with node.namespace("rolls") as namespace:
        namespace.upgrade({**SIMULATED, "config": {"regions": ["eu-west-1"]}})
        namespace.upgrade({**SIMULATED, "config": {"regions": ["us-east-1"]}})
        wait_for(lambda: len(namespace.pods()) == 1, 60, "the former pod is told to end")
        text = page(namespace)[1]
        assert 'region="us-east-1"' in text
        assert 'region="eu-west-1"' not in text
        namespace.uninstall()


def test_the_commands_of_the_notes_do_what_they_say(node: Node, tmp_path: Path) -> None:
    """Word by word, but for `docker`: there is podman here, and here is what it would run."""
    with node.namespace("notes") as namespace:
        notes = namespace.upgrade(EVERY_REGION)
        commands = [line.strip() for line in notes.split("NOTES:")[1].splitlines() if line.startswith("     ")]
        policy = " ".join(commands[:2])
        read, _, told = policy.partition(" | docker run --rm -i ")
        config = node.run("sh", "-c", read)
        (image, *arguments) = told.split()
        name = only_pod(namespace)["metadata"]["name"]
        assert only_pod(namespace)["spec"]["containers"][0]["image"] == image
        run = namespace.kubectl("exec", "--stdin", name, "--", "aws-vpn-exporter", *arguments, stdin=config)
        assert "ec2:DescribeVpnConnections" in json.dumps(json.loads(run))
        forward = next(command for command in commands if "port-forward" in command)
        url = next(command for command in commands if command.startswith("http"))
        with node.background(*forward.split()) as forwarding:
            nodes.wait_for_line(forwarding, f"Forwarding from 127.0.0.1:{PORT} -> {PORT}")
            status, text = namespace.fetch(url)
        assert status == 200
        assert "eu-west-1" in text
        namespace.uninstall()
