"""Maintenance and negotiated values over the wire: a call for each tunnel, and one tunnel's failure costs no other."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import Maintenance, Negotiated, SourceAnswer
from aws_vpn_exporter.model import Telemetry, TunnelId, TunnelState
from aws_vpn_exporter.sources.customer_gateways import CustomerGatewaysBlock, CustomerGatewaysSource
from aws_vpn_exporter.sources.maintenance import MaintenanceBlock, MaintenanceSource
from aws_vpn_exporter.sources.negotiated import NegotiatedBlock, NegotiatedSource
from aws_vpn_exporter.sources.per_tunnel import PerTunnel
from aws_vpn_exporter.target import FailureCause, PollError
from tests.sources.accounts import NOW, Account, connections_of, tunnels
from tests.sources.conftest import CAUSES
from tests.support.aws_clients import ClientMaker


def maintenance(client: Any, known: list[TunnelId]) -> SourceAnswer[Maintenance]:
    return MaintenanceSource(MaintenanceBlock()).fetch(client, connections_of(known), NOW)


def negotiated(client: Any, known: list[TunnelId]) -> SourceAnswer[Negotiated]:
    return NegotiatedSource(NegotiatedBlock()).fetch(client, connections_of(known), NOW)


KINDS = [
    ("GetVpnTunnelReplacementStatus", MaintenanceSource(MaintenanceBlock())),
    ("GetActiveVpnTunnelStatus", NegotiatedSource(NegotiatedBlock())),
]
CASES = [("GetVpnTunnelReplacementStatus", maintenance), ("GetActiveVpnTunnelStatus", negotiated)]
# Where the answer is XML, a page that is none cannot be read at all, whatever its status.
CAUSES_IN_XML: dict[FaultName, str] = {**CAUSES, "proxy_html": "malformed"}


def test_maintenance(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    one, other, quiet = tunnels(3)
    at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    account.replacements = {
        one: {"PendingMaintenance": "available\n", "MaintenanceAutoAppliedAfter": at},
        other: {"LastMaintenanceApplied": at},
        quiet: {},
    }
    assert maintenance(client("ec2", aws.url), [one, other, quiet]).values == {
        one: Maintenance("available\N{REPLACEMENT CHARACTER}", at.timestamp(), None),
        other: Maintenance("", None, at.timestamp()),
        quiet: Maintenance(),
    }


def test_negotiated(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    one, down = tunnels(2)
    account.agreed = {
        one: {
            "IkeVersion": "ikev2",
            "Phase1EncryptionAlgorithm": "AES256",
            "Phase1IntegrityAlgorithm": "SHA2-384",
            "Phase1DHGroup": 20,
            "Phase2EncryptionAlgorithm": "AES128-GCM-16",
            "Phase2IntegrityAlgorithm": "SHA2-256",
            "Phase2DHGroup": 14,
            "ProvisioningStatus": "available",
        },
        down: {"ProvisioningStatus": "failed", "ProvisioningStatusReason": "no certificate"},
    }
    assert negotiated(client("ec2", aws.url), [one, down]).values == {
        one: Negotiated("ikev2", "AES256", "SHA2-384", "20", "AES128-GCM-16", "SHA2-256", "14", "available"),
        down: Negotiated(provisioning_status="failed", provisioning_status_reason="no certificate"),
    }


@pytest.mark.parametrize(("operation", "source"), CASES)
def test_one_tunnels_failure_costs_no_other(
    operation: str, source: Any, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    one, gone, other = tunnels(3)
    account.replacements = account.agreed = {one: {}, other: {}}
    found = source(client("ec2", aws.url), [one, gone, other])
    assert set(found.values) == {one, other}
    assert "InvalidVpnConnectionID.NotFound" in str(found.partial_error)
    assert account.asked == [one, gone, other]


@pytest.mark.parametrize("fault", FAULT_NAMES)
@pytest.mark.parametrize(("operation", "source"), CASES)
def test_each_failure_has_its_cause(
    operation: str, source: Any, fault: FaultName, aws: SimulatedAws, client: ClientMaker
) -> None:
    aws.fail(operation, fault)
    with pytest.raises(PollError) as caught:
        source(client("ec2", aws.url, timeout=0.4), tunnels(1))
    assert caught.value.cause == CAUSES_IN_XML[fault]


@pytest.mark.parametrize(("operation", "source"), KINDS)
def test_a_source_that_is_denied_for_all_tunnels_asks_about_one_until_it_is_allowed(
    operation: str, source: Any, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    known = tunnels(5)
    account.replacements = account.agreed = {tunnel: {} for tunnel in known}
    aws.fail(operation, "denied")
    counts = []
    for _ in range(4):
        before = aws.calls.get((operation, "eu-west-1"), 0)
        with pytest.raises(PollError, match=operation):
            source.fetch(client("ec2", aws.url), connections_of(known), NOW)
        counts.append(aws.calls[(operation, "eu-west-1")] - before)
    assert counts == [5, 1, 1, 1]
    aws.heal()
    assert set(source.fetch(client("ec2", aws.url), connections_of(known), NOW).values) == set(known)


def test_a_policy_that_allows_a_later_tunnel_only_is_found_out() -> None:
    """Each poll begins with another tunnel."""
    known, asked = tunnels(4), []
    allowed = {"now": False}

    def ask(tunnel: TunnelId) -> int:
        asked.append(tunnel)
        if tunnel == known[2] and allowed["now"]:
            return 1
        raise PollError(FailureCause.DENIED, "not allowed")

    source = PerTunnel()
    for _ in range(2):
        with pytest.raises(PollError):
            source.ask(known, ask)
    allowed["now"] = True
    found = source.ask(known, ask)
    assert asked[4:] == [known[1], known[2], known[3], known[0], known[1]]
    assert found.values == {known[2]: 1}
    assert found.partial_error is not None


def test_negotiated_values_of_no_tunnel_that_is_up_are_no_success(
    account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    one, other = tunnels(2)
    account.agreed = {one: {"ProvisioningStatus": "available"}, other: {"ProvisioningStatus": "available"}}
    up = Telemetry(True, TunnelState.UP, "", NOW - 86400, 1)
    connections = [
        replace(c, tunnels=(replace(c.tunnels[0], telemetry=up), c.tunnels[1])) for c in connections_of([one, other])
    ]
    found = NegotiatedSource(NegotiatedBlock()).fetch(client("ec2", aws.url), connections, NOW)
    assert found.partial_error is not None
    assert found.partial_error.cause == "not_found"
    account.agreed = {one: {"IkeVersion": "ikev2"}, other: {}}
    assert NegotiatedSource(NegotiatedBlock()).fetch(client("ec2", aws.url), connections, NOW).partial_error is None


def test_customer_gateways_that_are_not_listed_are_no_success(aws: SimulatedAws, client: ClientMaker) -> None:
    source = CustomerGatewaysSource(CustomerGatewaysBlock())
    named = [replace(one, customer_gateway_id="cgw-1") for one in connections_of(tunnels(2))]
    found = source.fetch(client("ec2", aws.url), named, NOW)
    assert found.partial_error is not None
    assert found.partial_error.cause == "not_found"
    assert source.fetch(client("ec2", aws.url), connections_of(tunnels(2)), NOW).partial_error is None


@pytest.mark.parametrize(
    ("fault", "calls"), [("throttled", 1), ("expired_token", 1), ("reset", 1), ("denied", 5), ("server_error", 5)]
)
@pytest.mark.parametrize(("operation", "source"), CASES)
def test_a_failure_that_every_tunnel_would_meet_ends_the_asking(
    operation: str, source: Any, fault: FaultName, calls: int, aws: SimulatedAws, client: ClientMaker
) -> None:
    aws.fail(operation, fault)
    with pytest.raises(PollError):
        source(client("ec2", aws.url), tunnels(5))
    assert aws.calls[(operation, "eu-west-1")] == calls
