"""The VPN connection that is really there, in AWS's answers: what the simulated AWS is asked for, from the daemons.

One connection in one region. What is read comes from vici, birdc and the daemons' logs; `changes` has what is changed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aws_vpn_exporter.demo.backend import LogRecord
from aws_vpn_exporter.demo.fleet.log_lines import LogLine
from lab import certificates, phrases
from lab.associations import IN, OUT
from lab.charon import Message
from lab.laboratory import Lab
from lab.network import NUMBERS, TUNNELS
from lab.pace import Clock
from lab.phrases import Record

REGION = "eu-west-1"
CONNECTION = "vpn-0ab1ab1ab1ab1ab1a"
CUSTOMER_GATEWAY, VIRTUAL_GATEWAY = "cgw-0ab1ab1ab1ab1ab1a", "vgw-0ab1ab1ab1ab1ab1a"
LOG_GROUP = "/aws/vpn/lab"
LOG_GROUP_ARN = f"arn:aws:logs:{REGION}:123456789012:log-group:{LOG_GROUP}"
LOGS_ON: Mapping[str, Any] = {
    "LogOptions": {
        "CloudWatchLogOptions": {
            "LogEnabled": True,
            "LogGroupArn": LOG_GROUP_ARN,
            "LogOutputFormat": "json",
            "BgpLogEnabled": True,
            "BgpLogGroupArn": LOG_GROUP_ARN,
            "BgpLogOutputFormat": "json",
        }
    }
}

_ENCRYPTION = {"AES_CBC": "AES{size}", "AES_GCM_16": "AES{size}-GCM-16"}
_INTEGRITY = {
    "HMAC_SHA1_96": "SHA1",
    "HMAC_SHA2_256_128": "SHA2-256",
    "HMAC_SHA2_384_192": "SHA2-384",
    "HMAC_SHA2_512_256": "SHA2-512",
}
_GROUPS = {
    "MODP_1024": 2,
    "MODP_1536": 5,
    "MODP_2048": 14,
    "MODP_3072": 15,
    "MODP_4096": 16,
    "ECP_256": 19,
    "ECP_384": 20,
    "ECP_521": 21,
}
"""charon's names of what was negotiated, and AWS's."""

_METRICS = {"TunnelDataIn": IN, "TunnelDataOut": OUT}


class LabFleet:
    """Answers for a lab. `clock` gives AWS's time."""

    def __init__(self, lab: Lab, clock: Clock) -> None:
        self._lab = lab
        self._clock = clock
        self._created = clock.real()
        self.changing: set[int] = set()
        """The tunnels whose endpoint is away because AWS changes it."""
        self.replaced: dict[int, float] = {}
        """When a tunnel's endpoint was last replaced, by the machine's clock."""
        self.maintenance_pending: set[int] = set()

    def describe(self, region: str) -> dict[str, object]:
        """Answer DescribeVpnConnections for a region, as boto3 returns it."""
        return {"VpnConnections": [self.connection()] if region == REGION else []}

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetVpnTunnelReplacementStatus for a tunnel; None where there is no such tunnel."""
        number = tunnel_number(region, connection_id, address)
        if number is None:
            return None
        details = {
            "PendingMaintenance": "available" if number in self.maintenance_pending else None,
            "LastMaintenanceApplied": self._date(self.replaced.get(number)),
        }
        return {
            "VpnConnectionId": connection_id,
            "VpnTunnelOutsideIpAddress": address,
            "MaintenanceDetails": details,
        }

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetActiveVpnTunnelStatus for a tunnel; None where there is no such tunnel.

        The group of phase 2 is known once the tunnel has been rekeyed: the first keys come from phase 1's exchange.
        """
        number = tunnel_number(region, connection_id, address)
        if number is None:
            return None
        found = next((sa for sa in self._lab.charons["aws", number].associations() if sa["state"] == "ESTABLISHED"), {})
        status = "pending" if number in self.changing else "available"
        return {"ActiveVpnTunnelStatus": {**_agreed(found), "ProvisioningStatus": status}}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        """Give the bytes of a period, as far as it has passed; None where CloudWatch has none."""
        number = tunnel_number(region, connection_id, address)
        first, last = (self._clock.real_at(moment) for moment in (begin, begin + seconds))
        if number is None or metric not in _METRICS or last < self._created or first > self._clock.real():
            return None
        return float(self._lab.associations[number].bytes(_METRICS[metric], first, last))

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        """Give the lines of the log group between two Unix times; None where there is no such group."""
        if region != REGION or group not in (LOG_GROUP, LOG_GROUP_ARN):
            return None
        written = ((number, record, self._clock.at(record.moment)) for number, record in self.records())
        return [
            LogRecord(self._stream(number), moment, self._text(number, record, moment))
            for number, record, moment in written
            if begin <= moment <= end
        ]

    def records(self) -> Iterator[tuple[int, Record]]:
        """What AWS would have logged so far of each tunnel, by the machine's clock; IKE first."""
        for number in NUMBERS:
            with self._lab.charons["aws", number].log.open(errors="replace") as lines:
                for record in phrases.ike(lines):
                    yield number, record
        if self._lab.plan.routing == "bgp":
            yield from self._bgp_records()

    def connection(self) -> dict[str, object]:
        """The connection as AWS describes it, keys included."""
        static = self._lab.plan.routing == "static"
        return {
            "VpnConnectionId": CONNECTION,
            "CustomerGatewayId": CUSTOMER_GATEWAY,
            "VpnGatewayId": VIRTUAL_GATEWAY,
            "GatewayAssociationState": "associated",
            "Category": "VPN",
            "State": "modifying" if self.changing else "available",
            "Type": "ipsec.1",
            "Options": {
                "EnableAcceleration": False,
                "StaticRoutesOnly": static,
                "LocalIpv4NetworkCidr": "0.0.0.0/0",
                "RemoteIpv4NetworkCidr": "0.0.0.0/0",
                "OutsideIpAddressType": "PublicIpv4",
                "TunnelInsideIpVersion": "ipv4",
                "TunnelOptions": [self._options(number) for number in reversed(NUMBERS)],
            },
            "Routes": [
                {"DestinationCidrBlock": network, "Source": "Static", "State": "available"}
                for network in self._routes()
            ],
            "Tags": [{"Key": "Name", "Value": "lab"}, {"Key": "site", "Value": "Lab"}],
            "VgwTelemetry": [self._telemetry(number) for number in NUMBERS],
        }

    def _options(self, number: int) -> dict[str, Any]:
        tunnel = TUNNELS[number]
        own = {"OutsideIpAddress": tunnel.outside, "TunnelInsideCidr": tunnel.inside_cidr, **LOGS_ON}
        described = self._lab.options[number].described()
        if self._lab.plan.certificates:
            del described["PreSharedKey"]
        return {**own, **described}

    def _routes(self) -> Sequence[str]:
        return self._lab.routers["aws"].networks if self._lab.plan.routing == "static" else ()

    def _telemetry(self, number: int) -> dict[str, object]:
        ipsec = self._lab.associations[number].status
        since, routes, carries = ipsec.since, len(self._routes()), ipsec.child
        message = "" if ipsec.child else "IPSEC IS DOWN"
        if self._lab.plan.routing == "bgp":
            session = self._lab.birds["aws"].sessions()[number]
            carries = ipsec.child and session.state == "Established"
            routes = session.routes if carries else 0
            message = f"{routes} BGP ROUTES" if carries else "IPSEC IS UP" if ipsec.child else "IPSEC IS DOWN"
            since = max(since, self._bgp_changed(number))
        return {
            "OutsideIpAddress": TUNNELS[number].outside,
            "Status": "UP" if carries else "DOWN",
            "StatusMessage": message,
            "AcceptedRouteCount": routes,
            "LastStatusChange": self._date(since),
            "CertificateArn": certificates.ARN if self._lab.plan.certificates else None,
        }

    def _bgp_records(self) -> Iterator[tuple[int, Record]]:
        with self._lab.birds["aws"].log.open(errors="replace") as lines:
            yield from phrases.bgp(lines)

    def _bgp_changed(self, number: int) -> float:
        """When the session was last established or lost."""
        changes = (
            record.moment for of, record in self._bgp_records() if of == number and "Established " in record.detail
        )
        return max(changes, default=0.0)

    def _stream(self, number: int) -> str:
        return f"{CONNECTION}_{TUNNELS[number].outside}"

    def _text(self, number: int, record: Record, moment: float) -> str:
        line = LogLine(moment, record.detail, record.phase1, record.phase2, bgp_status=record.bgp)
        text = line.message(self._stream(number), moment)
        if record.bgp:
            return text
        looks = self._lab.options[number].word("DpdTimeoutAction") != "none"
        return json.dumps({**json.loads(text), "dpd_enabled": looks, "nat_t_detected": self._lab.plan.nat})

    def _date(self, real: float | None) -> datetime | None:
        return None if real is None else datetime.fromtimestamp(int(self._clock.at(real)), UTC)


