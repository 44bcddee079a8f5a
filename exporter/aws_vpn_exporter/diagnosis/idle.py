"""The tunnel fell because nothing passed through it."""

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import explained_otherwise
from aws_vpn_exporter.wording import age, moment

_FRESH_TRAFFIC = 15 * 60.0
"""Seconds. Traffic longer than this before the fall is no evidence about it."""
_SILENCE = 1.0
"""Bytes per second below which a tunnel is silent; BGP's keepalives alone are more than that."""


def _idle_timeout(case: Case) -> Judgement | None:
    changed = case.changed
    if not case.ipsec_down or case.evidence.traffic is None or changed is None:
        return None
    before = [p for p in case.evidence.traffic.points if changed - _FRESH_TRAFFIC <= p.time <= changed]
    last = before[-1] if before else None
    if last is None or last.receive is None or last.transmit is None:
        return None
    if max(last.receive, last.transmit) >= _SILENCE:
        return None
    facts = [
        f"Nothing passed in either direction in the period that ended at {moment(last.time)}, "
        f"{age(changed - last.time)} before the tunnel fell (CloudWatch)."
    ]
    initiates = case.option("startup_action") == "start"
    if initiates:
        facts.append("AWS initiates this tunnel, which makes an idle time-out at AWS less likely (startup_action).")
    else:
        facts.append("AWS does not initiate this tunnel: without traffic it may drop (startup_action is add).")
    if case.connection.routing == "bgp":
        facts.append("Over this tunnel BGP speaks all the time: the silence may be that of a dead path (routing).")
    weak = initiates or case.connection.routing == "bgp" or explained_otherwise(case)
    return Judgement(Confidence.POSSIBLE if weak else Confidence.LIKELY, tuple(facts))


IDLE_TIMEOUT = Rule(
    CauseKind.IDLE_TIMEOUT,
    _idle_timeout,
    "Send a keepalive through this tunnel, such as a ping every 5 seconds from the customer side to a host in the "
    "VPC, or lengthen the idle time-out of the device.",
    "remedies.md#idle-time-out",
    (LOG_ENABLED, "logs", "maintenance"),
)
