"""Every metric, once, as a record: its name, help, labels and the function that reads it off what is known.

Adding a metric is adding one record to the table of its subject (CONNECTION, TUNNEL, TARGET, SOURCE or EXPORTER) and
rewriting the golden files and docs/METRICS.md (`make golden docs`). Absent is not zero: a reader that returns
None, or no sample, publishes nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Generic, TypeVar

from prometheus_client import Metric as Family

from aws_vpn_exporter import diagnosis
from aws_vpn_exporter.diagnosis import Case, Cause, causes
from aws_vpn_exporter.evidence import (
    Evidence,
    Negotiated,
    Round,
    Sources,
    Traffic,
    TrafficPoint,
    TunnelId,
    answers_in_full,
)
from aws_vpn_exporter.model import (
    Connection,
    ConnectionState,
    Report,
    Settings,
    Target,
    TargetReport,
    Tunnel,
    TunnelState,
)
from aws_vpn_exporter.options import OPTIONS, Option, differs, text

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Metric(Generic[Subject]):
    """A metric family. `labels` are those beside the subject's identity; `samples` gives labels and values."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Subject], Iterable[Sample]]
    type: str = "gauge"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known about a target: the report on its connections, and what the optional sources say."""

    report: TargetReport
    sources: Sources = field(default_factory=Sources)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections as last known; none where nothing is known or it is too old."""
        return self.report.snapshot.answer if self.report.snapshot else ()


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection with all that its metrics need. `now` is a Unix time in seconds."""

    target: Target
    connection: Connection
    settings: Settings
    sources: Sources
    now: float

    @property
    def identity(self) -> Labels:
        """The labels of every series about this connection."""
        return {
            "account_id": self.target.account_id,
            "region": self.target.region,
            "vpn_connection_id": self.connection.id,
        }


@dataclass(frozen=True, slots=True)
class TunnelView:
    """A tunnel of a connection in service, with all that its metrics need."""

    of: ConnectionView
    tunnel: Tunnel

    @property
    def identity(self) -> Labels:
        """The labels of every series about this tunnel."""
        return {**self.of.identity, "tunnel_ip": self.tunnel.outside_ip}

    @property
    def evidence(self) -> Evidence:
        """What the optional sources say about it."""
        return self.of.sources.evidence(TunnelId(self.of.connection.id, self.tunnel.outside_ip))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why it is not up, most probable first."""
        return causes(self.case)

    @property
    def case(self) -> Case:
        """The tunnel as the diagnosis takes it."""
        on = frozenset(diagnosis.Source(name) for name in self.of.sources.reports)
        return Case(self.tunnel, self.of.connection, self.of.settings, self.of.now, self.evidence, on)


@dataclass(frozen=True, slots=True)
class ExporterReport:
    """The exporter about itself.

    `api_requests` counts by service, operation and outcome (an HTTP status code, or "error" where no answer came);
    `last_reload` is a Unix time in seconds.
    """

    version: str
    python_version: str
    boto3_version: str
    reload_successful: bool
    last_reload: float
    api_requests: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    cloudwatch_metrics_requested: int = 0


def _value(read: Callable[[Subject], float | None]) -> Callable[[Subject], Iterator[Sample]]:
    def samples(subject: Subject) -> Iterator[Sample]:
        value = read(subject)
        if value is not None:
            yield {}, float(value)

    return samples


def _one_of(states: type[StrEnum], read: Callable[[Subject], StrEnum | None]) -> Callable[[Subject], Iterator[Sample]]:
    def samples(subject: Subject) -> Iterator[Sample]:
        current = read(subject)
        if current is not None:
            yield from (({"state": state.value}, float(state is current)) for state in states)

    return samples


def tag_label(key: str) -> str:
    """The label of aws_vpn_connection_info that carries the tag: `Cost Centre` is tag_Cost_Centre."""
    return "tag_" + re.sub(r"[^a-zA-Z0-9_]", "_", key)


def _connection_info(view: ConnectionView) -> Iterator[Sample]:
    connection = view.connection
    labels = {
        "name": connection.name,
        "category": connection.category,
        "customer_gateway_id": connection.customer_gateway_id,
        "vpn_gateway_id": connection.vpn_gateway_id,
        "transit_gateway_id": connection.transit_gateway_id,
        "routing": connection.routing,
        "accelerated": "" if connection.accelerated is None else text(connection.accelerated),
        "bandwidth": connection.bandwidth,
    }
    tags = {tag_label(key): connection.tags.get(key, "") for key in view.settings.tags}
    yield {**labels, **tags}, 1.0


