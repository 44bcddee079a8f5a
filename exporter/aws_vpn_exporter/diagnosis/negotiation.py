"""The two sides do not agree: lifetimes, algorithms, or the pre-shared key."""

from aws_vpn_exporter.diagnosis.case import CUSTOMER_GATEWAY, LOG_ENABLED, Case, is_up
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import (
    DPD_AROUND,
    explained_otherwise,
    logged,
)
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.options import text
from aws_vpn_exporter.policy import OptionSides


def _rekey_mismatch(case: Case) -> Judgement | None:
    if not case.ipsec_down:
        return None
    refused = case.log(LogEventClass.NO_PROPOSAL_MATCH, before=DPD_AROUND, after=None)
    differences = case.differences()
    if not refused and not differences:
        return None
    facts = [*logged(refused), *map(_difference, differences)]
    well = [t for t in case.others if is_up(t) and case.differences(t) == differences]
    if not refused and well:
        facts.append(f"Tunnel {well[0].outside_ip} has the same difference and is up.")
    weak = not refused and (well or explained_otherwise(case))
    return Judgement(Confidence.POSSIBLE if weak else Confidence.LIKELY, tuple(facts))


def _difference(sides: OptionSides) -> str:
    at_aws, at_gateway = text(sides.at_aws), sides.at_gateway_text
    return f"The option {sides.option.key} is {at_aws} at AWS and {at_gateway} at the customer gateway (policy)."


def _pre_shared_key_mismatch(case: Case) -> Judgement | None:
    refused = case.log(LogEventClass.PRE_SHARED_KEY_MISMATCH, before=DPD_AROUND, after=None)
    return Judgement(Confidence.LIKELY, logged(refused)) if case.ipsec_down and refused else None


REKEY_MISMATCH = Rule(
    CauseKind.REKEY_MISMATCH,
    _rekey_mismatch,
    "Make lifetimes, algorithms, Diffie-Hellman groups and IKE version equal on both sides, and let UDP 500, UDP "
    "4500 and IP protocol 50 pass.",
    "remedies.md#rekey-mismatch",
    (CUSTOMER_GATEWAY, LOG_ENABLED, "logs", "negotiated"),
)

PRE_SHARED_KEY_MISMATCH = Rule(
    CauseKind.PRE_SHARED_KEY_MISMATCH,
    _pre_shared_key_mismatch,
    "Enter the same pre-shared key on the device as at AWS, for this very tunnel: the two tunnels have one each.",
    "remedies.md#which-one-is-it",
)
