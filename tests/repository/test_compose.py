"""compose.yaml, as far as it can be held to the truth without a container engine."""

import subprocess
from pathlib import Path

import yaml

from testbed.programs import find

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", ())]
    assert len(mounts) == 5
    for source, target, mode in mounts:
        assert (ROOT / source).exists(), source
        assert (target.startswith("/"), mode) == (True, "ro")


def test_prometheus_takes_its_configuration_and_scrapes_the_exporter() -> None:
    file = ROOT / "grafana" / "provisioning" / "prometheus.yaml"
    checked = subprocess.run([find("promtool"), "check", "config", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert SERVICES["exporter"]["command"][1].endswith(":10450")
    job = yaml.safe_load(file.read_text())["scrape_configs"][0]
    assert job["static_configs"] == [{"targets": ["exporter:10450"]}]


def test_grafana_is_given_what_its_provisioning_asks_for() -> None:
    grafana = SERVICES["grafana"]
    source = (ROOT / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text()
    assert "$PROMETHEUS_URL" in source
    assert grafana["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    folder = (ROOT / "grafana" / "provisioning" / "dashboards" / "aws-vpn.yaml").read_text()
    assert any(mount.split(":")[1] in folder for mount in grafana["volumes"] if mount.startswith("./grafana:"))