CONNECTION: tuple[Metric[ConnectionView], ...] = (
    Metric(
        "aws_vpn_connection_info",
        "Names and attachments of the connection, and the tags that the configuration lists. Always 1.",
        (
            "name",
            "category",
            "customer_gateway_id",
            "vpn_gateway_id",
            "transit_gateway_id",
            "routing",
            "accelerated",
            "bandwidth",
            "tag_*",
        ),
        _connection_info,
    ),
    Metric(
        "aws_vpn_connection_state",
        "State of the connection as AWS reports it: 1 for the current one, 0 for the others.",
        ("state",),
        _one_of(ConnectionState, lambda view: view.connection.state),
    ),
    Metric(
        "aws_vpn_connection_tunnels_up",
        "Tunnels that AWS reports UP. Only while the connection is available or modifying, "
        "and AWS reports on at least one tunnel.",
        (),
        _value(lambda view: view.connection.tunnels_up if view.connection.in_service else None),
    ),
    Metric(
        "aws_vpn_connection_tunnels_expected",
        "Tunnels that are meant to be UP: 2, or what a policy says. "
        "Only while the connection is available or modifying.",
        (),
        _value(lambda view: view.settings.expected_tunnels(view.connection) if view.connection.in_service else None),
    ),
)


def _number(option: Option) -> Metric[TunnelView]:
    def samples(view: TunnelView) -> Iterator[Sample]:
        value, source = view.of.settings.option(view.tunnel, option)
        if isinstance(value, int):
            yield {"source": source}, value * option.scale

    sources = "Source: configured (AWS reported it) or default (AWS left it out)."
    return Metric(option.published_as, f"{option.help} {sources}", ("source",), samples)


def _switch(option: Option) -> Metric[TunnelView]:
    return Metric(
        option.published_as,
        f"{option.help} 0 where AWS leaves it out, its default.",
        (),
        _value(lambda view: bool(view.of.settings.option(view.tunnel, option)[0])),
    )


_WORDS = tuple(option for option in OPTIONS if not option.is_number and not option.is_switch)


def _options_info(view: TunnelView) -> Iterator[Sample]:
    words = {option.published_as: text(view.of.settings.option(view.tunnel, option)[0]) for option in _WORDS}
    yield {**words, "inside_cidr": view.tunnel.inside_cidr}, 1.0


def _option_sides(view: TunnelView) -> Iterator[Sample]:
    for option, at_aws, at_gateway in view.of.settings.both_sides(view.of.connection, view.tunnel):
        yield {"option": option.key, "at_aws": text(at_aws), "at_gateway": text(at_gateway)}, 1.0


def _option_mismatch(view: TunnelView) -> Iterator[Sample]:
    for option, at_aws, at_gateway in view.of.settings.both_sides(view.of.connection, view.tunnel):
        yield {"option": option.key}, float(differs(at_aws, at_gateway))


_NEGOTIATED = tuple(item.name for item in fields(Negotiated) if item.name != "provisioning_status_reason")


def _latest(traffic: Traffic | None, read: Callable[[TrafficPoint], float | None]) -> float | None:
    return read(traffic.points[-1]) if traffic else None


