"""The two sides do not come to an agreement: proposals, traffic selectors, collisions, or packets that do not pass."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.authentication import behind_nat
from aws_vpn_exporter.diagnosis.case import CUSTOMER_GATEWAY, LOG_ENABLED, Case, is_up
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, Variant, hint, inference, log
from aws_vpn_exporter.diagnosis.facts import (
    AROUND,
    REKEY_BEFORE,
    aws_initiates,
    dead_peer,
    fell_together,
    quoted,
    replaced,
)
from aws_vpn_exporter.differences import Harm
from aws_vpn_exporter.evidence import LogEvent, LogEventClass
from aws_vpn_exporter.options import text
from aws_vpn_exporter.policy import OptionSides

_LOGGED = "user guide, Site-to-Site VPN log contents"
_COLLIDED = 120.0
"""Seconds before the fall within which a collision can be its reason; most collisions do no harm."""


def _refused(case: Case) -> tuple[LogEvent, ...]:
    return case.logged(LogEventClass.NO_PROPOSAL_MATCH, before=REKEY_BEFORE)


def _proposals_refused(case: Case) -> Iterator[Fact]:
    """AWS logged that no proposal matched, since the fall or within a phase 2 lifetime before it."""
    yield from map(log, quoted(_refused(case)))


def _phase2_failed(case: Case) -> Iterator[Fact]:
    """AWS logged that phase 2 could not be established, without saying why."""
    if not _refused(case) and not _selectors(case):
        yield from map(hint, quoted(case.logged(LogEventClass.PHASE2_FAILED, before=REKEY_BEFORE)))


def _differences(case: Case) -> Iterator[Fact]:
    """Options as a policy states them leave nothing to agree on; a partial overlap is only a hint.

    Differences that do no harm are shown only beside a refusal that AWS logged.
    """
    least = Harm.HARMLESS if _refused(case) else Harm.DOUBTFUL
    for sides in case.differences(least=least):
        sure = sides.difference.harm is Harm.HARMFUL and sides.option.is_set
        yield inference(_difference(sides)) if sure else hint(_difference(sides))


def _difference(sides: OptionSides) -> str:
    at_aws, at_gateway = text(sides.at_aws), sides.at_gateway_text
    said_by = "device file" if sides.from_file else "policy"
    return (
        f"The option {sides.option.key} is {at_aws} at AWS and {at_gateway} at the customer gateway: "
        f"{sides.difference.why.rstrip('.')} ({said_by})."
    )


def _no_time_between_rekeys(case: Case) -> Iterator[Fact]:
    """Rekey margin and fuzz at AWS leave no time between two rekeys."""
    margin, fuzz, lifetime = (
        case.option(key) for key in ("rekey_margin_time_seconds", "rekey_fuzz_percentage", "phase2_lifetime_seconds")
    )
    numbers = isinstance(margin, int) and isinstance(fuzz, int) and isinstance(lifetime, int)
    if numbers and margin * (100 + fuzz) >= lifetime * 100:  # type: ignore[operator]
        yield hint(
            f"With a rekey margin of {margin} s and a fuzz of {fuzz} % AWS may renew the keys at any time within the "
            f"phase 2 lifetime of {lifetime} s (tunnel options)."
        )


def _same_on_a_tunnel_that_is_up(case: Case) -> Iterator[Fact]:
    """The other tunnel has the same differences and is up."""
    differences = case.differences()
    well = [t for t in case.others if differences and is_up(t) and case.differences(t) == differences]
    yield from (inference(f"Tunnel {t.outside_ip} has the same difference and is up (telemetry).") for t in well[:1])


def _agreed_otherwise(case: Case) -> Iterator[Fact]:
    """The two sides agreed on a value that the policy does not state: it may be out of date."""
    for sides in case.differences(least=Harm.HARMFUL):
        member = _AGREED.get(sides.option.name, "")
        agreed = {getattr(e.negotiated, member).lower() for e in case.evidences if member and e.negotiated} - {""}
        stated = sides.at_gateway if isinstance(sides.at_gateway, tuple) else ()
        if agreed and not agreed & {word.lower() for word in stated}:
            yield inference(
                f"The two sides agreed on {', '.join(sorted(agreed))} for {sides.option.key}, which the customer "
                "gateway is not stated to have (negotiated values)."
            )


_AGREED = {
    "IkeVersions": "ike_version",
    **{
        f"Phase{phase}{option}": f"phase{phase}_{member}"
        for phase in (1, 2)
        for option, member in (
            ("EncryptionAlgorithms", "encryption"),
            ("IntegrityAlgorithms", "integrity"),
            ("DHGroupNumbers", "dh_group"),
        )
    },
}
"""An option, and the member of Negotiated that holds what the two sides agreed on."""


def _explained_otherwise(case: Case) -> Iterator[Fact]:
    """A dead peer, an endpoint that AWS replaced, or a common fall explains it without a mismatch."""
    yield from map(inference, quoted(dead_peer(case)[-1:]))
    if replaced(case):
        yield inference("AWS applied maintenance just before the fall (replacement status).")
    for tunnel in fell_together(case)[:1]:
        yield inference(f"Tunnel {tunnel.outside_ip} fell at the same time (telemetry).")


def _came_further(case: Case) -> Iterator[Fact]:
    """AWS's log shows the negotiation come further since: to keys, identities or traffic selectors."""
    last = max((e.time for e in _refused(case)), default=None)
    classes = (
        LogEventClass.PRE_SHARED_KEY_MISMATCH,
        LogEventClass.AUTHENTICATION_FAILED,
        LogEventClass.TRAFFIC_SELECTORS,
    )
    further = [e for e in case.logged(*classes, before=AROUND) if last is None or e.time > last]
    yield from (log(f"The proposals were accepted: {said}") for said in quoted(further[-1:]))


