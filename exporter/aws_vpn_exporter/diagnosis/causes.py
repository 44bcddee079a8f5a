"""The probable causes of a case, best supported first.

Pure: no clock, no call to AWS. Two principles hold for every rule. Absence of evidence is not evidence: a source that
is off, silent or too old says nothing. And nothing is certain: a cause is likely or possible.
"""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.aws_side import ENDPOINT_REPLACEMENT, WILL_NOT_RECOVER_ALONE
from aws_vpn_exporter.diagnosis.case import CUSTOMER_GATEWAY, LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import Cause, CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import logged, message
from aws_vpn_exporter.diagnosis.idle import IDLE_TIMEOUT
from aws_vpn_exporter.diagnosis.negotiation import PRE_SHARED_KEY_MISMATCH, REKEY_MISMATCH
from aws_vpn_exporter.diagnosis.peer import CUSTOMER_GATEWAY_UNREACHABLE, DEAD_PEER_DETECTION
from aws_vpn_exporter.diagnosis.routing import BGP_DOWN, NO_ROUTES
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.wording import moment

RULES: tuple[Rule, ...] = (
    IDLE_TIMEOUT,
    REKEY_MISMATCH,
    DEAD_PEER_DETECTION,
    PRE_SHARED_KEY_MISMATCH,
    BGP_DOWN,
    NO_ROUTES,
    ENDPOINT_REPLACEMENT,
    CUSTOMER_GATEWAY_UNREACHABLE,
    WILL_NOT_RECOVER_ALONE,
)
"""The order of causes with the same confidence: the three that Security Hub's control EC2.20 names come first."""

_UNKNOWN = Rule(
    CauseKind.UNKNOWN,
    lambda case: None,
    "The evidence at hand does not say why the tunnel fell: look at the device's own log, and turn on what is named.",
    "remedies.md#which-one-is-it",
    (LOG_ENABLED, "logs", "maintenance", "traffic", CUSTOMER_GATEWAY),
)


def causes(case: Case) -> tuple[Cause, ...]:
    """The probable causes, the best supported first; none for a tunnel that is up with routes, or without telemetry."""
    if not case.connection.in_service or case.state is None or not (case.not_up or case.carries_nothing):
        return ()
    found = [(rule, judgement) for rule in RULES if (judgement := rule.judge(case))]
    if not any(rule.explains_fall for rule, _ in found):
        found.append((_UNKNOWN, Judgement(Confidence.POSSIBLE, tuple(_what_aws_says(case)))))
    found.sort(key=lambda item: item[1].confidence is Confidence.POSSIBLE)  # stable: the table's order within each
    return tuple(
        Cause(
            rule.kind,
            judgement.confidence,
            judgement.facts,
            rule.remedy,
            rule.runbook,
            case.not_turned_on(rule.turn_on),
        )
        for rule, judgement in found
    )


def _what_aws_says(case: Case) -> Iterator[str]:
    since = f" since {moment(case.changed)}" if case.changed is not None else ""
    reason = f' with the message "{message(case)}"' if message(case) else " and gives no reason"
    yield f"AWS reports the tunnel DOWN{since}{reason} (telemetry)."
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "failed":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        yield f"AWS failed to set the tunnel up{reason} (provisioning status)."
    yield from logged(case.log(*LogEventClass, before=0.0, after=None)[-1:])
