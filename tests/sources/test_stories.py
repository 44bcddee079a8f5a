"""What the demo's scenarios tell through the optional sources, over the wire."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import pytest

from aws_vpn_exporter import parse
from aws_vpn_exporter.aws.maintenance import maintenance
from aws_vpn_exporter.aws.negotiated import negotiated
from aws_vpn_exporter.aws.traffic import traffic
from aws_vpn_exporter.aws.vpn_logs import LogReader, log_groups
from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import LogEventClass, Maintenance, Negotiated, Traffic, TunnelId, TunnelLog
from aws_vpn_exporter.model import Tunnel
from tests.demo.clients import ClientMaker
from tests.sources.accounts import NOW


class Told(NamedTuple):
    tunnel: Tunnel
    traffic: Traffic | None
    maintenance: Maintenance
    negotiated: Negotiated
    log: TunnelLog | None

    @property
    def events(self) -> set[str]:
        return {str(event.event) for event in self.log.latest} if self.log else set()

    @property
    def received(self) -> list[float | None]:
        return [point.receive for point in self.traffic.points] if self.traffic else []


class Tell(Protocol):
    def __call__(self, scenario: str, name: str, *, later: float = ...) -> list[Told]: ...


@pytest.fixture
def tell(client: ClientMaker) -> Tell:
    """What is told of the two tunnels of a scenario's connection, seconds after the start; first the one that is up."""

    def told(scenario: str, name: str, *, later: float = 0) -> list[Told]:
        times = iter([NOW])
        now = NOW + later
        fleet = Fleet(lambda: next(times, now), scenario)
        with SimulatedAws(fleet.describe, sources=fleet) as aws:
            ec2 = client("ec2", aws.url)
            connections = parse.connections(ec2.describe_vpn_connections())
            tunnels = {TunnelId(one.id, each.outside_ip): each for one in connections for each in one.tunnels}
            carried = traffic(client("cloudwatch", aws.url), list(tunnels), now, 300)
            planned, agreed = maintenance(ec2, list(tunnels)), negotiated(ec2, list(tunnels))
            read = LogReader(NOW).read(client("logs", aws.url), log_groups(connections), now)
            assert (planned.error, agreed.error, read.error, read.cut) == (None, None, None, ())
            (ours,) = (one for one in connections if one.name == name)
            return [
                Told(each, carried.get(key), planned.values[key], agreed.values[key], read.logs.get(key))
                for key, each in sorted(tunnels.items(), key=lambda item: not item[1].telemetry.up)  # type: ignore[union-attr]
                if key.vpn_connection_id == ours.id
            ]

    return told


EVENTS: Mapping[tuple[str, str], set[str]] = {
    ("idle-timeout", "signal-box"): {"phase1_down", "phase2_down"},
    ("rekey-mismatch", "cider-press"): {"rekey", "no_proposal_match"},
    ("dead-peer", "watermill"): {"dpd_timeout"},
    ("logging-off", "tide-gauge"): set(),
    ("pre-shared-key-mismatch", "stone-quarry"): {"pre_shared_key_mismatch"},
    ("endpoint-replaced", "grain-store"): set(),
    ("bgp-session-lost", "bell-foundry"): {"bgp_down"},
    ("gateway-unreachable", "fog-horn"): {"peer_unresponsive"},
}


@pytest.mark.parametrize(("scenario", "name"), EVENTS)
def test_the_log_of_the_tunnel_that_is_down_names_the_cause_and_its_neighbours_does_not(
    scenario: str, name: str, tell: Tell
) -> None:
    for where in (scenario, "causes"):
        well, ill = tell(where, name)
        assert ill.tunnel.telemetry is not None
        assert not ill.tunnel.telemetry.up
        # A BGP session that is lost leaves IPsec as it was: its keys go on being renewed.
        assert ill.events - ({"rekey", "other"} if scenario == "bgp-session-lost" else set()) == EVENTS[scenario, name]
        assert well.events <= {"rekey", "other"} or scenario == "gateway-unreachable"


def test_an_idle_tunnel_was_silent_before_it_dropped_and_a_dead_one_was_not(tell: Tell) -> None:
    _, idle = tell("idle-timeout", "signal-box")
    assert idle.received[0] == 40_000
    assert idle.received[-3:] == [0, 0, 0]
    _, dead = tell("dead-peer", "watermill", later=300)
    assert dead.received[-3] == 40_000
    assert dead.received[-1] == 120, "a few bytes arrive on a tunnel that is down"


def test_a_silent_connection_is_up(tell: Tell) -> None:
    for one in tell("silent", "seed-vault"):
        assert one.tunnel.telemetry is not None
        assert one.tunnel.telemetry.up
        assert set(one.received) == {0}


def test_traffic_follows_the_state_where_no_story_says_otherwise(tell: Tell) -> None:
    up, down = tell("redundancy-lost", "lighthouse")
    assert set(up.received) == {40_000}
    assert up.traffic is not None
    assert {point.transmit for point in up.traffic.points} == {10_000}
    assert set(down.received) == {0}


def test_a_replacement_just_before_the_drop(tell: Tell) -> None:
    _, ill = tell("endpoint-replaced", "grain-store")
    assert ill.maintenance == Maintenance("", None, NOW - 380)
    assert ill.tunnel.telemetry is not None
    assert ill.tunnel.telemetry.last_status_change == NOW - 360


def test_a_maintenance_ahead(tell: Tell) -> None:
    pending = [one.maintenance for one in tell("maintenance-pending", "post-office") if one.maintenance.pending]
    assert [one.auto_applied_after for one in pending] == [NOW + 3 * 86400]


def test_only_a_tunnel_that_is_up_has_agreed_on_something(tell: Tell) -> None:
    up, down = tell("dead-peer", "watermill")
    assert up.negotiated.ike_version == "ikev2"
    assert down.negotiated == Negotiated(provisioning_status="available")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_tells_something_of_every_tunnel(scenario: str, client: ClientMaker) -> None:
    fleet = Fleet(lambda: NOW, scenario)
    with SimulatedAws(fleet.describe, sources=fleet) as aws:
        connections = parse.connections(client("ec2", aws.url).describe_vpn_connections())
        tunnels = [TunnelId(one.id, each.outside_ip) for one in connections for each in one.tunnels if one.in_service]
        assert set(traffic(client("cloudwatch", aws.url), tunnels, NOW, 300)) == set(tunnels)
        assert maintenance(client("ec2", aws.url), tunnels[:20]).error is None
        elsewhere = client("cloudwatch", aws.url, region="us-east-1")
        assert traffic(elsewhere, tunnels, NOW, 300) == {}


def test_the_log_goes_on_being_written(client: ClientMaker) -> None:
    now = [NOW]
    fleet = Fleet(lambda: now[0], "pre-shared-key-mismatch")
    with SimulatedAws(fleet.describe, sources=fleet) as aws:
        groups = log_groups(parse.connections(client("ec2", aws.url).describe_vpn_connections()))
        reader, logs, counts = LogReader(NOW), client("logs", aws.url), list[int]()
        for now[0] in (NOW + 1, NOW + 61, NOW + 121):
            read = reader.read(logs, groups, now[0])
            counts.append(sum(log.counts[LogEventClass.PRE_SHARED_KEY_MISMATCH] for log in read.logs.values()))
    assert counts == [2, 4, 6]
