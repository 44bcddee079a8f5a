"""The invented fleet as boto3 sees it, at chosen seconds after the start of a scenario."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_vpn_exporter.demo.fleet import DEMO_SECRET, HOME_REGION, SCENARIOS, Fleet, Scenario, many
from aws_vpn_exporter.demo.fleet.timeline import Timeline
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.support.aws_clients import ClientMaker

START = datetime(2030, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """A clock that stands still; tests set the seconds since the start."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def __call__(self) -> float:
        return START + self.elapsed


def named(answer: Any) -> dict[str, Any]:
    return {tag["Value"]: one for one in answer["VpnConnections"] for tag in one["Tags"] if tag["Key"] == "Name"}


def statuses(connection: Any) -> list[str]:
    return [tunnel["Status"] for tunnel in connection["VgwTelemetry"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tour(clock: Clock, client: ClientMaker) -> Iterator[Any]:
    """A function that returns the connections of the scenario `tour`, by name."""
    with SimulatedAws(Fleet(clock)) as aws:
        ec2 = client("ec2", aws.url)
        yield lambda: named(ec2.describe_vpn_connections())


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_connections_of_every_scenario_arrive_unchanged(name: str, clock: Clock, client: ClientMaker) -> None:
    fleet = Fleet(clock, name)
    with SimulatedAws(fleet) as aws:
        ec2 = client("ec2", aws.url)
        for clock.elapsed in (0, 59, 61, 125, 200, 301, 3600):
            assert ec2.describe_vpn_connections()["VpnConnections"] == fleet.describe(HOME_REGION)["VpnConnections"]
        assert client("ec2", aws.url, region="us-east-1").describe_vpn_connections()["VpnConnections"] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_described_in_a_sentence(name: str) -> None:
    description = SCENARIOS[name].description
    assert description[0].isalpha()
    assert description.endswith(".")


def test_the_tour_shows_each_situation(tour: Any) -> None:
    fleet = tour()
    assert statuses(fleet["harbour-office"]) == ["UP", "UP"]
    assert fleet["pottery-works"]["Options"]["StaticRoutesOnly"] is True
    assert statuses(fleet["lighthouse"]) == ["UP", "DOWN"]
    assert statuses(fleet["north-mill"]) == ["DOWN", "DOWN"]
    assert {"Key": "vpn:expected-tunnels", "Value": "1"} in fleet["weather-station"]["Tags"]
    assert fleet["old-brewery"]["VgwTelemetry"][1]["StatusMessage"] == "IPSEC IS UP"
    assert fleet["old-brewery"]["VgwTelemetry"][1]["Status"] == "DOWN"
    assert {one["StatusMessage"] for one in fleet["glassworks"]["VgwTelemetry"]} == {"0 BGP ROUTES"}
    assert len(fleet["observatory"]["Options"]["TunnelOptions"][0]) == 20
    assert set(fleet["bakery"]["Options"]["TunnelOptions"][0]) == {
        "OutsideIpAddress",
        "TunnelInsideCidr",
        "PreSharedKey",
        "LogOptions",
    }
    assert fleet["new-campus"]["State"] == "pending"
    assert fleet["print-shop"]["State"] == "modifying"
    assert fleet["closed-depot"]["State"] == "deleted"
    assert "VgwTelemetry" not in fleet["closed-depot"]
    assert "TunnelOptions" not in fleet["archive"]["Options"]


def test_the_outage_of_the_tour_and_its_times(tour: Any, clock: Clock) -> None:
    expected = {
        0: (["UP", "UP"], [-300, -300]),
        60: (["DOWN", "UP"], [60, -300]),
        120: (["DOWN", "DOWN"], [60, 120]),
        299: (["DOWN", "DOWN"], [60, 120]),
        300: (["UP", "UP"], [300, 300]),
        659: (["UP", "UP"], [300, 300]),
        660: (["DOWN", "UP"], [660, 300]),
    }
    for clock.elapsed, (status, changed) in expected.items():
        connection = tour()["town-hall"]
        assert statuses(connection) == status
        dates = [one["LastStatusChange"].timestamp() - START for one in connection["VgwTelemetry"]]
        assert dates == changed


def test_the_flapping_of_the_tour(tour: Any, clock: Clock) -> None:
    seen = ""
    for clock.elapsed in range(0, 360, 20):
        seen += statuses(tour()["ferry-terminal"])[0][0]
    assert seen == "UUDDUU" * 3


def test_a_connection_of_the_tour_is_taken_out_of_service(tour: Any, clock: Clock) -> None:
    seen = []
    for clock.elapsed in (179, 180, 240):
        seen.append(tour()["summer-kiosk"]["State"])
    assert seen == ["available", "deleting", "deleted"]


def test_a_connection_disappears_after_a_minute(clock: Clock) -> None:
    fleet = Fleet(clock, "disappeared")
    assert "clock-tower" in named(fleet.describe(HOME_REGION))
    clock.elapsed = 60
    assert list(named(fleet.describe(HOME_REGION))) == ["harbour-office", "pottery-works"]


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.fault])
def test_a_scripted_fault_begins_when_it_is_due(name: str, clock: Clock) -> None:
    fleet = Fleet(clock, name)
    clock.elapsed = 59.9
    assert fleet.fault("DescribeVpnConnections", HOME_REGION) is None
    clock.elapsed = 60
    assert fleet.fault("DescribeVpnConnections", HOME_REGION) is not None
    assert fleet.fault("GetCallerIdentity", HOME_REGION) is None
    assert fleet.fault("DescribeVpnConnections", "us-east-1") is None