def _dead_long_after(case: Case) -> Iterator[Fact]:
    """The last refusal was long before the fall, and at the fall AWS logged a dead peer."""
    refusals = (*_refused(case), *_selectors(case))
    dead = dead_peer(case)
    if refusals and dead and max(event.time for event in refusals) < dead[0].time - AROUND:
        yield from map(log, quoted(dead[-1:]))


def _selectors(case: Case) -> tuple[LogEvent, ...]:
    return case.logged(LogEventClass.TRAFFIC_SELECTORS, before=REKEY_BEFORE)


def _phase2_failed_without_a_refusal(case: Case) -> Iterator[Fact]:
    """AWS logged that phase 2 could not be established, and no refused proposal beside it.

    An inference where AWS's side of the selectors is narrowed to certain networks, else a hint.
    """
    found = tuple(quoted(case.logged(LogEventClass.PHASE2_FAILED, before=REKEY_BEFORE)))
    if not found or _refused(case):
        return
    yield from map(hint, found)
    networks = " and ".join(case.connection.networks)
    if networks:
        yield inference(f"AWS wants these networks through the tunnel and no others: {networks} (connection options).")


def _phase2_differs(case: Case) -> Iterator[Fact]:
    """Options of phase 2, as a policy states them, leave nothing to agree on."""
    for sides in case.differences(least=Harm.HARMFUL):
        if sides.option.name.startswith("Phase2") and sides.option.is_set:
            yield inference(_difference(sides))


def _selectors_refused(case: Case) -> Iterator[Fact]:
    """AWS logged TS_UNACCEPTABLE since the fall, or within a phase 2 lifetime before it."""
    yield from map(log, quoted(_selectors(case)))


def _collision(case: Case) -> Iterator[Fact]:
    """AWS logged a rekey collision within 2 minutes before the fall."""
    yield from map(log, quoted(case.logged(LogEventClass.REKEY_COLLISION, before=_COLLIDED, after=60)))


def _half_open(case: Case) -> Iterator[Fact]:
    """AWS gave up half-open negotiations that the customer gateway had begun."""
    found = tuple(quoted(case.logged(LogEventClass.HALF_OPEN, before=AROUND)))
    if not found:
        return
    if not aws_initiates(case):
        yield from map(log, found)
        yield hint(
            "The customer gateway's packets arrive, for AWS does not initiate this tunnel (startup_action is add)."
        )
    elif any(map(is_up, case.others)):
        yield from map(hint, found)
        yield hint("AWS initiates this tunnel and gets no answer, while another tunnel to the same device is up.")


_NEGOTIATION = frozenset(
    {
        CauseKind.PRE_SHARED_KEY_MISMATCH,
        CauseKind.AUTHENTICATION_FAILED,
        CauseKind.REKEY_MISMATCH,
        CauseKind.TRAFFIC_SELECTORS,
    }
)

REKEY_MISMATCH = Rule(
    CauseKind.REKEY_MISMATCH,
    lambda case: case.ipsec_down,
    (_proposals_refused, _phase2_failed, _differences, _no_time_between_rekeys),
    "Make algorithms, Diffie-Hellman groups and IKE version overlap on both sides, and lifetimes fit; see that UDP 500 "
    "and 4500 and IP protocol 50 pass.",
    "remedies.md#rekey-mismatch",
    "Security Hub EC2.20; user guide, Tunnel options; RFC 7296, 2.8",
    refutes=(_same_on_a_tunnel_that_is_up, _agreed_otherwise, _explained_otherwise, _came_further, _dead_long_after),
    turn_on=(CUSTOMER_GATEWAY, LOG_ENABLED, "logs", "negotiated"),
)

TRAFFIC_SELECTORS = Rule(
    CauseKind.TRAFFIC_SELECTORS,
    lambda case: case.ipsec_down,
    (_selectors_refused, _phase2_failed_without_a_refusal),
    "The device asks for other networks than AWS has: let it propose one pair, 0.0.0.0/0 on both sides (route-based), "
    "or exactly the connection's local and remote network ranges.",
    "causes.md#traffic-selectors",
    _LOGGED + "; AWS is route-based: one pair of associations a tunnel",
    refutes=(_phase2_differs, _dead_long_after),
)

NEGOTIATION_BLOCKED = Rule(
    CauseKind.NEGOTIATION_BLOCKED,
    lambda case: case.ipsec_down,
    (_half_open,),
    "The device's packets reach AWS, but not all that follows: let UDP 500 and UDP 4500 pass both ways between the two "
    "outside addresses, on every firewall and NAT between.",
    "causes.md#ports",
    _LOGGED,
    yields_to=_NEGOTIATION,
    variants=(
        Variant(
            "UDP 4500",
            "Behind NAT the negotiation moves to UDP 4500: let it pass both ways, and see that NAT traversal is on at "
            "the device.",
        ),
    ),
    variant=lambda case: "UDP 4500" if behind_nat(case) else "",
)

REKEY_COLLISION = Rule(
    CauseKind.REKEY_COLLISION,
    lambda case: case.ipsec_down,
    (_collision,),
    "Let one side renew the keys clearly first: give the device shorter lifetimes than AWS (28,000 and 3,000 seconds "
    "are usual), and initiate the tunnel from the device.",
    "remedies.md#rekey-mismatch",
    _LOGGED + "; RFC 7296, 2.8.1",
    yields_to=_NEGOTIATION
    | {CauseKind.DEAD_PEER_DETECTION, CauseKind.ENDPOINT_REPLACEMENT, CauseKind.CUSTOMER_GATEWAY_UNREACHABLE},
)
