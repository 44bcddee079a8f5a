"""Metrics about a tunnel of a connection in service."""

from collections.abc import Callable, Iterator
from dataclasses import fields

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.causes import causes
from aws_vpn_exporter.diagnosis.risks import rekey_due, risks
from aws_vpn_exporter.evidence import Negotiated, Traffic, TrafficPoint
from aws_vpn_exporter.limits import bandwidth_limit, routes_limit
from aws_vpn_exporter.metrics.record import Metric, Sample, one_of, value
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.options import OPTIONS, Option, text


def _number(option: Option) -> Metric[Case]:
    def samples(case: Case) -> Iterator[Sample]:
        value, source = case.settings.option(case.tunnel, option)
        if isinstance(value, int):
            yield {"source": source}, value * option.scale

    sources = "Source: configured (AWS reported it) or default (AWS left it out)."
    return Metric(option.published_as, f"{option.help} {sources}", ("source",), samples)


def _switch(option: Option) -> Metric[Case]:
    return Metric(
        option.published_as,
        f"{option.help} 0 where AWS leaves it out, its default.",
        (),
        value(lambda case: bool(case.settings.option(case.tunnel, option)[0])),
    )


_WORDS = tuple(option for option in OPTIONS if not option.is_number and not option.is_switch)


def _options_info(case: Case) -> Iterator[Sample]:
    words = {option.published_as: text(case.settings.option(case.tunnel, option)[0]) for option in _WORDS}
    yield {**words, "inside_cidr": case.tunnel.inside_cidr}, 1.0


def _option_sides(case: Case) -> Iterator[Sample]:
    for sides in case.settings.sides(case.connection, case.tunnel):
        labels = {"option": sides.option.key, "at_aws": text(sides.at_aws), "at_gateway": sides.at_gateway_text}
        yield labels, 1.0


def _option_mismatch(case: Case) -> Iterator[Sample]:
    for sides in case.settings.sides(case.connection, case.tunnel):
        yield {"option": sides.option.key}, float(sides.differ)


_NEGOTIATED = tuple(item.name for item in fields(Negotiated) if item.name != "provisioning_status_reason")


def _latest(traffic: Traffic | None, read: Callable[[TrafficPoint], float | None]) -> float | None:
    return read(traffic.points[-1]) if traffic else None