def tunnel_number(region: str, connection_id: str, address: str) -> int | None:
    """Which tunnel AWS knows by these; None where there is no such tunnel."""
    if (region, connection_id) != (REGION, CONNECTION):
        return None
    return next((number for number, tunnel in TUNNELS.items() if tunnel.outside == address), None)


def _agreed(sa: Message) -> dict[str, object]:
    """What an IKE SA and its child agreed on; nothing where there is none."""
    if not sa:
        return {}
    child: Message = next((one for one in sa.get("child-sas", {}).values() if one["state"] == "INSTALLED"), {})
    said = {
        "IkeVersion": f"ikev{sa['version']}",
        **{f"Phase1{name}": value for name, value in _algorithms(sa).items()},
        **{f"Phase2{name}": value for name, value in _algorithms(child).items()},
    }
    return {name: value for name, value in said.items() if value}


def _algorithms(sa: Message) -> dict[str, object]:
    size = sa.get("encr-keysize", "")
    return {
        "EncryptionAlgorithm": _ENCRYPTION.get(sa.get("encr-alg", ""), "").format(size=size),
        "IntegrityAlgorithm": _INTEGRITY.get(sa.get("integ-alg", ""), ""),
        "DHGroup": _GROUPS.get(sa.get("dh-group", "")),
    }