def test_the_healthy_scenario_stays_healthy(clock: Clock) -> None:
    fleet = Fleet(clock, "all-healthy")
    for clock.elapsed in range(0, 7200, 60):
        assert all(statuses(one) == ["UP", "UP"] for one in named(fleet.describe(HOME_REGION)).values())


def test_a_large_fleet(clock: Clock) -> None:
    connections: Any = Fleet(clock, Scenario("", many(1000))).describe(HOME_REGION)["VpnConnections"]
    ups = [statuses(one).count("UP") for one in connections]
    assert (ups.count(2), ups.count(1), ups.count(0)) == (900, 80, 20)
    assert len({one["VpnConnectionId"] for one in connections}) == 1000


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_contains_invented_data_only(name: str, clock: Clock) -> None:
    """Addresses are reserved for documentation, every key is the made-up one, and options fit the telemetry."""
    documentation = [ipaddress.ip_network(net) for net in ("203.0.113.0/24", "198.51.100.0/24")]
    connections: Any = Fleet(clock, name).describe(HOME_REGION)["VpnConnections"]
    for one in connections:
        options = one["Options"].get("TunnelOptions", [])
        addresses = [tunnel["OutsideIpAddress"] for tunnel in options]
        assert all(any(ipaddress.ip_address(ip) in net for net in documentation) for ip in addresses)
        assert len(set(addresses)) == len(addresses)
        assert all(tunnel["PreSharedKey"] == DEMO_SECRET for tunnel in options)
        insides = [ipaddress.ip_network(tunnel["TunnelInsideCidr"]) for tunnel in options]
        assert all(inside.subnet_of(ipaddress.ip_network("169.254.0.0/16")) for inside in insides)  # type: ignore[arg-type]
        if "VgwTelemetry" in one:
            assert one["CustomerGatewayConfiguration"].count(DEMO_SECRET) == 2
            assert addresses in ([], [tunnel["OutsideIpAddress"] for tunnel in one["VgwTelemetry"]][::-1])


def test_a_timeline_has_a_value_before_its_first_step() -> None:
    assert Timeline(((10.0, "late"),)).at(0) == ("late", 10)
    assert Timeline(((10.0, "a"), (20.0, "b")), 30).at(5) == ("b", -10)
