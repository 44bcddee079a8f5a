"""GetActiveVpnTunnelStatus: what the two sides of a tunnel agreed on. One call for each tunnel."""

from collections.abc import Collection
from typing import Any

from pydantic import Field

from aws_vpn_exporter.evidence import Negotiated, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources.per_tunnel import for_each_tunnel
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids, vpn_connections
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
            status = answer.get("ActiveVpnTunnelStatus") or {}
            return Negotiated(**{field: clean(status.get(member) or "") for field, member in _MEMBERS.items()})

        return for_each_tunnel(tunnel_ids(connections), ask)
