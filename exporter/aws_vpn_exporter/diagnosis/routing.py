"""IPsec is up, and yet nothing is routed; or the connection hangs on no gateway that could route."""

import re
from collections.abc import Iterator, Mapping

from aws_vpn_exporter.diagnosis.aws_side import changes_before_the_fall, told
from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, Variant, hint, log, state
from aws_vpn_exporter.diagnosis.facts import message, quoted
from aws_vpn_exporter.diagnosis.surroundings import ipsec_up
from aws_vpn_exporter.evidence import LogEvent, LogEventClass
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.wording import moment

_BEFORE = 10 * 60.0
"""Seconds. The reason stands before the session's end, the attempts to come back after it."""

_IN_USE = 750.0
"""Bytes per second that keepalives alone never reach."""

_SHUT = "administrative shutdown"
_PREFIXES = "prefix limit"
_AS_NUMBER = "AS number"
_HOLD_TIMER = "hold timer"
_NOTIFIED = "notification"

_SHUT_BY_AWS = "shut down by AWS"
_PREFIXES_OF_THE_DEVICE = "prefix limit of the device"
_AS_NUMBER_OF_AWS = "AS number of AWS"

_SETTLED: Mapping[LogEventClass, str] = {
    LogEventClass.BGP_SHUTDOWN: _SHUT,
    LogEventClass.BGP_UNCONFIGURED: _SHUT,
    LogEventClass.BGP_PREFIX_LIMIT: _PREFIXES,
    LogEventClass.BGP_AS_NUMBER: _AS_NUMBER,
}
"""Reasons that last until somebody acts: of these the newest counts."""
_PASSING: Mapping[LogEventClass, str] = {LogEventClass.BGP_HOLD_TIMER: _HOLD_TIMER, LogEventClass.BGP_RESET: _NOTIFIED}
_FOLLOWING: Mapping[LogEventClass, str] = {
    LogEventClass.BGP_NOTIFICATION: _NOTIFIED,
    LogEventClass.BGP_REJECTED: _NOTIFIED,
}
"""What the two sides say when they try again: reasons only where there is no other."""
_TIERS = (_SETTLED, _PASSING, _FOLLOWING)


def _telling(case: Case) -> tuple[LogEvent, ...]:
    """The lines that say why the session ended, of the most lasting kind that there is."""
    for tier in _TIERS:
        found = case.logged(*tier, before=_BEFORE)
        if found:
            newest = found[-1].event
            return tuple(event for event in found if tier[event.event] == tier[newest])
    return ()


def _which(case: Case) -> str:
    lines = _telling(case)
    if not lines:
        return ""
    known = {**_SETTLED, **_PASSING, **_FOLLOWING}[lines[-1].event]
    who = _NOTIFIES.search(lines[-1].detail)
    return _BY_WHOM.get((known, who[1].lower()), known) if who else known


_NOTIFIES = re.compile(r"peer (sent|received)\b", re.IGNORECASE)
_BY_WHOM: Mapping[tuple[str, str], str] = {
    (_SHUT, "sent"): _SHUT_BY_AWS,
    (_PREFIXES, "received"): _PREFIXES_OF_THE_DEVICE,
    (_AS_NUMBER, "received"): _AS_NUMBER_OF_AWS,
}
"""Reasons whose remedy is another one where the other side gives them."""


def _without_bgp(case: Case) -> Iterator[Fact]:
    """AWS reports DOWN with the message "IPSEC IS UP": IPsec is up, BGP is not."""
    yield state(f'AWS reports the tunnel DOWN with the message "{message(case)}": IPsec is up, BGP is not (telemetry).')


def _bgp_lines(case: Case) -> Iterator[Fact]:
    """AWS's BGP log names the notification or the timer that ended the session."""
    lines = _telling(case)
    yield from map(log, quoted(lines))
    if not lines:
        yield from map(hint, quoted(case.logged(LogEventClass.BGP_DOWN, before=_BEFORE)[-1:]))


def _static(case: Case) -> Iterator[Fact]:
    """The connection is static, and has no BGP."""
    if case.connection.routing == "static":
        yield state("The connection has static routes and no BGP (options of the connection).")


def _no_route_accepted(case: Case) -> Iterator[Fact]:
    """AWS reports the tunnel UP and has accepted no route over it."""
    fact = "AWS reports the tunnel UP and has accepted no route over it (telemetry)."
    yield hint(fact) if case.connection.routing == "static" else state(fact)


_DENIED = (LogEventClass.ROUTE_DENIED_AS_PATH, LogEventClass.ROUTE_DENIED_NEXT_HOP)


def _carries(case: Case) -> Iterator[Fact]:
    """Data pass over the tunnel in both directions."""
    last = case.evidence.traffic.points[-1] if case.evidence.traffic else None
    if last and last.time > (case.changed or 0.0) and min(last.receive or 0, last.transmit or 0) >= _IN_USE:
        yield state(f"Data passed in both directions in the period until {moment(last.time)} (CloudWatch).")


