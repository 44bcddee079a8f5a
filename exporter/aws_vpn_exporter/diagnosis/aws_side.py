"""AWS changed the tunnel's endpoint, or waits for the customer gateway to initiate."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import replaced
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.options import text
from aws_vpn_exporter.wording import age, moment

_GIVEN_TIME = 10 * 60.0
"""Seconds down after which nobody seems to bring the tunnel up."""


def _endpoint_replacement(case: Case) -> Judgement | None:
    if not case.not_up:
        return None
    if case.connection.state is ConnectionState.MODIFYING:
        fact = "AWS is changing the connection now; a tunnel is down for some minutes meanwhile (state modifying)."
        return Judgement(Confidence.LIKELY, (fact,))
    if replaced(case):
        return Judgement(Confidence.LIKELY, tuple(_replacement_facts(case)))
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "pending":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        return Judgement(Confidence.POSSIBLE, (f"AWS is still setting the tunnel up{reason} (provisioning status).",))
    return None


def _replacement_facts(case: Case) -> Iterator[str]:
    maintenance = case.evidence.maintenance
    if maintenance and maintenance.last_applied is not None and case.changed is not None:
        yield (
            f"AWS applied maintenance to the tunnel at {moment(maintenance.last_applied)}, and its status changed at "
            f"{moment(case.changed)} (replacement status)."
        )


def _will_not_recover_alone(case: Case) -> Judgement | None:
    changed = case.changed
    if not case.ipsec_down or changed is None or case.now - changed < _GIVEN_TIME:
        return None
    startup, versions = case.option("startup_action"), case.option("ike_versions")
    if startup == "start" and versions == ("ikev2",):
        return None
    facts = (
        f"The tunnel has been down for {age(case.now - changed)} (telemetry).",
        f"AWS initiates on its own with startup_action start and ikev2 only; here they are {text(startup)} and "
        f"{text(versions)} (tunnel options).",
    )
    return Judgement(Confidence.LIKELY if replaced(case) else Confidence.POSSIBLE, facts)


ENDPOINT_REPLACEMENT = Rule(
    CauseKind.ENDPOINT_REPLACEMENT,
    _endpoint_replacement,
    "Wait some minutes; if the tunnel stays down, initiate it from the device, and let AWS initiate in future.",
    "remedies.md#let-aws-bring-the-tunnel-up",
    ("maintenance",),
)

WILL_NOT_RECOVER_ALONE = Rule(
    CauseKind.WILL_NOT_RECOVER_ALONE,
    _will_not_recover_alone,
    "Initiate the tunnel from the device now; for good, allow IKEv2 only and set the startup action to start.",
    "remedies.md#let-aws-bring-the-tunnel-up",
    explains_fall=False,
)
