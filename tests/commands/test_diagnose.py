"""Why is it down: causes with their evidence, over the wire, in the metric, on the page, and in `diagnose`."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.faults import FaultName
from aws_vpn_exporter.demo.fleet import DEMO_SECRET, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import COMMAND, ExporterProcess, clean_environment, run, with_credentials
from testbed.exposition import samples, values

DEMO_CONFIG = Path(__file__).parents[2] / "exporter" / "aws_vpn_exporter" / "demo" / "config.yaml"
SOURCES = ("traffic", "maintenance", "negotiated", "logs")

CAUSES = {
    "idle-timeout": ("idle_timeout", "Nothing passed in either direction"),
    "rekey-mismatch": ("rekey_mismatch", "The option phase2_dh_group_numbers is 14 at AWS and 20"),
    "dead-peer": ("dead_peer_detection", "DPD"),
    "pre-shared-key-mismatch": ("pre_shared_key_mismatch", "AWS logged"),
    "endpoint-replaced": ("endpoint_replacement", "AWS applied maintenance"),
    "bgp-session-lost": ("bgp_down", "IPSEC IS UP"),
    "prefix-limit": ("bgp_down", "received 101 prefixes"),
    "rekey-collision": ("rekey_collision", "collision as CHILD_DELETE"),
    "no-routes": ("no_routes", ""),
    "gateway-unreachable": ("customer_gateway_unreachable", "fell within 3m"),
}
"""Scenario: its cause, and words of the evidence for it."""


def simulated(scenario: str) -> SimulatedAws:
    fleet = Fleet(time.time, scenario)
    return SimulatedAws(fleet.describe, script=fleet.fault, sources=fleet)


@pytest.mark.parametrize("scenario", CAUSES)
def test_the_cause_and_its_evidence_come_out_in_text_and_json(scenario: str) -> None:
    cause, words = CAUSES[scenario]
    with simulated(scenario) as aws:
        text = run("diagnose", f"--config.file={DEMO_CONFIG}", **with_credentials(aws.url))
        machine = run("diagnose", f"--config.file={DEMO_CONFIG}", "--output=json", **with_credentials(aws.url))
    assert (text.returncode, text.stderr) == (1, "")
    assert re.search(rf"cause 1: {cause.replace('_', ' ')} \((likely|possible)\)", text.stdout)
    assert words in text.stdout
    told = json.loads(machine.stdout)
    first = {t["causes"][0]["cause"] for c in told["connections"] for t in c["tunnels"] if t["causes"]}
    assert first == {cause}
    assert DEMO_SECRET not in text.stdout + machine.stdout


def test_every_source_reaches_metrics_and_page(tmp_path: Path) -> None:
    with (
        simulated("causes") as aws,
        ExporterProcess(
            ("serve", f"--config.file={DEMO_CONFIG}", "--log.level=debug"), with_credentials(aws.url), tmp_path / "log"
        ) as exporter,
    ):
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_source_up") == [1.0] * 4, "sources answer")
        exporter.until(lambda: samples(exporter.metrics(), "aws_vpn_tunnel_log_events_total"), "logs are read")
        page, status = exporter.metrics(), exporter.get("/").text
    causes = {dict(key)["cause"] for key in samples(page, "aws_vpn_tunnel_down_cause")}
    assert {"idle_timeout", "rekey_mismatch", "dead_peer_detection", "bgp_down"} <= causes
    down = {key for key, up in samples(page, "aws_vpn_tunnel_up").items() if not up}
    told = {
        frozenset(item for item in key if item[0] not in ("cause", "confidence"))
        for key in samples(page, "aws_vpn_tunnel_down_cause")
    }
    assert down <= told
    for name in (
        "receive_bytes_per_second",
        "transmit_bytes_per_second",
        "traffic_timestamp_seconds",
        "standby",
        "maintenance_pending",
        "last_maintenance_timestamp_seconds",
        "negotiated_info",
    ):
        assert samples(page, f"aws_vpn_tunnel_{name}"), name
    assert values(page, "aws_vpn_exporter_cloudwatch_metrics_requested_total")[0] > 0
    assert "idle timeout" in status.lower()
    assert "remedies.md#idle-time-out" in status
    assert DEMO_SECRET not in page + status + (tmp_path / "log").read_text()


OPERATIONS = {
    "traffic": "GetMetricData",
    "maintenance": "GetVpnTunnelReplacementStatus",
    "negotiated": "GetActiveVpnTunnelStatus",
    "logs": "FilterLogEvents",
}


@pytest.mark.parametrize("fault", ["denied", "throttled"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_fails_costs_nothing_else(source: str, fault: FaultName, tmp_path: Path) -> None:
    with simulated("causes") as aws:
        aws.fail(OPERATIONS[source], fault)
        command = ("serve", f"--config.file={DEMO_CONFIG}")
        with ExporterProcess(command, with_credentials(aws.url), tmp_path / "log") as exporter:
            exporter.until(
                lambda: values(exporter.metrics(), "aws_vpn_source_poll_failures_total", source=source, cause=fault),
                "the failure is seen",
                40,
            )
            exporter.until(
                lambda: sum(values(exporter.metrics(), "aws_vpn_source_up")) == 3, "the other sources answer"
            )
            page, status = exporter.metrics(), exporter.get("/").text
            assert values(page, "aws_vpn_source_up", source=source) == [0.0]
            assert values(page, "aws_vpn_target_up") == [1.0]
            assert len(values(page, "aws_vpn_connection_tunnels_up")) == 12
            assert fault in status


def test_sources_that_are_off_are_not_asked_and_not_published(tmp_path: Path) -> None:
    with (
        simulated("causes") as aws,
        ExporterProcess(("serve",), with_credentials(aws.url), tmp_path / "log") as exporter,
    ):
        exporter.until_ready()
        page = exporter.metrics()
        assert not set(OPERATIONS.values()) & {operation for operation, _ in aws.calls}
    assert not values(page, "aws_vpn_source_up")
    assert not samples(page, "aws_vpn_tunnel_receive_bytes_per_second")
    assert {dict(key)["cause"] for key in samples(page, "aws_vpn_tunnel_down_cause")}


def test_diagnose_says_what_to_turn_on_to_know_more() -> None:
    with simulated("idle-timeout") as aws:
        told = run("diagnose", **with_credentials(aws.url))
    assert told.returncode == 1
    assert "To know more: Turn on the block traffic" in told.stdout
    assert "To know more: Turn on the block logs" in told.stdout


def test_diagnose_says_by_its_exit_code_how_things_are() -> None:
    with simulated("all-healthy") as aws:
        assert run("diagnose", **with_credentials(aws.url)).returncode == 0
        aws.fail("DescribeVpnConnections", "denied")
        failed = run("diagnose", **with_credentials(aws.url))
        assert failed.returncode == 2
        assert "Could not look at 123456789012/eu-west-1: failing: denied" in failed.stdout
    assert run("diagnose").returncode == 2
    assert run("diagnose", "--config.file=/nowhere").returncode == 2


def test_diagnose_looks_at_one_connection_where_asked() -> None:
    with simulated("causes") as aws:
        machine = json.loads(run("diagnose", "--output=json", **with_credentials(aws.url)).stdout)
        wanted = machine["connections"][0]["vpn_connection_id"]
        one = run("diagnose", f"--vpn-connection-id={wanted}", "--output=json", **with_credentials(aws.url))
        assert [c["vpn_connection_id"] for c in json.loads(one.stdout)["connections"]] == [wanted]
        none = run("diagnose", "--vpn-connection-id=vpn-0000", **with_credentials(aws.url))
    assert none.returncode == 2
    assert "there is no connection vpn-0000" in none.stderr


def test_watching_ends_when_everything_is_well(tmp_path: Path) -> None:
    fleet, well = Fleet(time.time, "redundancy-lost"), Fleet(time.time, "all-healthy")
    shown = [fleet]
    file = tmp_path / "config.yaml"
    file.write_text("poll_interval: 1s\n")
    with SimulatedAws(lambda region: shown[0].describe(region)) as aws:
        watching = subprocess.Popen(
            [*COMMAND, "diagnose", "--watch", f"--config.file={file}"],
            env=clean_environment(**with_credentials(aws.url)),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout
        assert "Redundancy lost" in "".join(watching.stdout.readline() for _ in range(3))
        shown[0] = well
        said, _ = watching.communicate(timeout=20)
    assert watching.returncode == 0
    assert "All expected tunnels up" in said


def test_a_long_look_shows_its_progress_on_a_terminal_and_is_quiet_in_a_pipe() -> None:
    with simulated("all-healthy") as aws:
        aws.fail("DescribeVpnConnections", "slow", seconds=1.5)
        environment = with_credentials(aws.url)
        assert run("diagnose", **environment).stderr == ""
        command = " ".join((*COMMAND, "diagnose"))
        terminal = subprocess.run(
            ["script", "--quiet", "--return", "--command", command, "/dev/null"],
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert "asked about 0 of 1 accounts and regions" in terminal.stdout


def test_check_config_live_prints_targets_and_the_charge() -> None:
    with simulated("all-healthy") as aws:
        live = run("check-config", "--live", f"--config.file={DEMO_CONFIG}", **with_credentials(aws.url))
        assert live.returncode == 0
        assert "123456789012/eu-west-1: answers, connections: 5" in live.stdout
        assert "Traffic of 10 tunnels: about $8.64 a month" in live.stdout
        aws.fail("DescribeVpnConnections", "denied")
        assert run("check-config", "--live", **with_credentials(aws.url)).returncode == 2


@pytest.mark.parametrize("fault", ["denied", "hang"])
def test_commands_end_and_say_which_sources_they_could_not_see(fault: FaultName, tmp_path: Path) -> None:
    device = tmp_path / "swanctl.conf"
    with simulated("all-healthy") as aws:
        environment = with_credentials(aws.url)
        connection = json.loads(run("diagnose", "--output=json", **environment).stdout)["connections"][0]
        device.write_text(DEVICE % (",".join(tunnel["tunnel_ip"] for tunnel in connection["tunnels"]), DEMO_SECRET))
        for operation in OPERATIONS.values():
            aws.fail(operation, fault)
        # What is refused is waited for no longer; only what hangs needs a time-out.
        common = (f"--config.file={DEMO_CONFIG}", *(("--timeout=5",) if fault == "hang" else ()))
        about = (f"--device={device}", f"--vpn-connection-id={connection['vpn_connection_id']}")
        for command in (("diagnose",), ("compare", *about), ("check-config", "--live")):
            ended = run(*command, *common, **environment)
            assert (ended.returncode, ended.stderr) == (2, "")
            for source in SOURCES:
                said = f"123456789012/eu-west-1: {source}: {'denied' if fault == 'denied' else 'no answer in time'}"
                assert sum(line.startswith(said) for line in ended.stdout.splitlines()) == 1, ended.stdout


DEVICE = """
connections {
  aws {
    version = 2
    remote_addrs = %s
    proposals = aes256-sha256-modp2048
    rekey_time = 7h
    children { net { esp_proposals = aes256-sha256-modp2048
        life_time = 1h } }
  }
}
secrets { ike-aws { secret = "%s" } }
"""


def test_compare_holds_a_device_file_against_aws(tmp_path: Path) -> None:
    device = tmp_path / "swanctl.conf"
    with simulated("all-healthy") as aws:
        machine = json.loads(run("diagnose", "--output=json", **with_credentials(aws.url)).stdout)
        connection = machine["connections"][0]
        first, second = (tunnel["tunnel_ip"] for tunnel in connection["tunnels"])
        device.write_text(DEVICE % (f"{first},{second}", DEMO_SECRET))
        flags = (f"--device={device}", f"--vpn-connection-id={connection['vpn_connection_id']}")
        compared = run("compare", *flags, **with_credentials(aws.url))
        assert compared.returncode == 0
        assert re.search(r"harmless +phase1_lifetime_seconds: AWS 28800, device 27720", compared.stdout)
        assert re.search(r"same +phase2_lifetime_seconds: AWS 3600, device 3600", compared.stdout)
        assert re.search(r"not stated +dpd_timeout_seconds", compared.stdout)
        assert DEMO_SECRET not in compared.stdout + compared.stderr
        device.write_text(DEVICE.replace("modp2048", "modp768") % (f"{first},{second}", DEMO_SECRET))
        apart = run("compare", *flags, **with_credentials(aws.url))
        assert apart.returncode == 1
        assert re.search(r"differs +phase1_dh_group_numbers: .* so only the device can be changed", apart.stdout)
        device.write_text(DEVICE % ("192.0.2.77", DEMO_SECRET))
        other = run("compare", *flags, **with_credentials(aws.url))
        assert other.returncode == 2
        assert "the file has no peer at this address (it has: 192.0.2.77)" in other.stdout
        device.write_text("hello")
        unknown = run("compare", *flags, **with_credentials(aws.url))
        assert unknown.returncode == 2
        assert "format is not known" in unknown.stderr
        assert run("compare", "--device=/nowhere", "--vpn-connection-id=x").returncode == 2


def test_a_policy_reads_the_device_file_and_names_its_gaps(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with simulated("all-healthy") as aws:
        machine = json.loads(run("diagnose", "--output=json", **with_credentials(aws.url)).stdout)
        connection = machine["connections"][0]
        first, second = (tunnel["tunnel_ip"] for tunnel in connection["tunnels"])
        (tmp_path / "swanctl.conf").write_text(DEVICE.replace("modp2048", "modp768") % (first, DEMO_SECRET))
        config.write_text(
            f"policies:\n- match: {{ids: [{connection['vpn_connection_id']}]}}\n  device_file: swanctl.conf\n"
            "  customer_gateway: {phase2_lifetime_seconds: 43200, ike_versions: [ikev1]}\n"
        )
        checked = run("check-config", f"--config.file={config}")
        assert checked.returncode == 0
        assert f"device file with peers {first}" in checked.stdout
        assert "swanctl.conf: could not be read: " in checked.stdout
        command = ("serve", f"--config.file={config}", "--log.level=debug", "--web.enable-lifecycle")
        with ExporterProcess(command, with_credentials(aws.url), tmp_path / "log") as exporter:
            exporter.until_ready()
            page, status = exporter.metrics(), exporter.get("/").text
            (tmp_path / "swanctl.conf").write_text("hello")
            refused = exporter.get("/-/reload", "POST")
    mismatch = {
        (dict(key)["tunnel_ip"], dict(key)["option"]): value
        for key, value in samples(page, "aws_vpn_tunnel_option_mismatch").items()
    }
    assert mismatch[first, "phase1_dh_group_numbers"] == 1.0
    assert mismatch[first, "phase1_lifetime_seconds"] == 0.0, "the device renews its keys first"
    assert mismatch[first, "phase1_encryption_algorithms"] == 0.0
    assert mismatch[first, "phase2_lifetime_seconds"] == 1.0, "what the policy states goes before the file"
    assert mismatch[second, "phase2_lifetime_seconds"] == 1.0
    sides = {"tunnel_ip": first, "option": "phase1_lifetime_seconds", "at_aws": "28800", "at_gateway": "27720"}
    assert values(page, "aws_vpn_tunnel_option_sides_info", **sides) == [1.0]
    assert (second, "phase1_lifetime_seconds") not in mismatch
    assert "gateway: 27720" in status
    assert refused.status == 500
    assert "format is not known" in (tmp_path / "log").read_text()
    assert DEMO_SECRET not in page + status + checked.stdout + (tmp_path / "log").read_text()


RISKS = Path(__file__).parents[1] / "golden" / "rekey-risks"


def test_risks_are_printed_with_the_change_that_ends_each_and_only_where_they_are_asked_for() -> None:
    answer = json.loads((RISKS / "aws.json").read_text())
    asked = f"--config.file={RISKS / 'config.yaml'}"
    with SimulatedAws(lambda _region: answer) as aws:
        text = run("diagnose", asked, **with_credentials(aws.url))
        machine = run("diagnose", asked, "--output=json", **with_credentials(aws.url))
        unasked = run("diagnose", **with_credentials(aws.url))
    assert (text.returncode, text.stderr) == (0, "")
    for words in (
        "198.51.100.1, risk: margin fills lifetime\n    - At AWS the margin of 1800 s and its fuzz of 100% take up to",
        "3600 s of the 3600 s that keys of phase 2 live.\n",
        "What to do: Set the rekey margin of AWS to 270 s.\n",
        "runbooks/risks.md#margin-fills-lifetime",
        """--tunnel-options '{"RekeyMarginTimeSeconds": 270}'""",
        "203.0.113.1, risk: equal without fuzz\n",
        """--tunnel-options '{"RekeyFuzzPercentage": 100}'""",
    ):
        assert words in text.stdout
    tunnels = json.loads(machine.stdout)["connections"][0]["tunnels"]
    worst = {tunnel["tunnel_ip"]: tunnel["risks"][0] for tunnel in tunnels}
    assert {ip: (risk["rule"], risk["degree"]) for ip, risk in worst.items()} == {
        "198.51.100.1": ("margin_fills_lifetime", 1.0),
        "203.0.113.1": ("equal_without_fuzz", 1.0),
    }
    assert worst["198.51.100.1"]["repair"]["advised"]
    assert "risk" not in unasked.stdout
    assert "not-a-real-key" not in text.stdout + machine.stdout
