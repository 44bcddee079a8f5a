"""GetActiveVpnTunnelStatus: what the two sides of a tunnel agreed on. One call for each tunnel."""

from collections.abc import Collection
from typing import Any

from aws_vpn_exporter.aws.partial import each
from aws_vpn_exporter.evidence import Negotiated, Round, TunnelId
from aws_vpn_exporter.parse import clean

ACTIONS: tuple[str, ...] = ("ec2:GetActiveVpnTunnelStatus",)
"""What the source needs to be allowed."""

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


def negotiated(client: Any, tunnels: Collection[TunnelId]) -> Round[Negotiated]:
    """What was negotiated for each tunnel, asked for with an EC2 client."""

    def ask(tunnel: TunnelId) -> Negotiated:
        answer = client.get_active_vpn_tunnel_status(
            VpnConnectionId=tunnel.vpn_connection_id, VpnTunnelOutsideIpAddress=tunnel.tunnel_ip
        )
        status = answer.get("ActiveVpnTunnelStatus") or {}
        return Negotiated(**{field: clean(status.get(member) or "") for field, member in _MEMBERS.items()})

    return each(tunnels, ask)
