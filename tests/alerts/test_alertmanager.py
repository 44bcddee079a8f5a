"""The Alertmanager example: valid, routes to the right receiver, mutes no more than it should."""

import json
import re
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import yaml

from aws_vpn_exporter.commands.maintenance_plan import silence
from testbed.programs import REPOSITORY, find, free_port

EXAMPLE = REPOSITORY / "alerts" / "alertmanager"
CONFIG = EXAMPLE / "alertmanager.yaml"
RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"
UNIT_TESTS = sorted((REPOSITORY / "alerts" / "tests").glob("*.test.yaml"))
RECEIVERS = {"critical": "pager", "warning": "chat", "info": "ticket", "none": "dead-mans-switch"}
OTHER_RECEIVERS = {"AwsVpnConnectionRedundancyLostForLong": "ticket"}
"""Alerts that go elsewhere than their severity says."""

VERSIONS = pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
IDENTITY = {
    "job": "aws-vpn-exporter",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "vpn_connection_id": "vpn-a",
    "tunnel_ip": "192.0.2.1",
}

Labels = dict[str, str]


def alert(name: str, *keys: str, **changes: str) -> Labels:
    return {"alertname": name, **{key: IDENTITY[key] for key in ("job", *keys)}, **changes}


def connection(name: str, **changes: str) -> Labels:
    return alert(name, "account_id", "region", "vpn_connection_id", **changes)


def tunnel(name: str, **changes: str) -> Labels:
    return alert(name, *IDENTITY, **changes)


def target(name: str, **changes: str) -> Labels:
    return alert(name, "account_id", "region", **changes)


def severities() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"] if "alert" in rule}


def output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@VERSIONS
def test_amtool_accepts_the_example(old: bool) -> None:
    output(find("amtool", old), "check-config", CONFIG)


@VERSIONS
def test_every_alert_reaches_the_receiver_of_its_severity(old: bool) -> None:
    amtool = find("amtool", old)
    routes = {
        name: output(
            amtool,
            "config",
            "routes",
            "test",
            f"--config.file={CONFIG}",
            f"alertname={name}",
            f"severity={severity}",
        ).strip()
        for name, severity in severities().items()
    }
    assert routes == {name: RECEIVERS[severity] for name, severity in severities().items()} | OTHER_RECEIVERS


def published_labels() -> dict[str, set[str]]:
    """The labels that each alert fires with, as its unit test has them."""
    cases = [case for path in UNIT_TESTS for case in yaml.safe_load(path.read_text())["tests"]]
    return {
        check["alertname"]: set(fired["exp_labels"])
        for case in cases
        for check in case.get("alert_rule_test", ())
        for fired in check["exp_alerts"]
    }


def named(matchers: list[str]) -> set[str]:
    """The alerts that an inhibition's matcher on the name means."""
    [matcher] = matchers
    pattern = matcher.partition("=")[2].strip('~"')
    return {name for name in severities() if re.fullmatch(pattern, name)}


def test_inhibitions_compare_labels_that_their_alerts_have() -> None:
    """A label that one side lacks never equals, and the inhibition does nothing."""
    labels = published_labels()
    for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
        sources, targets = named(rule["source_matchers"]), named(rule["target_matchers"])
        assert sources, rule
        assert targets, rule
        lacking = {name for name in sources | targets if not set(rule["equal"]) <= labels[name]}
        assert not lacking, rule