def _denied_lines(case: Case) -> tuple[LogEvent, ...]:
    return case.logged(*_DENIED, before=_BEFORE)


def _denied(case: Case) -> Iterator[Fact]:
    """AWS logged that it denied the routes, and why."""
    yield from map(log, quoted(_denied_lines(case)))


def _route_deleted(case: Case) -> Iterator[Fact]:
    """Somebody deleted a route of the connection."""
    yield from (state(told(change)) for change in changes_before_the_fall(case, "DeleteVpnConnectionRoute"))


def _why_denied(case: Case) -> str:
    lines = _denied_lines(case)
    if not lines:
        return ""
    return "next hop denied" if lines[-1].event is LogEventClass.ROUTE_DENIED_NEXT_HOP else "AS path denied"


def _not_associated(case: Case) -> Iterator[Fact]:
    """AWS says that the connection is associated with no gateway."""
    if case.connection.association in ("not-associated", "disassociating", "associating"):
        yield state(f"AWS says that the connection is {case.connection.association} (GatewayAssociationState).")


def _other_is_up(case: Case) -> Iterator[Fact]:
    """Another tunnel of the connection is up."""
    yield from (state(f"Tunnel {t.outside_ip} is up (telemetry).") for t in case.others if ipsec_up(t))


BGP_DOWN = Rule(
    CauseKind.BGP_DOWN,
    lambda case: case.state is TunnelState.BGP_DOWN,
    (_without_bgp, _bgp_lines),
    "IPsec is well: check the BGP session on the device, the inside addresses and both AS numbers.",
    "causes.md#bgp",
    "user guide, Site-to-Site VPN log contents (BGP); RFC 4271, 4486",
    refutes=(_static,),
    variants=(
        Variant(
            _SHUT,
            "The device closed the BGP session on purpose: look there for a shutdown, a maintenance mode or a neighbor "
            "that was removed, and take it back.",
        ),
        Variant(
            _PREFIXES,
            "The device announces more routes than AWS takes (100 on a virtual private gateway, 1,000 on a transit "
            "gateway): summarise or filter them on the device, and reset the session.",
        ),
        Variant(
            _AS_NUMBER,
            "The device's AS number is not the one that the customer gateway has at AWS: correct it on the device, or "
            "make a new customer gateway with the right number.",
        ),
        Variant(
            _SHUT_BY_AWS,
            "AWS closed the BGP session itself: wait some minutes, look at the AWS Health Dashboard, and where it "
            "stays closed, ask AWS's support.",
        ),
        Variant(
            _PREFIXES_OF_THE_DEVICE,
            "AWS announces more routes than the device takes: raise the neighbor's prefix limit on the device, or let "
            "AWS announce fewer, and reset the session.",
        ),
        Variant(
            _AS_NUMBER_OF_AWS,
            "The device expects another AS number of AWS than its gateway has: correct the neighbor on the device.",
        ),
        Variant(
            _HOLD_TIMER,
            "BGP's messages stopped arriving while IPsec stayed up: look at the device's BGP process and load, and "
            "whether ESP passes in both directions.",
        ),
        Variant(
            _NOTIFIED,
            "One side ended the session with the notification that is named: compare the neighbor's settings on the "
            "device with AWS's configuration for it.",
        ),
    ),
    variant=_which,
    turn_on=(LOG_ENABLED, "logs"),
)

NO_ROUTES = Rule(
    CauseKind.NO_ROUTES,
    lambda case: case.carries_nothing,
    (_no_route_accepted, _denied, _route_deleted),
    "Announce the site's networks over BGP from the device.",
    "AwsVpnTunnelNoRoutes.md#mitigation",
    "user guide, Route tables and Site-to-Site VPN route priority",
    variants=(
        Variant(
            "next hop denied",
            "The routes are announced, and AWS denies their next hop: let the device name itself as the next hop "
            "towards the tunnel (next-hop-self, its inside address).",
        ),
        Variant(
            "AS path denied",
            "The routes are announced, and AWS denies them because its own AS number stands in their path: filter "
            "routes learnt from AWS, or choose another AS number.",
        ),
        Variant("static", "Add the site's networks as static routes to the connection."),
    ),
    refutes=(_carries,),
    variant=lambda case: _why_denied(case) or ("static" if case.connection.routing == "static" else ""),
    turn_on=(LOG_ENABLED, "logs"),
)

NOT_ATTACHED = Rule(
    CauseKind.NOT_ATTACHED,
    lambda case: case.not_up,
    (_not_associated,),
    "Attach the connection to a virtual private gateway, transit gateway or core network: without one it has nothing "
    "to be up for.",
    "causes.md#not-attached",
    "EC2 API reference, VpnConnection",
    refutes=(_other_is_up,),
)
