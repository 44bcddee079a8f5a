"""What the Prometheus Operator makes of the chart's objects: `make operator`, by hand or at night.

A real API server has its kinds, its admission webhook judges the rules, and a real Prometheus reads the configuration
that it generates.
"""

import base64
import gzip
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from testbed.chain import RULES
from testbed.programs import REPOSITORY, find, free_port, program, wait_for
from tests.helm import node as nodes
from tests.helm.chart import Manifest, Values, manifests
from tests.helm.node import Node
from tests.support.real_programs import missing

PROXY = "http://127.0.0.1:8001"
NAMESPACE = "prometheus"
KINDS = ("ServiceMonitor", "PodMonitor", "Probe", "PrometheusRule")
SECRETS = {"vpn-tls": {"ca.crt": ""}, "vpn-scrape": {"username": "prometheus", "password": "not-a-real-password"}}
SCRAPE: Values = {
    "interval": "20s",
    "scrapeTimeout": "10s",
    "honorLabels": True,
    "sampleLimit": 100000,
    "basicAuth": {
        "username": {"name": "vpn-scrape", "key": "username"},
        "password": {"name": "vpn-scrape", "key": "password"},
    },
    "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "aws_vpn_tunnel_replay_.*", "action": "drop"}],
}
CONNECTION = {"vpnConnectionId": "vpn-0123456789abcdef0", "accountId": "123456789012", "region": "eu-west-1"}
READ: Values = {
    "serviceMonitor": {"enabled": True, **SCRAPE},
    "prometheusRule": {"enabled": True},
    "keepaliveProbe": {
        "enabled": True,
        "proberUrl": "blackbox:9115",
        "connections": [{**CONNECTION, "targets": ["192.0.2.10", "192.0.2.11"]}],
    },
}
BY_POD: Values = {"podMonitor": {"enabled": True, **SCRAPE}, "webConfig": {}}

pytestmark = pytest.mark.timeout(600)


def operator() -> Path:
    """The folder with the Operator's programs. Skips where they are not built."""
    script = REPOSITORY / "tools" / "kubernetes" / "operator.sh"
    run = subprocess.run([script, "--where"], capture_output=True, text=True, check=False)
    return Path(run.stdout.strip()) if run.returncode == 0 else missing(run.stderr.strip())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that knows the Operator's kinds, with the Operator beside it."""
    parts = operator()
    with nodes.started(tmp_path_factory.mktemp("node")) as started, ExitStack() as stack:
        started.kubectl("apply", "--server-side", f"--filename={parts / 'crds'}")
        started.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        stack.enter_context(started.background("kubectl", "proxy", "--port=8001"))
        log = stack.enter_context((started.folder / "operator.log").open("w"))
        command = started.command(str(parts / "bin" / "operator"), f"--apiserver={PROXY}", f"--namespaces={NAMESPACE}")
        process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
        stack.callback(process.kill)
        yield started


@pytest.fixture(scope="module")
def read(node: Node) -> Iterator["Read"]:
    """What the Operator makes of two releases, one for each kind of monitor."""
    with node.namespace(NAMESPACE, {}) as namespace:
        for name, texts in SECRETS.items():
            namespace.secret(name, texts)
        objects = [*of_operator(READ, "vpn"), *of_operator(BY_POD, "pods"), reader()]
        late = one_whose_time_out_is_too_long(objects)
        listed = {"apiVersion": "v1", "kind": "List", "items": [*objects, late]}
        namespace.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(listed))
        made = Read(node, [*objects])
        wait_for(lambda: len(made.jobs()) >= 3, 120, "the Operator's configuration", node.folder)
        yield made


def of_operator(values: Values, name: str) -> list[Manifest]:
    return [one for one in manifests(values, name=name, namespace=NAMESPACE) if one["kind"] in KINDS]


def reader() -> Manifest:
    """A Prometheus without pods, for which the Operator writes the configuration all the same."""
    selectors = [
        f"{kind}{which}"
        for kind in ("serviceMonitor", "podMonitor", "probe", "rule")
        for which in ("Selector", "NamespaceSelector")
    ]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "reader", "namespace": NAMESPACE},
        "spec": {"replicas": 0, "apiserverConfig": {"host": PROXY}, **{one: {} for one in selectors}},
    }


def one_whose_time_out_is_too_long(objects: list[Manifest]) -> Manifest:
    """A ServiceMonitor as the chart's schema refuses it."""
    monitor: Manifest = json.loads(json.dumps(next(one for one in objects if one["kind"] == "ServiceMonitor")))
    monitor["metadata"]["name"] = "too-late"
    monitor["spec"]["endpoints"][0]["scrapeTimeout"] = "50s"
    return monitor