TUNNEL: tuple[Metric[TunnelView], ...] = (
    Metric(
        "aws_vpn_tunnel_up",
        "Whether AWS reported the tunnel UP (1) or DOWN (0) in the last good answer; see aws_vpn_target_up.",
        (),
        _value(lambda view: view.tunnel.telemetry.up if view.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_state",
        "Status and StatusMessage read together: 1 for the current state, 0 for the others. up_without_routes: "
        "UP with 0 BGP routes; bgp_down: IPsec is up, BGP is not; ipsec_down: IPsec is down; down: DOWN, no reason "
        "given.",
        ("state",),
        _one_of(TunnelState, lambda view: view.tunnel.telemetry.state if view.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_last_status_change_timestamp_seconds",
        "When the tunnel's IKE, IPsec or BGP status last changed, as a Unix time.",
        (),
        _value(lambda view: view.tunnel.telemetry.last_status_change if view.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_accepted_routes",
        "Routes accepted from the customer gateway. On a static connection AWS counts its static routes, "
        "even while the tunnel is DOWN.",
        (),
        _value(lambda view: view.tunnel.telemetry.accepted_routes if view.tunnel.telemetry else None),
    ),
    *(_number(option) for option in OPTIONS if option.is_number),
    Metric(
        "aws_vpn_tunnel_options_info",
        "Options of the tunnel that are words or sets; sets are sorted and comma-joined, an option that AWS left "
        "out carries its default. Always 1.",
        (*(option.published_as for option in _WORDS), "inside_cidr"),
        _options_info,
    ),
    *(_switch(option) for option in OPTIONS if option.is_switch),
    Metric(
        "aws_vpn_tunnel_option_mismatch",
        "Whether AWS's value of the option disagrees with the customer gateway's (1), for each option that a policy "
        "states. A set disagrees where AWS does not permit what the gateway is set to.",
        ("option",),
        _option_mismatch,
    ),
    Metric(
        "aws_vpn_tunnel_option_sides_info",
        "Both sides' values of each option that a policy states, AWS's and the customer gateway's. Always 1.",
        ("option", "at_aws", "at_gateway"),
        _option_sides,
    ),
    Metric(
        "aws_vpn_tunnel_down_cause",
        "The most probable cause on the evidence at hand, for a tunnel that is not up or carries nothing. Always 1.",
        ("cause",),
        lambda view: [({"cause": cause.kind.value}, 1.0) for cause in view.causes[:1]],
    ),
    Metric(
        "aws_vpn_tunnel_standby",
        "Whether a policy says that the tunnel may be idle (1); only where traffic is read.",
        (),
        _value(
            lambda view: view.of.settings.is_standby(view.of.connection, view.tunnel) if view.evidence.traffic else None
        ),
    ),
    Metric(
        "aws_vpn_tunnel_receive_bytes_per_second",
        "Bytes that AWS received from the customer gateway, over the latest complete period (CloudWatch TunnelDataIn).",
        (),
        _value(lambda view: _latest(view.evidence.traffic, lambda point: point.receive)),
    ),
    Metric(
        "aws_vpn_tunnel_transmit_bytes_per_second",
        "Bytes that AWS sent to the customer gateway, over the latest complete period (CloudWatch TunnelDataOut).",
        (),
        _value(lambda view: _latest(view.evidence.traffic, lambda point: point.transmit)),
    ),
    Metric(
        "aws_vpn_tunnel_traffic_timestamp_seconds",
        "When the period of the two traffic metrics ended, as a Unix time.",
        (),
        _value(lambda view: _latest(view.evidence.traffic, lambda point: point.time)),
    ),
    Metric(
        "aws_vpn_tunnel_maintenance_pending",
        "Whether AWS has a replacement of the tunnel's endpoint pending (1).",
        (),
        _value(lambda view: bool(view.evidence.maintenance.pending) if view.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_maintenance_auto_applied_after_timestamp_seconds",
        "When AWS applies the pending maintenance by itself, as a Unix time.",
        (),
        _value(lambda view: view.evidence.maintenance.auto_applied_after if view.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_last_maintenance_timestamp_seconds",
        "When maintenance was last applied to the tunnel, as a Unix time.",
        (),
        _value(lambda view: view.evidence.maintenance.last_applied if view.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_negotiated_info",
        "What the two sides agreed on, and how the tunnel's provisioning stands. Always 1.",
        _NEGOTIATED,
        lambda view: (
            [({name: getattr(view.evidence.negotiated, name) for name in _NEGOTIATED}, 1.0)]
            if view.evidence.negotiated
            else []
        ),
    ),
    Metric(
        "aws_vpn_tunnel_log_events_total",
        "Events in the tunnel's logs since the exporter began to read them.",
        ("event",),
        lambda view: (
            [({"event": event.value}, float(count)) for event, count in sorted(view.evidence.log.counts.items())]
            if view.evidence.log
            else []
        ),
        type="counter",
    ),
)

TARGET: tuple[Metric[TargetReport], ...] = (
    Metric(
        "aws_vpn_target_info",
        "Name of the account, as the organization or the configuration gives it. Always 1.",
        ("account_name",),
        lambda report: [({"account_name": report.account_name}, 1.0)],
    ),
    Metric(
        "aws_vpn_target_up",
        "Whether the latest poll of this account and region gave a good answer; 0 before the first one.",
        (),
        _value(lambda report: report.up),
    ),
    Metric(
        "aws_vpn_target_last_success_timestamp_seconds",
        "When a poll last gave a good answer, as a Unix time; 0 for never. Series of connections and tunnels are "
        "kept after a failure until stale_after has passed since then.",
        (),
        _value(lambda report: report.last_success),
    ),
    Metric(
        "aws_vpn_target_poll_duration_seconds",
        "How long the latest poll took, retries included; 0 before the first one.",
        (),
        _value(lambda report: report.duration),
    ),
    Metric(
        "aws_vpn_target_polls_total",
        "Polls of this account and region that ended, well or not.",
        (),
        _value(lambda report: report.polls),
        type="counter",
    ),
    Metric(
        "aws_vpn_target_poll_failures_total",
        "Polls that failed, by cause; causes not seen since start have no series.",
        ("cause",),
        lambda report: (({"cause": cause.value}, float(n)) for cause, n in sorted(report.failures.items())),
        type="counter",
    ),
)


def _of_sources(
    read: Callable[[Report[Round[Any]]], Iterable[Sample]],
) -> Callable[[Knowledge], Iterable[Sample]]:
    return lambda known: (
        ({"source": name, **labels}, value)
        for name, report in known.sources.reports.items()
        for labels, value in read(report)
    )


SOURCE: tuple[Metric[Knowledge], ...] = (
    Metric(
        "aws_vpn_source_up",
        "Whether the latest look of an optional source (traffic, maintenance, negotiated, logs) at this account and "
        "region succeeded in full.",
        ("source",),
        _of_sources(lambda report: [({}, float(answers_in_full(report)))]),
    ),
    Metric(
        "aws_vpn_source_last_success_timestamp_seconds",
        "When an optional source last gave an answer, as a Unix time; 0 for never.",
        ("source",),
        _of_sources(lambda report: [({}, report.last_success)]),
    ),
    Metric(
        "aws_vpn_source_poll_failures_total",
        "Looks of an optional source that failed, wholly or in part, by cause; causes not seen have no series.",
        ("source", "cause"),
        _of_sources(lambda report: [({"cause": c.value}, float(n)) for c, n in sorted(report.failures.items())]),
        type="counter",
    ),
)

EXPORTER: tuple[Metric[ExporterReport], ...] = (
    Metric(
        "aws_vpn_exporter_build_info",
        "Versions of the exporter and of what it runs on. Always 1.",
        ("version", "python_version", "boto3_version"),
        lambda report: [
            (
                {
                    "version": report.version,
                    "python_version": report.python_version,
                    "boto3_version": report.boto3_version,
                },
                1.0,
            )
        ],
    ),
    Metric(
        "aws_vpn_exporter_config_last_reload_successful",
        "Whether the latest attempt to load the configuration succeeded.",
        (),
        _value(lambda report: report.reload_successful),
    ),
    Metric(
        "aws_vpn_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last loaded with success, as a Unix time.",
        (),
        _value(lambda report: report.last_reload),
    ),
    Metric(
        "aws_vpn_exporter_api_requests_total",
        "Requests sent to AWS, retries included. Outcome: the HTTP status code, or error where no answer came.",
        ("service", "operation", "outcome"),
        lambda report: (
            ({"service": service, "operation": operation, "outcome": outcome}, float(n))
            for (service, operation, outcome), n in sorted(report.api_requests.items())
        ),
        type="counter",
    ),
    Metric(
        "aws_vpn_exporter_cloudwatch_metrics_requested_total",
        "Metrics that CloudWatch was asked for; AWS charges for each.",
        (),
        _value(lambda report: report.cloudwatch_metrics_requested),
        type="counter",
    ),
)


def tunnel_views(known: Knowledge, settings: Settings, now: float) -> Iterator[TunnelView]:
    """The tunnels that metrics are published about: those of connections in service whose address is known."""
    for connection in known.connections:
        if connection.in_service:
            view = ConnectionView(known.report.target, connection, settings, known.sources, now)
            yield from (TunnelView(view, tunnel) for tunnel in connection.tunnels if tunnel.outside_ip)


def connection_families(known: Knowledge, settings: Settings, now: float) -> Iterator[Family]:
    """All families about a target's connections and their tunnels; a family without samples too."""
    target = known.report.target
    views = [ConnectionView(target, connection, settings, known.sources, now) for connection in known.connections]
    yield from _families(CONNECTION, [(view.identity, view) for view in views])
    yield from _families(TUNNEL, [(view.identity, view) for view in tunnel_views(known, settings, now)])


def target_families(known: Knowledge) -> Iterator[Family]:
    """All families about how a target and its sources fare."""
    identity = {"account_id": known.report.target.account_id, "region": known.report.target.region}
    yield from _families(TARGET, [(identity, known.report)])
    yield from _families(SOURCE, [(identity, known)])


def exporter_families(report: ExporterReport) -> Iterator[Family]:
    """All families of the exporter about itself."""
    return _families(EXPORTER, [({}, report)])


def _families(metrics: Iterable[Metric[Subject]], subjects: Sequence[tuple[Labels, Subject]]) -> Iterator[Family]:
    for metric in metrics:
        family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
        for identity, subject in subjects:
            for labels, value in metric.samples(subject):
                family.add_sample(metric.name, {**identity, **labels}, value)
        yield family
