"""Metrics about a connection."""

from collections.abc import Iterator

from aws_vpn_exporter.metrics.record import Metric, Sample, one_of, value
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.options import text
from aws_vpn_exporter.policy import tag_label
from aws_vpn_exporter.status import ConnectionStatus


def _info(status: ConnectionStatus) -> Iterator[Sample]:
    connection, gateway = status.connection, status.customer_gateway
    labels = {
        "customer_gateway_address": gateway.address if gateway else "",
        "customer_gateway_as_number": gateway.as_number if gateway else "",
        "customer_gateway_device": gateway.device if gateway else "",
        "name": connection.name,
        "category": connection.category,
        "customer_gateway_id": connection.customer_gateway_id,
        "vpn_gateway_id": connection.vpn_gateway_id,
        "transit_gateway_id": connection.transit_gateway_id,
        "core_network_arn": connection.core_network_arn,
        "vpn_concentrator_id": connection.vpn_concentrator_id,
        "routing": connection.routing,
        "accelerated": "" if connection.accelerated is None else text(connection.accelerated),
        "bandwidth": connection.bandwidth,
    }
    tags = {tag_label(key): connection.tags.get(key, "") for key in status.settings.tags}
    if status.settings.team_tag:
        tags["team"] = connection.tags.get(status.settings.team_tag, "")
    yield {**labels, **tags}, 1.0


def _ever_up(status: ConnectionStatus) -> float | None:
    memories = [memory for case in status.cases[:1] for memory in case.memories.values()]
    if any(memory.ever_up for memory in memories):
        return 1.0
    return 0.0 if memories and all(memory.appeared for memory in memories) else None


def _site(status: ConnectionStatus) -> Iterator[Sample]:
    site = status.settings.site(status.connection) if status.connection.in_service else ""
    if site:
        yield {"site": site}, 1.0


def _last_change(status: ConnectionStatus) -> Iterator[Sample]:
    known = next((case.evidence.changes.known for case in status.cases if case.evidence.changes), ())
    if known:
        yield {"event": known[-1].event, "actor": known[-1].actor}, known[-1].time


CONNECTION: tuple[Metric[ConnectionStatus], ...] = (
    Metric(
        "aws_vpn_connection_info",
        "Names and attachments of the connection, and the tags that the configuration lists; team is the tag that "
        "team_tag names. Always 1.",
        (
            "name",
            "category",
            "customer_gateway_id",
            "vpn_gateway_id",
            "transit_gateway_id",
            "core_network_arn",
            "vpn_concentrator_id",
            "customer_gateway_address",
            "customer_gateway_as_number",
            "customer_gateway_device",
            "routing",
            "accelerated",
            "bandwidth",
            "tag_*",
            "team",
        ),
        _info,
    ),
    Metric(
        "aws_vpn_connection_site_info",
        "The site that the connection leads to; only with the block sites, and not for connections that are ignored, "
        "parked or out of service. Always 1.",
        ("site",),
        _site,
    ),
    Metric(
        "aws_vpn_connection_state",
        "State of the connection as AWS reports it: 1 for the current one, 0 for the others.",
        ("state",),
        one_of(ConnectionState, lambda status: status.connection.state),
    ),
    Metric(
        "aws_vpn_connection_tunnels_up",
        "Tunnels that AWS reports UP. Only while the connection is available or modifying, "
        "and AWS reports on at least one tunnel.",
        (),
        value(lambda status: status.connection.tunnels_up if status.connection.in_service else None),
    ),
    Metric(
        "aws_vpn_connection_ever_up",
        "Whether a tunnel of the connection was UP since this process watches it (1); 0 where none was, and it watched "
        "from the moment at which the connection appeared. Absent where nobody can know.",
        (),
        value(_ever_up),
    ),
    Metric(
        "aws_vpn_connection_last_change_timestamp_seconds",
        "When somebody last changed the connection at AWS, as a Unix time, with the call and who made it (CloudTrail).",
        ("event", "actor"),
        _last_change,
    ),
    Metric(
        "aws_vpn_connection_tunnels_expected",
        "Tunnels that are meant to be UP: 2, or what a policy says. "
        "Only while the connection is available or modifying.",
        (),
        value(
            lambda status: status.settings.expected_tunnels(status.connection) if status.connection.in_service else None
        ),
    ),
    Metric(
        "aws_vpn_connection_muted",
        "Whether a policy keeps the connection from raising alerts now (1). Reason: ignored, or planned (a planned "
        "window); only where a policy says so.",
        ("reason",),
        lambda status: [({"reason": reason.value}, float(now)) for reason, now in sorted(status.muted.items())],
    ),
    Metric(
        "aws_vpn_connection_availability_objective_ratio",
        "Share of time that the connection should have a tunnel UP; only where a policy sets it.",
        (),
        value(lambda status: status.settings.availability_objective(status.connection)),
    ),
)
