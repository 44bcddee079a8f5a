"""The customer gateway does not answer, or closed the tunnel itself."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, hint, inference, log, state
from aws_vpn_exporter.diagnosis.facts import (
    AROUND,
    AT_THE_FALL,
    DEAD,
    aws_initiates,
    closed,
    dead_peer,
    fell_together,
    gateway_talks,
    quoted,
    refused_since,
    signs_of_life,
    silent_period,
)
from aws_vpn_exporter.diagnosis.surroundings import TOGETHER, ipsec_up
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.options import text
from aws_vpn_exporter.wording import age, moment

_SILENT_PERIODS = 2
_MORE_THAN_KEEPALIVES = 150.0
"""Bytes per second."""
_REKEYED = 60.0
"""Seconds within which a DELETE of phase 2 belongs to a rekey."""


def _declared_dead(case: Case) -> Iterator[Fact]:
    """AWS logged a dead peer within 5 minutes of the fall."""
    dead = dead_peer(case)
    yield from map(log, quoted(dead))
    if dead:
        action = case.option("dpd_timeout_action")
        then = {
            "clear": "AWS then ended the session and waits for the customer gateway",
            "restart": "AWS then negotiates anew",
            "none": "AWS then does nothing",
        }.get(text(action), "AWS follows the option")
        yield hint(f"{then} (dpd_timeout_action is {text(action)}).")


def _deleted(case: Case) -> Iterator[Fact]:
    """AWS logged a DELETE from the customer gateway at the moment of the fall, or one of the IKE SA shortly before."""
    yield from map(log, quoted(closed(case)))


def _dead_at_the_fall(case: Case) -> Iterator[Fact]:
    """AWS logged a dead peer as well."""
    yield from map(log, quoted(dead_peer(case)[-1:]))


def _refused_since(case: Case) -> Iterator[Fact]:
    """The customer gateway tries to come up again, and AWS refuses it or gives the attempt up."""
    yield from (log(f"It wants the tunnel up: {said}") for said in refused_since(case))


def _ordinary_rekey(case: Case) -> Iterator[Fact]:
    """Only phase 2 was deleted, and a rekey stands beside it: every rekey deletes the old keys."""
    lines = closed(case)
    rekeyed = case.logged(LogEventClass.REKEY, before=_REKEYED + AT_THE_FALL, after=AT_THE_FALL)
    if lines and rekeyed and all("IKE_SA" not in event.detail and event.phase2 != "down" for event in lines):
        yield log("Every rekey deletes the old keys, and AWS logged one at this time (VPN log).")


def _fell_with_the_others(case: Case) -> Iterator[Fact]:
    """All tunnels of the connection fell within 3 minutes, and are known to have been up before."""
    for tunnel in fell_together(case):
        fact = f"Tunnel {tunnel.outside_ip} fell within {age(TOGETHER)} of this one (telemetry)."
        yield inference(fact) if any(signs_of_life(case)) else hint(fact)
    if fell_together(case):
        yield from map(hint, quoted(dead_peer(case)[-1:]))


def _still_silent(case: Case) -> Iterator[Fact]:
    """Minutes after the fall AWS still logs that nobody answers."""
    classes = (*DEAD, *((LogEventClass.HALF_OPEN,) if aws_initiates(case) else ()))
    silent = case.logged(*classes, before=-AROUND)
    yield from map(hint, quoted(silent))
    if silent:
        yield hint("It still does not answer, minutes after the fall (VPN log).")


def _talks(case: Case) -> Iterator[Fact]:
    """AWS's log shows the customer gateway talking since the fall."""
    yield from map(log, gateway_talks(case))


def _up_elsewhere(case: Case) -> Iterator[Fact]:
    """Another connection of the same customer gateway is up."""
    for connection in case.surroundings.same_gateway_up[:1]:
        yield state(f"Connection {connection} of the same customer gateway has a tunnel up (telemetry).")


def _others_fell_too(case: Case) -> Iterator[Fact]:
    """Other customer gateways lost tunnels at the same time: the site's own power is not theirs."""
    if case.surroundings.fell_together:
        yield inference(
            f"Tunnels of {case.surroundings.fell_together} other customer gateways in the same "
            f"{case.surroundings.shared} fell at the same time (telemetry)."
        )


def _was_idle(case: Case) -> Iterator[Fact]:
    """Nothing had passed before the fall, on a static tunnel that AWS does not initiate."""
    last = silent_period(case)
    if last and case.connection.routing == "static" and not aws_initiates(case):
        yield inference(
            f"Nothing passed in the period until {moment(last.time)}: tunnels that nobody uses may fall as well "
            "(CloudWatch)."
        )


def _seen_never_up(case: Case) -> Iterator[Fact]:
    """The exporter saw the connection appear, and the tunnel was never up since."""
    memory = case.memories.get(case.tunnel.outside_ip)
    if memory and memory.appeared and not memory.ever_up:
        yield state("The tunnel has never been up since the connection appeared (the exporter's own history).")


def _logged_since(case: Case) -> Iterator[Fact]:
    """AWS logged that the peer does not answer, and the tunnel was not seen established since."""
    logs = case.evidence.logs
    if logs is None:
        return
    dead = [e for e in logs.latest if e.event in DEAD and e.time > (case.changed or 0.0)]
    up_again = [e for e in logs.latest if dead and e.event is LogEventClass.PHASE2_UP and e.time > dead[-1].time]
    if not up_again:
        yield from map(log, quoted(dead))