TUNNEL: tuple[Metric[Case], ...] = (
    Metric(
        "aws_vpn_tunnel_up",
        "Whether AWS reported the tunnel UP (1) or DOWN (0) in the last good answer; see aws_vpn_target_up.",
        (),
        value(lambda case: case.tunnel.telemetry.up if case.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_state",
        "Status and StatusMessage read together: 1 for the current state, 0 for the others. up_without_routes: "
        "UP with 0 BGP routes; bgp_down: IPsec is up, BGP is not; ipsec_down: IPsec is down; down: DOWN, no reason "
        "given.",
        ("state",),
        one_of(TunnelState, lambda case: case.tunnel.telemetry.state if case.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_last_status_change_timestamp_seconds",
        "When the tunnel's IKE, IPsec or BGP status last changed, as a Unix time.",
        (),
        value(lambda case: case.tunnel.telemetry.last_status_change if case.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_accepted_routes",
        "Routes accepted from the customer gateway. On a static connection AWS counts its static routes, "
        "even while the tunnel is DOWN.",
        (),
        value(lambda case: case.tunnel.telemetry.accepted_routes if case.tunnel.telemetry else None),
    ),
    Metric(
        "aws_vpn_tunnel_routes_limit",
        "Routes that AWS accepts over the tunnel; with one more it ends the BGP session. Only with the block headroom, "
        "and for BGP on a virtual private gateway or a transit gateway.",
        (),
        value(lambda case: routes_limit(case.connection) if case.settings.headroom else None),
    ),
    Metric(
        "aws_vpn_tunnel_bandwidth_limit_bytes_per_second",
        "Bytes per second that the tunnel carries at most, in each direction. Only with the block headroom.",
        (),
        value(lambda case: bandwidth_limit(case.connection) if case.settings.headroom else None),
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
        "Whether AWS's value of the option and the customer gateway's differ in a way that can hurt (1), for each "
        "option that a policy states: sets with nothing in common, or lifetimes that have to be equal and are not.",
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
        "The most probable cause on the evidence at hand, for a tunnel that is not up or carries nothing, and its "
        "confidence: likely or possible. Always 1.",
        ("cause", "confidence"),
        lambda case: [
            ({"cause": cause.kind.value, "confidence": cause.confidence.value}, 1.0) for cause in causes(case)[:1]
        ],
    ),
    Metric(
        "aws_vpn_tunnel_risk",
        "How far a rule about renewing keys applies to the tunnel's settings, from 0 to 1; from 0.5 on something "
        "should be done. Only with the block risks, and only for rules of which all values are known. Rule: "
        "margin_fills_lifetime (the share of the keys' lifetime that margin and fuzz take), equal_without_fuzz, "
        "windows_overlap (the probability that both sides renew the same keys at once), phase2_outlives_phase1.",
        ("rule",),
        lambda case: [({"rule": risk.rule.value}, risk.degree) for risk in risks(case)],
    ),
    Metric(
        "aws_vpn_tunnel_rekey_due_timestamp_seconds",
        "When keys of the phase are renewed at the latest, as a Unix time. Only with the block risks, and only until "
        "then: counted from when they are last known to have been established.",
        ("phase",),
        lambda case: [({"phase": str(phase)}, due) for phase, due in rekey_due(case)],
    ),
    Metric(
        "aws_vpn_tunnel_standby",
        "Whether a policy says that the tunnel may be idle (1); only where traffic is read.",
        (),
        value(lambda case: case.settings.is_standby(case.connection, case.tunnel) if case.evidence.traffic else None),
    ),
    Metric(
        "aws_vpn_tunnel_receive_bytes_per_second",
        "Bytes that AWS received from the customer gateway, over the latest complete period (CloudWatch TunnelDataIn).",
        (),
        value(lambda case: _latest(case.evidence.traffic, lambda point: point.receive)),
    ),
    Metric(
        "aws_vpn_tunnel_transmit_bytes_per_second",
        "Bytes that AWS sent to the customer gateway, over the latest complete period (CloudWatch TunnelDataOut).",
        (),
        value(lambda case: _latest(case.evidence.traffic, lambda point: point.transmit)),
    ),
    Metric(
        "aws_vpn_tunnel_traffic_timestamp_seconds",
        "When the period of the two traffic metrics ended, as a Unix time.",
        (),
        value(lambda case: _latest(case.evidence.traffic, lambda point: point.time)),
    ),
    Metric(
        "aws_vpn_tunnel_maintenance_pending",
        "Whether AWS has a replacement of the tunnel's endpoint pending (1).",
        (),
        value(lambda case: bool(case.evidence.maintenance.pending) if case.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_maintenance_auto_applied_after_timestamp_seconds",
        "When AWS applies the pending maintenance by itself, as a Unix time.",
        (),
        value(lambda case: case.evidence.maintenance.auto_applied_after if case.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_last_maintenance_timestamp_seconds",
        "When maintenance was last applied to the tunnel, as a Unix time.",
        (),
        value(lambda case: case.evidence.maintenance.last_applied if case.evidence.maintenance else None),
    ),
    Metric(
        "aws_vpn_tunnel_negotiated_info",
        "What the two sides agreed on, and how the tunnel's provisioning stands. Always 1.",
        _NEGOTIATED,
        lambda case: (
            [({name: getattr(case.evidence.negotiated, name) for name in _NEGOTIATED}, 1.0)]
            if case.evidence.negotiated
            else []
        ),
    ),
    Metric(
        "aws_vpn_tunnel_log_events_total",
        "Events in the tunnel's logs since the exporter began to read them.",
        ("event",),
        lambda case: (
            [({"event": event.value}, float(count)) for event, count in sorted(case.evidence.logs.counts.items())]
            if case.evidence.logs
            else []
        ),
        type="counter",
    ),
)
