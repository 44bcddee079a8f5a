"""GetVpnTunnelReplacementStatus: whether AWS means to replace a tunnel's endpoint, and when it last did.

One call for each tunnel.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from aws_vpn_exporter.aws.partial import each
from aws_vpn_exporter.evidence import Maintenance, Round, TunnelId
from aws_vpn_exporter.parse import clean

ACTIONS: tuple[str, ...] = ("ec2:GetVpnTunnelReplacementStatus",)
"""What the source needs to be allowed."""


def maintenance(client: Any, tunnels: Collection[TunnelId]) -> Round[Maintenance]:
    """Each tunnel's maintenance, asked for with an EC2 client."""

    def ask(tunnel: TunnelId) -> Maintenance:
        answer = client.get_vpn_tunnel_replacement_status(
            VpnConnectionId=tunnel.vpn_connection_id, VpnTunnelOutsideIpAddress=tunnel.tunnel_ip
        )
        details = answer.get("MaintenanceDetails") or {}
        return Maintenance(
            pending=clean(details.get("PendingMaintenance") or ""),
            auto_applied_after=_time(details.get("MaintenanceAutoAppliedAfter")),
            last_applied=_time(details.get("LastMaintenanceApplied")),
        )

    return each(tunnels, ask)


def _time(moment: object) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else None