def test_what_mutes_a_page_ends_before_it() -> None:
    """Alertmanager drops the end of a muted alert, and both may end with the same answer of AWS."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    orders = [[rule.get("alert") for rule in group["rules"]] for group in groups]
    for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
        pages = {name for name in named(rule["target_matchers"]) if severities()[name] == "critical"}
        for page in pages:
            [order] = [order for order in orders if page in order]
            assert named(rule["source_matchers"]) <= set(order[: order.index(page)]), rule


def test_secrets_come_from_files() -> None:
    text = CONFIG.read_text()
    for key in ("routing_key:", "service_key:", "api_url:", "credentials:", "password:"):
        assert key not in text


@contextmanager
def alertmanager(folder: Path, old: bool) -> Iterator[str]:
    """Run the example as it is, except that nothing leaves the machine: all receivers are empty."""
    program = find("alertmanager", old)
    config = yaml.safe_load(CONFIG.read_text())
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))
    shutil.copytree(EXAMPLE / "templates", folder / "templates")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        await_ready(f"http://{address}/-/ready", folder / "log")
        yield f"http://{address}/api/v2/alerts"
    finally:
        process.terminate()
        process.wait(timeout=20)


def await_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def muted(
    url: str, alerts: list[Labels], expected: int, by: Literal["inhibitedBy", "silencedBy"] = "inhibitedBy"
) -> set[tuple[str, str, str]]:
    """Send alerts, wait until as many as expected are muted, and return who is: name, connection, account."""
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    post = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    urllib.request.urlopen(post, timeout=5).close()
    deadline = time.monotonic() + 5
    found: set[tuple[str, str, str]] = set()
    while len(found) < expected and time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=5) as answer:
            listed = json.load(answer)
        found = {
            (a["labels"]["alertname"], a["labels"].get("vpn_connection_id", ""), a["labels"].get("account_id", ""))
            for a in listed
            if a["status"][by]
        }
        time.sleep(0.2)
    return found


@VERSIONS
def test_a_connection_that_is_down_mutes_its_own_alerts_only(tmp_path: Path, old: bool) -> None:
    alerts = [
        connection("AwsVpnConnectionDown", severity="critical"),
        connection("AwsVpnConnectionRedundancyLost", severity="warning"),
        tunnel("AwsVpnTunnelFlapping", severity="warning"),
        connection("AwsVpnConnectionRedundancyLost", severity="warning", vpn_connection_id="vpn-b"),
        connection("AwsVpnConnectionDown", severity="critical", vpn_connection_id="vpn-c"),
        target("AwsVpnTargetFailing", severity="warning", account_id="444455556666"),
        alert("AwsVpnTunnelAllowsIkev1", "account_id", severity="info"),
        {"alertname": "SomebodyElses", "severity": "warning"},
    ]
    with alertmanager(tmp_path, old) as url:
        assert muted(url, alerts, expected=2) == {
            ("AwsVpnConnectionRedundancyLost", "vpn-a", "111122223333"),
            ("AwsVpnTunnelFlapping", "vpn-a", "111122223333"),
        }


@VERSIONS
def test_silence_is_no_news_where_the_path_is_dead_or_has_no_routes(tmp_path: Path, old: bool) -> None:
    alerts = [
        connection("AwsVpnPathDead", severity="critical"),
        tunnel("AwsVpnTunnelIdle", severity="warning"),
        tunnel("AwsVpnTunnelNoRoutes", severity="warning", vpn_connection_id="vpn-b"),
        tunnel("AwsVpnTunnelIdle", severity="warning", vpn_connection_id="vpn-b"),
        tunnel("AwsVpnTunnelIdle", severity="warning", vpn_connection_id="vpn-b", tunnel_ip="192.0.2.2"),
        connection("AwsVpnConnectionDown", severity="critical", vpn_connection_id="vpn-c"),
        tunnel("AwsVpnTunnelIdle", severity="warning", vpn_connection_id="vpn-c"),
        tunnel("AwsVpnTunnelMaintenancePending", severity="info", vpn_connection_id="vpn-c"),
        tunnel("AwsVpnTunnelIdle", severity="warning", vpn_connection_id="vpn-d"),
    ]
    with alertmanager(tmp_path, old) as url:
        assert {(name, where) for name, where, _ in muted(url, alerts, expected=4)} == {
            ("AwsVpnTunnelIdle", "vpn-a"),
            ("AwsVpnTunnelIdle", "vpn-b"),
            ("AwsVpnTunnelIdle", "vpn-c"),
            ("AwsVpnTunnelMaintenancePending", "vpn-c"),
        }
        with urllib.request.urlopen(url, timeout=5) as answer:
            heard = {
                (a["labels"]["alertname"], a["labels"].get("tunnel_ip"))
                for a in json.load(answer)
                if not a["status"]["inhibitedBy"] and a["labels"].get("vpn_connection_id") == "vpn-b"
            }
        assert heard == {("AwsVpnTunnelNoRoutes", "192.0.2.1"), ("AwsVpnTunnelIdle", "192.0.2.2")}


@VERSIONS
def test_a_failing_target_mutes_what_it_makes_unknowable(tmp_path: Path, old: bool) -> None:
    alerts = [
        target("AwsVpnTargetFailing", severity="warning"),
        target("AwsVpnDataStale", severity="warning"),
        connection("AwsVpnConnectionDown", severity="critical"),
        tunnel("AwsVpnTunnelNoRoutes", severity="warning"),
        connection("AwsVpnConnectionDown", severity="critical", account_id="444455556666"),
        target("AwsVpnDataStale", severity="warning", region="us-east-1"),
        {"alertname": "SomebodyElses", "severity": "warning"},
    ]
    with alertmanager(tmp_path, old) as url:
        assert {name for name, _, account in muted(url, alerts, expected=3) if account == "111122223333"} == {
            "AwsVpnDataStale",
            "AwsVpnConnectionDown",
            "AwsVpnTunnelNoRoutes",
        }
        assert ("AwsVpnConnectionDown", "vpn-a", "444455556666") not in muted(url, alerts, expected=3)


@VERSIONS
def test_an_absent_exporter_mutes_everything_but_itself(tmp_path: Path, old: bool) -> None:
    alerts = [
        alert("AwsVpnExporterDown", severity="warning"),
        target("AwsVpnTargetFailing", severity="warning"),
        connection("AwsVpnConnectionDown", severity="critical"),
        connection("AwsVpnConnectionDown", severity="critical", job="another-exporter"),
        {"alertname": "SomebodyElses", "severity": "warning"},
    ]
    with alertmanager(tmp_path, old) as url:
        assert {name for name, _, _ in muted(url, alerts, expected=2)} == {
            "AwsVpnTargetFailing",
            "AwsVpnConnectionDown",
        }


@VERSIONS
def test_the_silence_of_planned_maintenance_hides_one_tunnel_and_no_outage(tmp_path: Path, old: bool) -> None:
    words = shlex.split(silence(time.time(), time.time() + 900, IDENTITY["tunnel_ip"], connection("")))
    alerts = [
        connection("AwsVpnConnectionRedundancyLost", severity="warning"),
        tunnel("AwsVpnTunnelFlapping", severity="warning"),
        connection("AwsVpnConnectionDown", severity="critical"),
        connection("AwsVpnPathDead", severity="critical"),
        alert("AwsVpnSiteDown", severity="critical", site="berlin"),
        alert("AwsVpnManyConnectionsDown", "account_id", "region", severity="critical", shared="tgw-1"),
        connection("AwsVpnConnectionRedundancyLost", severity="warning", vpn_connection_id="vpn-b"),
    ]
    with alertmanager(tmp_path, old) as url:
        root = url.removesuffix("/api/v2/alerts")
        output(find("amtool", old), f"--alertmanager.url={root}", *words[1:], "--author=test")
        assert muted(url, alerts, 2, "silencedBy") == {
            ("AwsVpnConnectionRedundancyLost", "vpn-a", "111122223333"),
            ("AwsVpnTunnelFlapping", "vpn-a", "111122223333"),
        }
