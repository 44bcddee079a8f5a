"""The plan of maintenance: one tunnel at a time, never a site's last way, in time, and silences that hide no outage."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aws_vpn_exporter.commands.maintenance_plan import SILENCED, silence
from aws_vpn_exporter.demo.backend import NoOptionalSources
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.evidence import Evidence, Maintenance
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.planning import Plan, plan
from aws_vpn_exporter.policy import Policy, Settings, Sites, Window
from aws_vpn_exporter.status import ConnectionStatus
from aws_vpn_exporter.target import Target
from testbed.exporter_process import run, with_credentials
from testbed.programs import REPOSITORY

NOW, STEP, HOUR = 1_800_000_000.0, 900.0, 3600.0
RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"
SITES = Settings(sites=Sites("site"))


def tunnel(ip: str, up: bool) -> Tunnel:
    return Tunnel(ip, Telemetry(up, TunnelState.UP if up else TunnelState.IPSEC_DOWN, "", NOW - 86400, 4 if up else 0))


def connection(
    number: int,
    up: tuple[bool, bool] = (True, True),
    by: tuple[float | None, float | None] = (NOW + 99 * HOUR, NOW + 99 * HOUR),
    settings: Settings = SITES,
    site: str = "",
) -> ConnectionStatus:
    """A connection whose tunnels have maintenance pending where `by` is not None."""
    tunnels = tuple(tunnel(f"203.0.113.{2 * number + index}", one) for index, one in enumerate(up))
    made = Connection(
        f"vpn-{number}",
        ConnectionState.AVAILABLE,
        tunnels=tunnels,
        routing="bgp",
        tags={"site": site or f"site-{number}"},
    )
    cases = tuple(
        Case(one, made, settings, NOW, Evidence(maintenance=Maintenance("Available", at) if at else Maintenance()))
        for one, at in zip(tunnels, by, strict=True)
    )
    return ConnectionStatus(Target("111122223333", "eu-west-1"), made, settings, cases)


def order(made: Plan) -> list[str]:
    return [step.work.case.tunnel.outside_ip for step in made.steps]


def reasons(made: Plan) -> dict[str, str]:
    return {work.case.tunnel.outside_ip: why for work, why in made.left_out}


@st.composite
def fleets(draw: st.DrawFn) -> list[ConnectionStatus]:
    def windows() -> tuple[Window, ...]:
        starts = draw(st.lists(st.integers(-10, 30), max_size=3, unique=True))
        return tuple(Window(NOW + s * HOUR, NOW + s * HOUR + draw(st.integers(300, 9000))) for s in starts)

    def one(number: int) -> ConnectionStatus:
        settings = replace(SITES, policies=(Policy(planned=windows()),))
        by = st.none() | st.integers(-1, 40).map(lambda hours: NOW + hours * HOUR)
        return connection(number, draw(st.tuples(st.booleans(), st.booleans())), draw(st.tuples(by, by)), settings)

    return [one(number) for number in range(draw(st.integers(0, 6)))]


@given(fleets())
def test_every_plan_keeps_to_windows_to_aws_s_date_and_to_one_tunnel_at_a_time(fleet: list[ConnectionStatus]) -> None:
    made = plan(fleet, NOW, STEP)
    asked = [
        case for one in fleet for case in one.cases if case.evidence.maintenance and case.evidence.maintenance.pending
    ]
    assert sorted([*order(made), *reasons(made)]) == sorted(case.tunnel.outside_ip for case in asked)
    ends = [NOW, *(step.end for step in made.steps)]
    for step, free in zip(made.steps, ends, strict=False):
        windows = step.work.connection.settings.planned(step.work.connection.connection)
        assert free <= step.begin
        assert step.end - step.begin == STEP
        assert step.end <= step.work.by
        assert not windows or any(window.start <= step.begin and step.end <= window.end for window in windows)
        assert any(
            o is not step.work.case and o.tunnel.telemetry and o.tunnel.telemetry.up for o in step.work.connection.cases
        )


def test_what_aws_applies_first_comes_first() -> None:
    made = plan([connection(1, by=(NOW + 9 * HOUR, NOW + 2 * HOUR)), connection(2, by=(NOW + HOUR, None))], NOW, STEP)
    assert order(made) == ["203.0.113.4", "203.0.113.3", "203.0.113.2"]
    assert [step.begin for step in made.steps] == [NOW, NOW + STEP, NOW + 2 * STEP]


def test_the_last_way_of_a_site_is_left_alone_and_a_second_connection_is_a_way() -> None:
    alone = connection(1, up=(True, False), by=(NOW + HOUR, None))
    assert reasons(plan([alone], NOW, STEP)) == {
        "203.0.113.2": "No other way to its site is up, so the site would be cut off."
    }
    assert order(plan([alone, connection(2, by=(None, None), site="site-1")], NOW, STEP)) == ["203.0.113.2"]
    assert not plan([alone, connection(2, by=(None, None), site="elsewhere")], NOW, STEP).steps
    assert not plan([alone, connection(2, (False, False), (None, None), site="site-1")], NOW, STEP).steps


def test_what_does_not_fit_is_said() -> None:
    late = replace(SITES, policies=(Policy(planned=(Window(NOW + HOUR, NOW + HOUR + STEP),)),))
    made = plan([connection(1, settings=late)], NOW, STEP)
    assert len(made.steps) == len(made.left_out) == 1
    assert "in its planned windows, one tunnel after the other" in next(iter(reasons(made).values()))
    assert "from now on" in next(iter(reasons(plan([connection(1, by=(NOW + 60, None))], NOW, STEP)).values()))


def test_no_silence_can_cover_that_nothing_is_up() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    alerts = {
        rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"] if "alert" in rule
    }
    covered = {name for name in alerts if re.fullmatch(SILENCED, name)}
    assert covered == {
        "AwsVpnConnectionRedundancyLost",
        "AwsVpnTunnelFlapping",
        "AwsVpnTunnelNoRoutes",
        "AwsVpnTunnelWontRecoverAlone",
    }
    assert not [name for name in covered if alerts[name] == "critical"]
    words = shlex.split(silence(NOW, NOW + STEP, "203.0.113.2", connection(1).labels))
    assert words[:3] == ["amtool", "silence", "add"]
    assert {"--start=2027-01-15T08:00:00Z", "--end=2027-01-15T08:15:00Z", f"alertname=~{SILENCED}"} <= set(words)
    assert {"account_id=111122223333", "region=eu-west-1", "vpn_connection_id=vpn-1"} <= set(words)


class Pending(NoOptionalSources):
    """Maintenance is pending for every tunnel."""

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object]:  # type: ignore[override]
        """Pending, and applied by AWS in 2099."""
        applied = datetime(2099, 1, 1, tzinfo=UTC)
        return {"MaintenanceDetails": {"PendingMaintenance": "Available", "MaintenanceAutoAppliedAfter": applied}}


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    answer: dict[str, Any] = json.loads((REPOSITORY / "tests" / "golden" / "healthy-bgp" / "aws.json").read_text())
    with SimulatedAws(lambda _region: answer, sources=Pending()) as simulated:
        yield simulated


def test_the_command_prints_steps_silences_and_commands(aws: SimulatedAws, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("maintenance: {}\n")
    done = run("maintenance-plan", f"--config.file={config}", "--step=20m", **with_credentials(aws.url))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("amtool silence add") == 2
    assert done.stdout.count("aws ec2 replace-vpn-tunnel --region eu-west-1") == 2
    assert "AWS applies it by itself after 2099-01-01 00:00:00 UTC" in done.stdout
    assert f"diagnose --config.file={config} --vpn-connection-id=vpn-" in done.stdout
    aws.fail("GetVpnTunnelReplacementStatus", "denied")
    denied = run("maintenance-plan", f"--config.file={config}", **with_credentials(aws.url))
    assert denied.returncode == 2
    assert "maintenance: denied" in denied.stdout
    assert "not the whole plan" in denied.stdout
    assert "No maintenance is pending" not in denied.stdout


def test_without_the_source_it_says_what_to_turn_on(aws: SimulatedAws) -> None:
    done = run("maintenance-plan", **with_credentials(aws.url))
    assert done.returncode == 2
    assert "turn on the block `maintenance`" in done.stderr
