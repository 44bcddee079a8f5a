"""What Helm, Kubernetes and the Prometheus Operator say to the chart."""

import json
import tarfile
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from aws_vpn_exporter.cli import main
from testbed.programs import REPOSITORY
from tests.helm.chart import ALL_VALUES, CHART, VALUES, Values, documents, manifests, one, rendered, values_of
from tests.helm.published_schemas import KUBERNETES, check

by_file = pytest.mark.parametrize("file", ALL_VALUES, ids=lambda file: file.stem)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(helm_python.package(CHART, destination=tmp_path_factory.mktemp("package")))


@by_file
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_every_manifest_is_accepted_by_the_oldest_and_the_newest_kubernetes(file: Path, kubernetes: str) -> None:
    for manifest in manifests(values_of(file)):
        check(manifest, kubernetes)


@by_file
def test_lint_has_nothing_to_say(file: Path) -> None:
    report = helm_python.lint(CHART, values_of(file), strict=True, namespace="monitoring")
    assert not report["errors"]
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@by_file
def test_every_resource_has_the_recommended_labels_and_a_namespace(file: Path) -> None:
    for manifest in manifests({**values_of(file), "extraManifests": []}):
        assert manifest["metadata"]["namespace"]
        recommended = {f"app.kubernetes.io/{label}" for label in ("name", "instance", "version", "managed-by")}
        assert {"helm.sh/chart", *recommended} <= set(manifest["metadata"]["labels"])


def test_by_default_there_is_an_exporter_and_nothing_optional() -> None:
    installed = [found for found in manifests() if "helm.sh/hook" not in found["metadata"].get("annotations", {})]
    assert sorted(manifest["kind"] for manifest in installed) == ["Deployment", "Service", "ServiceAccount"]
    (container,) = one("Deployment", manifests())["spec"]["template"]["spec"]["containers"]
    assert "resources" not in container


def test_by_default_the_pod_has_no_privilege() -> None:
    pod = one("Deployment", manifests())["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("serviceMonitor", "ServiceMonitor"),
        ("podMonitor", "PodMonitor"),
        ("prometheusRule", "PrometheusRule"),
        ("networkPolicy", "NetworkPolicy"),
        ("podDisruptionBudget", "PodDisruptionBudget"),
    ],
)
def test_one_switch_brings_one_resource(value: str, kind: str) -> None:
    one(kind, manifests({value: {"enabled": True}}))


def test_replica_count_is_the_number_of_pods() -> None:
    assert one("Deployment", manifests({"replicaCount": 3}))["spec"]["replicas"] == 3


@by_file
def test_the_package_renders_what_the_folder_renders(file: Path, package: Path) -> None:
    values = {**values_of(file), "extraManifests": []}  # some of those are made by chance, a certificate for one
    with helm_python.Chart.load(package) as packed:
        assert rendered(values, chart=packed) == rendered(values)


def test_the_package_holds_rules_and_dashboards_as_files_and_nothing_that_is_only_for_building(package: Path) -> None:
    with tarfile.open(package) as archive:
        assert all(member.isfile() for member in archive.getmembers())
        names = {member.name.removeprefix("aws-vpn-exporter/") for member in archive.getmembers()}
    dashboards = {f"files/grafana/{file.name}" for file in (REPOSITORY / "grafana").glob("*.json")}
    assert {name for name in names if not name.startswith("templates/")} == {
        ".helmignore",
        "CHANGELOG.md",
        "Chart.yaml",
        "README.md",
        "files/aws-vpn.rules.yaml",
        "values.schema.json",
        "values.yaml",
        *dashboards,
    }


def test_dashboards_arrive_unchanged_with_the_label_of_the_sidecar() -> None:
    found = manifests({"dashboards": {"enabled": True}})
    boards = [manifest for manifest in found if manifest["kind"] == "ConfigMap"]
    assert all(board["metadata"]["labels"]["grafana_dashboard"] == "1" for board in boards)
    arrived = {name: json.loads(text) for board in boards for name, text in board["data"].items()}
    assert arrived == {file.name: json.loads(file.read_text()) for file in (REPOSITORY / "grafana").glob("*.json")}


def test_dashboards_arrive_unchanged_for_the_grafana_operator() -> None:
    found = manifests({"dashboards": {"enabled": True, "kind": "GrafanaDashboard"}})
    boards = [manifest for manifest in found if manifest["kind"] == "GrafanaDashboard"]
    arrived = {json.loads(board["spec"]["json"])["uid"] for board in boards}
    assert arrived == {json.loads(file.read_text())["uid"] for file in (REPOSITORY / "grafana").glob("*.json")}


def test_a_parent_chart_may_add_its_own_keys() -> None:
    """Helm hands `global` down, and conditions are read from `enabled`."""
    found = manifests({"global": {"imageRegistry": "registry.example.com", "other": 1}, "enabled": True})
    (container,) = one("Deployment", found)["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("registry.example.com/aws-vpn-exporter/aws-vpn-exporter:")


def test_shards_are_refused_where_kubernetes_does_not_number_pods(capfd: pytest.CaptureFixture[str]) -> None:
    """Lint alone can be told a version of Kubernetes, and it reports what would fail in its log."""
    values = values_of(VALUES / "shards.yaml")
    helm_python.lint(CHART, values, kube_version="v1.28.0")
    assert "set shards to 1" not in capfd.readouterr().err
    helm_python.lint(CHART, values, kube_version="v1.27.0")
    assert "set shards to 1" in capfd.readouterr().err


CONFIGS: list[dict[str, Any]] = [
    {"regions": "all"},
    {"regions": ["eu-west-1"], "poll_interval": "1m30s", "tags": ["site", "vpn:owner"]},
    {"option_defaults": {"dpd_timeout_seconds": 2147483647, "phase1_encryption_algorithms": ["AES256-GCM-16"]}},
    {"policies": [{"match": {"tags": {"a": "0123", "b": "no", "c": "1e3", "d": "x: {{ .y }}\n"}}}]},
    *(values_of(file)["config"] for file in ALL_VALUES if "config" in values_of(file)),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_configuration_arrives_as_it_was_written(
    config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = one("ConfigMap", documents(rendered({"config": config})["configmap.yaml"]))["data"]["config.yaml"]
    assert yaml.safe_load(text) == config
    (tmp_path / "config.yaml").write_text(text)
    assert main(["check-config", "--config.file", str(tmp_path / "config.yaml")]) == 0
    assert "is valid" in capsys.readouterr().out


def test_pods_roll_when_the_configuration_changes_and_only_then() -> None:
    def template(values: Values) -> Any:
        return one("Deployment", manifests(values))["spec"]["template"]

    first = template({"config": {"regions": ["eu-west-1"]}})
    assert template({"config": {"regions": ["eu-west-1"]}, "commonLabels": {}}) == first
    assert template({"config": {"regions": ["eu-west-2"]}}) != first


@pytest.mark.parametrize(
    ("values", "next_step"),
    [
        ({}, "set serviceMonitor.enabled"),
        ({"serviceMonitor": {"enabled": True}}, "set prometheusRule.enabled"),
        ({"scrapeAnnotations": {"enabled": True}, "prometheusRule": {"enabled": True}}, "set dashboards.enabled"),
        ({"credentials": {"podIdentity": {"enabled": True}}}, "create-pod-identity-association"),
        ({"config": {"regions": "all"}}, "iam-policy --config.file=/dev/stdin"),
    ],
    ids=str,
)
def test_the_notes_say_the_next_step(values: Values, next_step: str) -> None:
    assert next_step in rendered(values)["NOTES.txt"]
