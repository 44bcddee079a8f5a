"""GetVpnTunnelReplacementStatus: whether AWS plans to replace a tunnel's endpoint, and when it last did.

One call for each tunnel.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import Field

from aws_vpn_exporter.evidence import Maintenance, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources.per_tunnel import PerTunnel, members
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids, vpn_connections
from aws_vpn_exporter.wording import clean


class MaintenanceBlock(SourceBlock):
    """Pending and past replacements of tunnel endpoints: one free call for each tunnel."""

    interval: Duration = Field(3600.0, description="How often AWS is asked about each tunnel.")


class MaintenanceSource(Source):
    """The source `maintenance`."""

    name = "maintenance"
    description = "Read maintenance"
    block = MaintenanceBlock
    service = "ec2"
    actions = ("ec2:GetVpnTunnelReplacementStatus",)

    def __init__(self, block: MaintenanceBlock) -> None:
        """Nothing has been asked yet."""
        self._tunnels = PerTunnel()

    @staticmethod
    def resources(block: MaintenanceBlock, partition: str) -> list[str]:
        """The call is about one VPN connection."""
        return vpn_connections(partition)

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Maintenance]:
        """Each tunnel's maintenance, asked for with an EC2 client."""

        def ask(tunnel: TunnelId) -> Maintenance:
            answer = client.get_vpn_tunnel_replacement_status(
                VpnConnectionId=tunnel.vpn_connection_id, VpnTunnelOutsideIpAddress=tunnel.tunnel_ip
            )
            details = members(answer, "MaintenanceDetails")
            return Maintenance(
                pending=_pending(clean(details.get("PendingMaintenance") or "")),
                auto_applied_after=_time(details.get("MaintenanceAutoAppliedAfter")),
                last_applied=_time(details.get("LastMaintenanceApplied")),
            )

        return self._tunnels.ask(tunnel_ids(connections), ask)


_NOTHING_PENDING = frozenset({"", "none", "no", "false", "notavailable", "unavailable", "null", "na"})


def _pending(word: str) -> str:
    """AWS's word where something is pending, else "". AWS does not document the words: its console has "None"."""
    return "" if re.sub(r"[^a-z]", "", word.lower()) in _NOTHING_PENDING else word


def _time(moment: object) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else None
