"""DescribeVpnConnections: one free call shows every connection of an account in a region.

The answer, as boto3 returns it, becomes Connections. AWS is taken at its word and nothing is made up: what the answer
lacks stays absent. Tunnels are identified by their outside address, never by their place in a list.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.options import OPTIONS, Option, OptionValue, OptionValues, ordered
from aws_vpn_exporter.target import Target
from aws_vpn_exporter.wording import clean

Answer = Mapping[str, Any]


ACTIONS = ("ec2:DescribeVpnConnections",)


def connections(aws: Aws, target: Target, ids: Sequence[str] = ()) -> tuple[Connection, ...]:
    """The target's connections now; with `ids` only these. Raises PollError, NOT_FOUND where one of `ids` is gone."""
    only = {"VpnConnectionIds": ids} if ids else {}
    with poll_errors(), aws.acting_in(target.account_id):
        return connections_in(aws.client("ec2", target.region).describe_vpn_connections(**only))


def connections_in(answer: Answer) -> tuple[Connection, ...]:
    """The connections of one answer, by id; of a connection listed twice, the first.

    Raises MalformedAnswerError where the answer is not of the documented shape.
    """
    try:
        found: dict[str, Connection] = {}
        for item in answer["VpnConnections"]:
            found.setdefault(clean(item["VpnConnectionId"]), _connection(item))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedAnswerError(f"not a DescribeVpnConnections answer: {type(error).__name__} {error}") from error
    return tuple(found[key] for key in sorted(found))


def _connection(item: Answer) -> Connection:
    options: Answer = item.get("Options") or {}
    tags = {clean(tag.get("Key") or ""): clean(tag.get("Value") or "") for tag in item.get("Tags") or ()}
    static = options.get("StaticRoutesOnly")
    return Connection(
        id=clean(item["VpnConnectionId"]),
        state=_connection_state(item.get("State")),
        name=tags.get("Name", ""),
        category=clean(item.get("Category") or ""),
        customer_gateway_id=clean(item.get("CustomerGatewayId") or ""),
        vpn_gateway_id=clean(item.get("VpnGatewayId") or ""),
        transit_gateway_id=clean(item.get("TransitGatewayId") or ""),
        core_network_arn=clean(item.get("CoreNetworkArn") or ""),
        vpn_concentrator_id=clean(item.get("VpnConcentratorId") or ""),
        association=clean(item.get("GatewayAssociationState") or ""),
        pre_shared_key_arn=clean(item.get("PreSharedKeyArn") or ""),
        routing="" if static is None else "static" if static else "bgp",
        accelerated=options.get("EnableAcceleration"),
        bandwidth=clean(options.get("TunnelBandwidth") or ""),
        networks=_networks(options),
        tags=tags,
        tunnels=_tunnels(item.get("VgwTelemetry") or (), options.get("TunnelOptions") or ()),
    )


def _networks(options: Answer) -> tuple[str, ...]:
    named = (f"{side}Ipv{version}NetworkCidr" for version in (4, 6) for side in ("Local", "Remote"))
    return tuple(clean(cidr) for name in named if (cidr := options.get(name)) and cidr not in _EVERYTHING)


_EVERYTHING = ("0.0.0.0/0", "::/0")


def _connection_state(word: object) -> ConnectionState:
    try:
        return ConnectionState(str(word))
    except ValueError:
        return ConnectionState.UNKNOWN


def _tunnels(reports: Iterable[Answer], options: Iterable[Answer]) -> tuple[Tunnel, ...]:
    """Telemetry and options joined by outside address; either may be missing."""
    reports_of: dict[str, Answer] = {}
    for report in reports:
        reports_of.setdefault(clean(report.get("OutsideIpAddress") or ""), report)
    options_of: dict[str, Answer] = {}
    for item in options:
        options_of.setdefault(clean(item.get("OutsideIpAddress") or ""), item)
    return tuple(
        _tunnel(address, reports_of.get(address), options_of.get(address, {}))
        for address in sorted(reports_of.keys() | options_of.keys())
    )


def _tunnel(address: str, report: Answer | None, item: Answer) -> Tunnel:
    logs: Answer = (item.get("LogOptions") or {}).get("CloudWatchLogOptions") or {}
    return Tunnel(
        outside_ip=address,
        telemetry=None if report is None else _telemetry(report),
        options=_options(item),
        inside_cidr=_inside_cidr(item),
        log_group=str(logs.get("LogGroupArn") or ""),
        bgp_log_group=str(logs.get("BgpLogGroupArn") or ""),
        certificate_arn=clean((report or {}).get("CertificateArn") or ""),
    )


def _inside_cidr(item: Answer) -> str:
    return clean(item.get("TunnelInsideCidr") or item.get("TunnelInsideIpv6Cidr") or "")


def _telemetry(report: Answer) -> Telemetry:
    up = {"UP": True, "DOWN": False}.get(str(report.get("Status")))
    message = clean(report.get("StatusMessage") or "")
    changed = report.get("LastStatusChange")
    return Telemetry(
        up=up,
        state=_tunnel_state(up, message),
        message=message,
        last_status_change=changed.timestamp() if isinstance(changed, datetime) else None,
        accepted_routes=report.get("AcceptedRouteCount"),
    )


def _tunnel_state(up: bool | None, message: str) -> TunnelState | None:
    """Reads the two together: a tunnel whose IPsec is up but whose BGP is not is reported DOWN, "IPSEC IS UP"."""
    said = " ".join(message.upper().split())
    if up is None:
        return None
    if up:
        return TunnelState.UP_WITHOUT_ROUTES if said == "0 BGP ROUTES" else TunnelState.UP
    return {"IPSEC IS UP": TunnelState.BGP_DOWN, "IPSEC IS DOWN": TunnelState.IPSEC_DOWN}.get(said, TunnelState.DOWN)


def _options(item: Answer) -> OptionValues:
    values: dict[str, OptionValue] = {}
    for within, options in _OPTIONS_WITHIN.items():
        holder = item
        for structure in within:
            holder = holder.get(structure) or {}
        for name, value in holder.items():
            if name in options and value not in (None, "", []):
                values[name] = _option_value(options[name], value)
    return values


_OPTIONS_WITHIN: Mapping[tuple[str, ...], Mapping[str, Option]] = {
    within: {option.name: option for option in OPTIONS if option.within == within}
    for within in dict.fromkeys(option.within for option in OPTIONS)
}
"""The options by the structures around their values, and then by name."""


def _option_value(option: Option, value: Any) -> OptionValue:
    if option.is_set:
        return ordered({clean(_word(member)) for member in value})
    if option.is_switch:
        return bool(value)
    return int(value) if option.is_number else clean(value)


def _word(member: Answer) -> str:
    """A member of a set: {"Value": "ikev2"}, or a round of AdditionalKeyExchanges as round:groups:requirement."""
    if "Value" in member:
        return str(member["Value"])
    groups = "+".join(str(method["Value"]) for method in member.get("KeyExchangeMethods") or ())
    return f"{member['AdditionalKeyExchangeRound']}:{groups}:{member.get('Requirement', '')}"