def _nothing_comes_back(case: Case) -> Iterator[Fact]:
    """AWS sends into the tunnel, and nothing has come back for several periods."""
    points = case.evidence.traffic.points[-_SILENT_PERIODS:] if case.evidence.traffic else ()
    if len(points) == _SILENT_PERIODS and all(p.receive == 0 and (p.transmit or 0) > 0 for p in points):
        yield inference(
            f"AWS sends into the tunnel, and nothing has come back in the periods until {moment(points[-1].time)} "
            "(CloudWatch)."
        )


def _something_comes(case: Case) -> Iterator[Fact]:
    """Data arrives over the tunnel."""
    last = case.evidence.traffic.points[-1] if case.evidence.traffic else None
    logs = case.evidence.logs
    dead = max((e.time for e in logs.latest if e.event in DEAD), default=0.0) if logs else 0.0
    if last and (last.receive or 0) > 0 and last.time > dead:
        yield log(f"Data arrived in the period until {moment(last.time)} (CloudWatch).")


def _heard_over_another(case: Case) -> Iterator[Fact]:
    """Data arrive over another tunnel, and none have been seen over this one: the way back may be the other."""
    if any(point.receive for point in (case.evidence.traffic.points if case.evidence.traffic else ())):
        return
    for address, evidence in sorted(case.siblings.items()):
        last = evidence.traffic.points[-1] if evidence.traffic else None
        if last and (last.receive or 0) >= _MORE_THAN_KEEPALIVES:
            yield inference(f"Data arrive over tunnel {address}: the answers may come that way (CloudWatch).")


DEAD_PEER_DETECTION = Rule(
    CauseKind.DEAD_PEER_DETECTION,
    lambda case: case.ipsec_down,
    (_declared_dead,),
    "Find out why the device did not answer (its load, its internet line, a firewall or NAT between), and set the "
    "time-out action to restart so that AWS tries again.",
    "remedies.md#dead-peer-detection",
    "Security Hub EC2.20; user guide, Site-to-Site VPN log contents",
    yields_to=frozenset(
        {
            CauseKind.SHARED_EVENT,
            CauseKind.CUSTOMER_GATEWAY_UNREACHABLE,
            CauseKind.ENDPOINT_REPLACEMENT,
            CauseKind.OPTIONS_CHANGED,
        }
    ),
    turn_on=("traffic", "maintenance"),
)

CLOSED_BY_CUSTOMER_GATEWAY = Rule(
    CauseKind.CLOSED_BY_CUSTOMER_GATEWAY,
    lambda case: case.ipsec_down,
    (_deleted,),
    "The device closed the tunnel itself: look in its log for an idle time-out, an expired lifetime, a restart, or "
    "somebody's command; then initiate it from there.",
    "causes.md#closed-by-the-device",
    "user guide, Site-to-Site VPN log contents; RFC 7296, 1.4.1",
    refutes=(_dead_at_the_fall, _ordinary_rekey, _refused_since),
    yields_to=frozenset(
        {
            CauseKind.IDLE_TIMEOUT,
            CauseKind.REKEY_MISMATCH,
            CauseKind.PRE_SHARED_KEY_MISMATCH,
            CauseKind.AUTHENTICATION_FAILED,
            CauseKind.TRAFFIC_SELECTORS,
            CauseKind.REKEY_COLLISION,
            CauseKind.ENDPOINT_REPLACEMENT,
            CauseKind.OPTIONS_CHANGED,
        }
    ),
    missing=lambda case: ("Why it did so: an idle time-out, an expiry and an orderly restart look alike from here.",),
    turn_on=("traffic",),
)

CUSTOMER_GATEWAY_UNREACHABLE = Rule(
    CauseKind.CUSTOMER_GATEWAY_UNREACHABLE,
    # One tunnel whose IPsec is up: the gateway is there.
    lambda case: case.ipsec_down and not any(map(ipsec_up, case.others)),
    (_fell_with_the_others, _still_silent),
    "Look at the site first: power, internet access, firewall and the device itself.",
    "AwsVpnConnectionDown.md#diagnosis",
    "inference: what all tunnels of one device share is the device and its line",
    refutes=(_talks, _up_elsewhere, _seen_never_up, _others_fell_too, _was_idle),
    yields_to=frozenset(
        {
            CauseKind.SHARED_EVENT,
            CauseKind.ENDPOINT_REPLACEMENT,
            CauseKind.OPTIONS_CHANGED,
            CauseKind.NOT_ATTACHED,
            CauseKind.NEVER_UP,
        }
    ),
    missing=lambda case: (
        () if any(signs_of_life(case)) else ("Whether the tunnel has ever been up: nothing that is read shows it.",)
    ),
    turn_on=(LOG_ENABLED, "logs", "maintenance", "traffic"),
)

DEAD_PEER_WITH_ACTION_NONE = Rule(
    CauseKind.DEAD_PEER_WITH_ACTION_NONE,
    lambda case: case.state is TunnelState.UP and case.option("dpd_timeout_action") == "none",
    (_logged_since, _nothing_comes_back),
    "AWS reports the tunnel UP although nobody answers, because the time-out action is none: look at the device and "
    "its line, and set the action to restart, so that a dead peer shows.",
    "remedies.md#dead-peer-detection",
    "user guide, Tunnel options (DPD timeout action)",
    refutes=(_something_comes, _heard_over_another),
    turn_on=("traffic", LOG_ENABLED, "logs"),
)
