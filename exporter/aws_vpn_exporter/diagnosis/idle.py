"""The tunnel fell because nothing passed through it."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, hint, inference, log
from aws_vpn_exporter.diagnosis.facts import (
    aws_initiates,
    closed,
    dead_peer,
    fell_together,
    quoted,
    refused_since,
    replaced,
    signs_of_life,
    silent_period,
)
from aws_vpn_exporter.diagnosis.surroundings import SEVERAL
from aws_vpn_exporter.wording import age, moment


def _silence(case: Case) -> Iterator[Fact]:
    """Nothing passed in either direction in the last period before the fall, on a tunnel that was in use before."""
    last = silent_period(case)
    if last is None or case.changed is None:
        return
    fact = (
        f"Nothing passed in either direction in the period that ended at {moment(last.time)}, "
        f"{age(case.changed - last.time)} before the tunnel fell (CloudWatch)."
    )
    yield inference(fact) if any(signs_of_life(case)) else hint(fact)
    if not aws_initiates(case):
        yield hint("AWS does not initiate this tunnel: without traffic it may drop (startup_action is add).")


def _closed_while_silent(case: Case) -> Iterator[Fact]:
    """The customer gateway closed the tunnel while nothing passed: AWS logged its DELETE at the fall."""
    if silent_period(case) and not aws_initiates(case) and case.connection.routing != "bgp":
        yield from map(log, quoted(closed(case)))


def _aws_initiates(case: Case) -> Iterator[Fact]:
    """AWS initiates the tunnel (startup action `start`)."""
    if aws_initiates(case):
        yield inference("AWS initiates this tunnel, which makes an idle time-out at AWS less likely (startup_action).")


def _bgp_speaks(case: Case) -> Iterator[Fact]:
    """BGP speaks over the tunnel all the time: silence is rather that of a dead path."""
    if case.connection.routing == "bgp":
        yield inference("Over this tunnel BGP speaks all the time: the silence may be that of a dead path (routing).")


def _refused_since(case: Case) -> Iterator[Fact]:
    """The customer gateway tries to come up again, and AWS refuses it or gives the attempt up."""
    yield from (log(f"It does not stay down for lack of traffic: {said}") for said in refused_since(case))


def _explained_otherwise(case: Case) -> Iterator[Fact]:
    """A dead peer, a common fall, or an endpoint that AWS replaced explains it without idleness."""
    yield from map(inference, quoted(dead_peer(case)[-1:]))
    if replaced(case):
        yield inference("AWS applied maintenance just before the fall (replacement status).")
    if case.surroundings.fell_together >= SEVERAL:
        yield inference(f"Tunnels of {case.surroundings.fell_together} other sites fell at the same time (telemetry).")
    for tunnel in fell_together(case)[:1]:
        yield inference(f"Tunnel {tunnel.outside_ip} fell at the same time (telemetry).")


IDLE_TIMEOUT = Rule(
    CauseKind.IDLE_TIMEOUT,
    lambda case: case.ipsec_down,
    (_silence, _closed_while_silent),
    "Send a keepalive through this tunnel, such as a ping every 5 seconds from the customer side to a host in the "
    "VPC, or lengthen the idle time-out of the device.",
    "remedies.md#idle-time-out",
    "Security Hub EC2.20; user guide, Site-to-Site VPN",
    refutes=(_aws_initiates, _bgp_speaks, _refused_since, _explained_otherwise),
    yields_to=frozenset({CauseKind.OPTIONS_CHANGED}),
    missing=lambda case: (
        () if any(signs_of_life(case)) else ("Whether the tunnel was ever in use: nothing that is read shows it.",)
    ),
    turn_on=(LOG_ENABLED, "logs", "maintenance"),
)
