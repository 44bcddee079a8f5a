"""The customer gateway does not answer."""

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case, is_up
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import DPD_AROUND, TOGETHER, dead_peer, fell_together, logged, replaced
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.options import text
from aws_vpn_exporter.wording import age


def _dead_peer_detection(case: Case) -> Judgement | None:
    dead = dead_peer(case)
    if not case.ipsec_down or not dead:
        return None
    action = case.option("dpd_timeout_action")
    then = {
        "clear": "AWS then ended the session and waits for the customer gateway",
        "restart": "AWS then negotiates anew",
        "none": "AWS then does nothing",
    }.get(text(action), "AWS follows the option")
    facts = (*logged(dead), f"{then} (dpd_timeout_action is {text(action)}).")
    return Judgement(Confidence.POSSIBLE if replaced(case) or fell_together(case) else Confidence.LIKELY, facts)


def _customer_gateway_unreachable(case: Case) -> Judgement | None:
    if not case.ipsec_down or any(map(is_up, case.others)):
        return None  # one tunnel up: the gateway is there
    together = fell_together(case)
    silent = case.log(LogEventClass.PEER_UNRESPONSIVE, before=-DPD_AROUND, after=None)
    if not together and not silent:
        return None
    facts = [f"Tunnel {t.outside_ip} fell within {age(TOGETHER)} of this one (telemetry)." for t in together]
    if silent:
        facts += [*logged(silent), "It still does not answer, minutes after the fall."]
    by_aws = case.connection.state is ConnectionState.MODIFYING or replaced(case)
    return Judgement(Confidence.LIKELY if together and not by_aws else Confidence.POSSIBLE, tuple(facts))


DEAD_PEER_DETECTION = Rule(
    CauseKind.DEAD_PEER_DETECTION,
    _dead_peer_detection,
    "Find out why the device did not answer (its load, its internet line, a firewall or NAT between), and set the "
    "time-out action to restart so that AWS tries again.",
    "remedies.md#dead-peer-detection",
    ("traffic", "maintenance"),
)

CUSTOMER_GATEWAY_UNREACHABLE = Rule(
    CauseKind.CUSTOMER_GATEWAY_UNREACHABLE,
    _customer_gateway_unreachable,
    "Look at the site first: power, internet access, firewall and the device itself.",
    "AwsVpnConnectionDown.md#diagnosis",
    (LOG_ENABLED, "logs", "maintenance"),
)
