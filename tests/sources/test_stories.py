"""What the demo's scenarios tell through the optional sources, over the wire."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

import pytest

from aws_vpn_exporter.aws.connections import connections_in
from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import LogEventClass, Maintenance, Negotiated, Traffic, TunnelLog
from aws_vpn_exporter.model import Connection, Tunnel, TunnelId
from aws_vpn_exporter.sources.logs import LogsBlock, LogsSource
from aws_vpn_exporter.sources.maintenance import MaintenanceBlock, MaintenanceSource
from aws_vpn_exporter.sources.negotiated import NegotiatedBlock, NegotiatedSource
from aws_vpn_exporter.sources.traffic import TrafficBlock, TrafficSource
from aws_vpn_exporter.target import PollError
from tests.sources.accounts import NOW
from tests.support.aws_clients import ClientMaker


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

    @property
    def sent(self) -> list[float | None]:
        return [point.transmit for point in self.traffic.points] if self.traffic else []


class Tell(Protocol):
    def __call__(self, scenario: str, name: str, *, later: float = ...) -> list[Told]: ...


def traffic(client: Any, connections: Collection[Connection], now: float) -> Mapping[TunnelId, Traffic]:
    return TrafficSource(TrafficBlock()).fetch(client, connections, now).values


@pytest.fixture
def tell(client: ClientMaker) -> Tell:
    """What is told of the two tunnels of a scenario's connection, seconds after the start; first the one that is up."""

    def told(scenario: str, name: str, *, later: float = 0) -> list[Told]:
        times = iter([NOW])
        now = NOW + later
        fleet = Fleet(lambda: next(times, now), scenario)
        with SimulatedAws(fleet.describe, sources=fleet) as aws:
            ec2 = client("ec2", aws.url)
            connections = connections_in(ec2.describe_vpn_connections())
            tunnels = {TunnelId(one.id, each.outside_ip): each for one in connections for each in one.tunnels}
            carried = traffic(client("cloudwatch", aws.url), connections, now)
            planned = MaintenanceSource(MaintenanceBlock()).fetch(ec2, connections, now)
            agreed = NegotiatedSource(NegotiatedBlock()).fetch(ec2, connections, now)
            read = LogsSource(LogsBlock()).fetch(client("logs", aws.url), connections, now)
            assert (planned.partial_error, agreed.partial_error, read.partial_error) == (None, None, None)
            (ours,) = (one for one in connections if one.name == name)
            return [
                Told(each, carried.get(key), planned.values[key], agreed.values[key], read.values.get(key))
                for key, each in sorted(tunnels.items(), key=lambda item: not item[1].telemetry.up)  # type: ignore[union-attr]
                if key.vpn_connection_id == ours.id
            ]

    return told


EVENTS: Mapping[tuple[str, str], set[str]] = {
    ("idle-timeout", "signal-box"): {"closed_by_gateway"},
    ("rekey-mismatch", "cider-press"): {"rekey", "no_proposal_match", "phase2_failed"},
    ("dead-peer", "watermill"): {"dpd_timeout"},
    ("logging-off", "tide-gauge"): set(),
    ("pre-shared-key-mismatch", "stone-quarry"): {"pre_shared_key_mismatch", "authentication_failed"},
    ("endpoint-replaced", "grain-store"): set(),
    ("bgp-session-lost", "bell-foundry"): {"bgp_down", "bgp_hold_timer", "bgp_connecting"},
    ("gateway-unreachable", "fog-horn"): {"half_open"},
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
    assert dead.received[0] == 40_000
    assert dead.received[-1] == 120, "a few bytes arrive on a tunnel that is down"


def test_traffic_of_one_direction_only_on_tunnels_that_are_up(tell: Tell) -> None:
    both = tell("one-way", "toll-house")
    assert all(one.tunnel.telemetry and one.tunnel.telemetry.up for one in both)
    assert [one.received[-1] for one in both] == [0, 0]
    assert sorted(one.sent[-1] or 0 for one in both) == [0, 48_000]


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
        connections = connections_in(client("ec2", aws.url).describe_vpn_connections())
        in_service = [one for one in connections if one.in_service]
        tunnels = [TunnelId(one.id, each.outside_ip) for one in in_service for each in one.tunnels]
        cloudwatch = client("cloudwatch", aws.url, timeout=60)  # the largest fleet is much to make up
        assert set(traffic(cloudwatch, in_service, NOW)) == set(tunnels)
        replacements = MaintenanceSource(MaintenanceBlock()).fetch(client("ec2", aws.url), in_service[:10], NOW)
        assert replacements.partial_error is None
        elsewhere = client("cloudwatch", aws.url, region="us-east-1")
        if any(tunnel.telemetry and tunnel.telemetry.up for one in in_service for tunnel in one.tunnels):
            with pytest.raises(PollError, match="CloudWatch has no"):
                traffic(elsewhere, in_service, NOW)


def test_the_log_goes_on_being_written(client: ClientMaker) -> None:
    now = [NOW]
    fleet = Fleet(lambda: now[0], "pre-shared-key-mismatch")
    with SimulatedAws(fleet.describe, sources=fleet) as aws:
        connections = connections_in(client("ec2", aws.url).describe_vpn_connections())
        source, logs, counts = LogsSource(LogsBlock()), client("logs", aws.url), list[int]()
        source.counted_from = NOW
        for now[0] in (NOW + 1, NOW + 61, NOW + 121):
            read = source.fetch(logs, connections, now[0])
            counts.append(sum(log.counts[LogEventClass.PRE_SHARED_KEY_MISMATCH] for log in read.values.values()))
    assert counts == [1, 2, 3]