@dataclass
class Read:
    """What the Operator wrote about the Prometheus `reader`."""

    node: Node
    objects: list[Manifest]

    def config(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.text()))

    def text(self) -> str:
        found = self.node.get("--namespace", NAMESPACE, "secrets", "--field-selector=metadata.name=prometheus-reader")
        packed = found[0]["data"]["prometheus.yaml.gz"] if found else ""
        return gzip.decompress(base64.b64decode(packed)).decode() if packed else "{}"

    def jobs(self) -> dict[str, dict[str, Any]]:
        return {job["job_name"]: job for job in self.config().get("scrape_configs", [])}

    def rules(self) -> dict[str, str]:
        """The files of rules, by name."""
        maps = self.node.get("--namespace", NAMESPACE, "configmaps", "--selector=prometheus-name=reader")
        return {name: text for one in maps for name, text in one.get("data", {}).items()}

    @contextmanager
    def prometheus(self, folder: Path) -> Iterator[str]:
        """A real Prometheus with that configuration and those rules; its address."""
        (folder / "rules").mkdir()
        for name, text in self.rules().items():
            (folder / "rules" / name).write_text(text)
        config = self.config()
        config["rule_files"] = [str(folder / "rules" / "*.yaml")]
        for job in config["scrape_configs"]:
            job.pop("tls_config", None)
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{free_port()}"
        options = (f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}")
        with program(folder / "prometheus.log", find("prometheus"), *options, f"--web.listen-address={address}"):
            wait_for(lambda: asked(address, "/api/v1/scrape_pools"), 60, "Prometheus", folder)
            yield address


def asked(address: str, path: str) -> Any:
    with urlopen(f"http://{address}{path}") as answer:
        return json.load(answer)["data"]


def test_each_monitor_and_probe_becomes_a_job_as_the_values_say(read: Read) -> None:
    jobs = read.jobs()
    kinds = {name.partition("/")[0]: job for name, job in jobs.items()}
    assert set(kinds) == {"serviceMonitor", "podMonitor", "probe"}
    for kind in ("serviceMonitor", "podMonitor"):
        job = kinds[kind]
        assert (job["scrape_interval"], job["scrape_timeout"], job["honor_labels"], job["sample_limit"]) == (
            "20s",
            "10s",
            True,
            100000,
        )
        assert job["basic_auth"] == SECRETS["vpn-scrape"]
        assert {"source_labels": ["__name__"], "regex": "aws_vpn_tunnel_replay_.*", "action": "drop"} in job[
            "metric_relabel_configs"
        ]
    (targets,) = kinds["probe"]["static_configs"]
    assert targets["targets"] == ["192.0.2.10", "192.0.2.11"]
    assert targets["labels"]["vpn_connection_id"] == CONNECTION["vpnConnectionId"]


def test_a_time_out_above_the_interval_costs_the_whole_monitor_which_is_why_the_chart_refuses_it(read: Read) -> None:
    assert not any("too-late" in name for name in read.jobs())


def test_a_real_prometheus_takes_the_jobs_and_every_rule(read: Read, tmp_path: Path) -> None:
    with read.prometheus(tmp_path) as address:
        jobs = set(read.jobs())
        wait_for(lambda: set(asked(address, "/api/v1/scrape_pools")["scrapePools"]) == jobs, 60, "the jobs", tmp_path)
        groups = asked(address, "/api/v1/rules")["groups"]
    ours = yaml.safe_load(RULES.read_text())["groups"]
    assert {group["name"]: len(group["rules"]) for group in groups} == {
        group["name"]: len(group["rules"]) for group in ours
    }


def test_the_admission_webhook_accepts_our_rules_and_refuses_broken_ones(node: Node, tmp_path: Path) -> None:
    (rules,) = (one for one in of_operator(READ, "vpn") if one["kind"] == "PrometheusRule")
    address = f"127.0.0.1:{free_port()}"
    webhook = (operator() / "bin" / "admission-webhook", "--web.enable-tls=false", f"--web.listen-address={address}")
    broken = json.loads(json.dumps(rules))
    broken["spec"]["groups"][0]["rules"][0]["expr"] = "sum by ("

    def allowed(judged: Manifest) -> bool:
        review = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "1",
                "resource": {"group": "monitoring.coreos.com", "version": "v1", "resource": "prometheusrules"},
                "object": judged,
            },
        }
        body, headers = json.dumps(review).encode(), {"Content-Type": "application/json"}
        with urlopen(Request(f"http://{address}/admission-prometheusrules/validate", body, headers)) as answer:
            return bool(json.load(answer)["response"]["allowed"])

    with program(tmp_path / "webhook.log", *webhook):
        wait_for(lambda: allowed(rules) or True, 30, "the webhook", tmp_path)
        assert allowed(rules)
        assert not allowed(broken)
