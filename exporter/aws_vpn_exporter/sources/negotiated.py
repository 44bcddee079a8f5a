"""GetActiveVpnTunnelStatus: what the two sides of a tunnel agreed on. One call for each tunnel."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from pydantic import Field

from aws_vpn_exporter.evidence import Negotiated, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources.per_tunnel import PerTunnel, members
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids, tunnels_up, vpn_connections
from aws_vpn_exporter.target import FailureCause, PollError
from aws_vpn_exporter.wording import clean

_MEMBERS = {
    "ike_version": "IkeVersion",
    "phase1_encryption": "Phase1EncryptionAlgorithm",
    "phase1_integrity": "Phase1IntegrityAlgorithm",
    "phase1_dh_group": "Phase1DHGroup",
    "phase2_encryption": "Phase2EncryptionAlgorithm",
    "phase2_integrity": "Phase2IntegrityAlgorithm",
    "phase2_dh_group": "Phase2DHGroup",
    "provisioning_status": "ProvisioningStatus",
    "provisioning_status_reason": "ProvisioningStatusReason",
}
"""A field of Negotiated and the answer's member behind it."""


class NegotiatedBlock(SourceBlock):
    """What the two sides agreed on: one free call for each tunnel."""

    interval: Duration = Field(900.0, description="How often AWS is asked about each tunnel.")


class NegotiatedSource(Source):
    """The source `negotiated`."""

    name = "negotiated"
    description = "Read negotiated values"
    block = NegotiatedBlock
    service = "ec2"
    actions = ("ec2:GetActiveVpnTunnelStatus",)

    def __init__(self, block: NegotiatedBlock) -> None:
        """Nothing has been asked yet."""
        self._tunnels = PerTunnel()

    @staticmethod
    def resources(block: NegotiatedBlock, partition: str) -> list[str]:
        """The call is about one VPN connection."""
        return vpn_connections(partition)

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Negotiated]:
        """What was negotiated for each tunnel, asked for with an EC2 client."""

        def ask(tunnel: TunnelId) -> Negotiated:
            answer = client.get_active_vpn_tunnel_status(
                VpnConnectionId=tunnel.vpn_connection_id, VpnTunnelOutsideIpAddress=tunnel.tunnel_ip
            )
            status = members(answer, "ActiveVpnTunnelStatus")
            return Negotiated(**{field: clean(status.get(member) or "") for field, member in _MEMBERS.items()})

        found = self._tunnels.ask(tunnel_ids(connections), ask)
        answering = tunnels_up(connections) & found.values.keys()
        if answering and not any(map(_agreed, (found.values[tunnel] for tunnel in answering))):
            error = PollError(FailureCause.NOT_FOUND, "AWS gives no negotiated values of any tunnel that is up")
            return replace(found, partial_error=found.partial_error or error)
        return found


def _agreed(values: Negotiated) -> bool:
    return bool(values.ike_version or values.phase1_encryption or values.phase2_encryption)
