"""Maintenance and negotiated values over the wire: a call for each tunnel, and one tunnel's failure costs no other."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import Maintenance, Negotiated, SourceAnswer
from aws_vpn_exporter.model import TunnelId
from aws_vpn_exporter.sources.maintenance import MaintenanceBlock, MaintenanceSource
from aws_vpn_exporter.sources.negotiated import NegotiatedBlock, NegotiatedSource
from aws_vpn_exporter.target import PollError
from tests.sources.accounts import NOW, Account, connections_of, tunnels
from tests.sources.conftest import CAUSES
from tests.support.aws_clients import ClientMaker


def maintenance(client: Any, known: list[TunnelId]) -> SourceAnswer[Maintenance]:
    return MaintenanceSource(MaintenanceBlock()).fetch(client, connections_of(known), NOW)


def negotiated(client: Any, known: list[TunnelId]) -> SourceAnswer[Negotiated]:
    return NegotiatedSource(NegotiatedBlock()).fetch(client, connections_of(known), NOW)


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
