"""The probable causes of a case, best supported first.

Pure: no clock, no call to AWS. Two principles hold for every rule. Absence of evidence is not evidence: a source that
is off, silent or too old says nothing. And nothing is certain: a cause is likely or possible.
"""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.authentication import AUTHENTICATION_FAILED, PRE_SHARED_KEY_MISMATCH
from aws_vpn_exporter.diagnosis.aws_side import (
    ENDPOINT_REPLACEMENT,
    OPTIONS_CHANGED,
    SHARED_EVENT,
    WILL_NOT_RECOVER_ALONE,
)
from aws_vpn_exporter.diagnosis.case import CUSTOMER_GATEWAY, LOG_ENABLED, TURN_ON, Case
from aws_vpn_exporter.diagnosis.cause import Cause, CauseKind, Fact, Finding, Rule, hint, judged, without_symptoms
from aws_vpn_exporter.diagnosis.data_plane import DATA_PLANE_DEAD
from aws_vpn_exporter.diagnosis.facts import message, quoted
from aws_vpn_exporter.diagnosis.idle import IDLE_TIMEOUT
from aws_vpn_exporter.diagnosis.negotiation import (
    NEGOTIATION_BLOCKED,
    REKEY_COLLISION,
    REKEY_MISMATCH,
    TRAFFIC_SELECTORS,
)
from aws_vpn_exporter.diagnosis.never_up import NEVER_UP
from aws_vpn_exporter.diagnosis.peer import (
    CLOSED_BY_CUSTOMER_GATEWAY,
    CUSTOMER_GATEWAY_UNREACHABLE,
    DEAD_PEER_DETECTION,
    DEAD_PEER_WITH_ACTION_NONE,
)
from aws_vpn_exporter.diagnosis.routing import BGP_DOWN, NO_ROUTES, NOT_ATTACHED
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.wording import moment

RULES: tuple[Rule, ...] = (
    NOT_ATTACHED,
    PRE_SHARED_KEY_MISMATCH,
    AUTHENTICATION_FAILED,
    TRAFFIC_SELECTORS,
    IDLE_TIMEOUT,
    REKEY_MISMATCH,
    NEGOTIATION_BLOCKED,
    DEAD_PEER_DETECTION,
    CLOSED_BY_CUSTOMER_GATEWAY,
    REKEY_COLLISION,
    BGP_DOWN,
    NO_ROUTES,
    OPTIONS_CHANGED,
    ENDPOINT_REPLACEMENT,
    SHARED_EVENT,
    NEVER_UP,
    CUSTOMER_GATEWAY_UNREACHABLE,
    DEAD_PEER_WITH_ACTION_NONE,
    DATA_PLANE_DEAD,
    WILL_NOT_RECOVER_ALONE,
)
"""In the order in which equally well supported causes are given."""


def _what_aws_says(case: Case) -> Iterator[Fact]:
    """AWS reports the tunnel down, and nothing says why."""
    since = f" since {moment(case.changed)}" if case.changed is not None else ""
    reason = f' with the message "{message(case)}"' if message(case) else " and gives no reason"
    yield hint(f"AWS reports the tunnel {'DOWN' if case.not_up else 'UP'}{since}{reason} (telemetry).")
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "failed":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        yield hint(f"AWS failed to set the tunnel up{reason} (provisioning status).")
    yield from map(hint, quoted(case.logged(*LogEventClass, before=0.0)[-1:]))


UNKNOWN = Rule(
    CauseKind.UNKNOWN,
    lambda case: True,
    (_what_aws_says,),
    "The evidence at hand does not say why the tunnel fell: look at the device's own log, and turn on what is named.",
    "remedies.md#which-one-is-it",
    "",
    turn_on=(LOG_ENABLED, "logs", "maintenance", "traffic", "changes", CUSTOMER_GATEWAY),
)


def causes(case: Case) -> tuple[Cause, ...]:
    """The probable causes, the best supported first; nothing for a tunnel that is well or of which AWS says nothing."""
    if not case.connection.in_service or case.state is None:
        return ()
    found = without_symptoms(finding for rule in RULES if (finding := judged(rule, case)))
    ill = case.not_up or case.carries_nothing
    if ill and not any(finding.rule.explains_fall for finding in found):
        found.append(Finding(UNKNOWN, tuple(_what_aws_says(case))))
    return tuple(finding.cause(case, TURN_ON) for finding in sorted(found, key=_rank))


def _rank(finding: Finding) -> tuple[object, ...]:
    """Likely before possible, then causes of the fall, then what nothing contradicts, then what is more direct."""
    order = RULES.index(finding.rule) if finding.rule in RULES else len(RULES)
    stays_down_only = not finding.rule.explains_fall
    contradicted = bool(finding.against or finding.symptom_of)
    return not finding.likely, finding.rule is UNKNOWN, stays_down_only, contradicted, -finding.directness, order
