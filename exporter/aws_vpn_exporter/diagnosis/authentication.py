"""The two sides do not accept who the other is: key, certificate or identity."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, Variant, hint, log
from aws_vpn_exporter.diagnosis.facts import AROUND, quoted
from aws_vpn_exporter.evidence import LogEventClass

_KEY = LogEventClass.PRE_SHARED_KEY_MISMATCH
_SAY = "causes.md#authentication"


def _key_refused(case: Case) -> Iterator[Fact]:
    """AWS logged a pre-shared key mismatch since the fall, or shortly before it."""
    yield from map(log, quoted(case.logged(_KEY, before=AROUND)))


def _authentication_refused(case: Case) -> Iterator[Fact]:
    """AWS logged AUTHENTICATION_FAILED since the fall, or shortly before it."""
    classes = (LogEventClass.AUTHENTICATION_FAILED, *((_KEY,) if case.tunnel.certificate_arn else ()))
    found = case.logged(*classes, before=AROUND)
    yield from map(log, quoted(found))
    if found and case.tunnel.certificate_arn:
        yield hint("The tunnel authenticates by certificate; it has no pre-shared key (telemetry).")
    elif found and behind_nat(case):
        yield hint("AWS sees the customer gateway behind NAT (VPN log).")


def behind_nat(case: Case) -> bool:
    """Whether AWS's log says that the customer gateway is behind NAT."""
    logs = case.evidence.logs
    if logs is None:
        return False
    return logs.nat is True or any(e.event is LogEventClass.NAT_TRAVERSAL for e in logs.latest)


def _which(case: Case) -> str:
    if case.tunnel.certificate_arn:
        return "certificate"
    return "identity behind NAT" if behind_nat(case) else ""


PRE_SHARED_KEY_MISMATCH = Rule(
    CauseKind.PRE_SHARED_KEY_MISMATCH,
    lambda case: case.ipsec_down and not case.tunnel.certificate_arn,
    (_key_refused,),
    "Enter the same pre-shared key on the device as at AWS, for this very tunnel: the two tunnels have one each.",
    _SAY,
    "user guide, Site-to-Site VPN log contents",
    variants=(
        Variant(
            "key in Secrets Manager",
            "Compare the device's key with the secret in Secrets Manager that the connection names, for this very "
            "tunnel, and correct the device.",
        ),
    ),
    variant=lambda case: "key in Secrets Manager" if case.connection.pre_shared_key_arn else "",
)

AUTHENTICATION_FAILED = Rule(
    CauseKind.AUTHENTICATION_FAILED,
    lambda case: case.ipsec_down,
    (_authentication_refused,),
    "The key is only one suspect: compare the pre-shared key of this very tunnel, and the identity that the device "
    "sends (its outside address as AWS knows it).",
    _SAY,
    "user guide, Site-to-Site VPN log contents; RFC 7296, 2.21.2",
    yields_to=frozenset({CauseKind.PRE_SHARED_KEY_MISMATCH}),
    variants=(
        Variant(
            "certificate",
            "Check the device's certificate: not expired, issued by the private CA that AWS trusts, with its whole "
            "chain, and its subject as the identity; and AWS's own certificate and CA on the device.",
        ),
        Variant(
            "identity behind NAT",
            "Let the device send as its identity the public address that the customer gateway has at AWS, not its "
            "private one; then compare the pre-shared key.",
        ),
    ),
    variant=_which,
    missing=lambda case: (
        ("Which of key and identity it is: the device's own log says so.",) if not _which(case) else ()
    ),
    turn_on=(LOG_ENABLED, "logs"),
)
