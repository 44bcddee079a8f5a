"""The one gate that every printed command goes through: a known fact stops a change that it contradicts.

A check either stops the change for good, takes an option out of it, or lets it wait. What it says is for a person.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from aws_vpn_exporter.diagnosis.case import Case, is_up
from aws_vpn_exporter.diagnosis.cause import Cause
from aws_vpn_exporter.diagnosis.change import ADD_ROUTE, INTERRUPTING, REPLACE, Change
from aws_vpn_exporter.diagnosis.facts import speaks_ikev1, speaks_ikev2
from aws_vpn_exporter.diagnosis.surroundings import ipsec_up
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.options import BY_NAME, OptionValue, text

_PATIENCE = 30 * 60.0
"""Seconds down after which a new endpoint is worth trying; until then the reason may still show, or pass."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What is left of a change: None where it is stopped. `advised` is False where it should wait."""

    change: Change | None
    advised: bool
    warnings: tuple[str, ...]


def passed(change: Change, cause: Cause | None, case: Case) -> Passed:
    """The change as far as it contradicts nothing that is known; without a cause it is against a risk."""
    stopped = [said for check in _STOPS if (said := check(change, cause, case))]
    if stopped:
        return Passed(None, False, tuple(stopped))
    left, remarks = _without_wrong_options(change, case)
    if change.options and not left.options:
        return Passed(None, False, remarks)
    waits = [said for check in _WAITS if (said := check(left, cause, case))]
    return Passed(left, not waits, (*waits, *_care(left, case), *remarks))


Check = Callable[[Change, Cause | None, Case], str]
"""Says why the change must not be made, or not yet; "" where it may."""


def _certificate(change: Change, cause: Cause | None, case: Case) -> str:
    if change.sets_key and case.tunnel.certificate_arn:
        return "The tunnel authenticates by certificate: there is no pre-shared key to set."
    if change.sets_key and case.connection.pre_shared_key_arn:
        return "The keys lie in Secrets Manager: compare the device's with the secret that the connection names."
    return ""


def _initiation(change: Change, cause: Cause | None, case: Case) -> str:
    """AWS initiates with IKEv2 only, and towards an address."""
    if change.options.get("StartupAction") != "start" and change.options.get("IkeVersions") != ("ikev2",):
        return ""
    if ikev1 := speaks_ikev1(case):
        return f"AWS initiates with IKEv2 only, and IKEv1 is in use: {ikev1}"
    gateway = case.evidence.customer_gateways
    if gateway and not gateway.address:
        return "AWS cannot initiate: the customer gateway has no IP address at AWS."
    return ""


def _route(change: Change, cause: Cause | None, case: Case) -> str:
    if change.operation != ADD_ROUTE:
        return ""
    if case.connection.routing != "static":
        return "The routes come over BGP: announce them from the customer gateway."
    kind, _ = case.connection.gateway
    if kind != "virtual private gateway":
        return f"The routes of a {kind or 'gateway of this kind'} are in its own route table: add them there."
    return ""


def _new_endpoint(change: Change, cause: Cause | None, case: Case) -> str:
    if change.operation != REPLACE:
        return ""
    if case.logged(LogEventClass.REKEY_COLLISION, before=300):
        return "A rekey collided: a new endpoint would not change that."
    if change.applies_pending and not (case.evidence.maintenance and case.evidence.maintenance.pending):
        return "No maintenance is pending."
    if case.changed is None or case.now - case.changed < _PATIENCE:
        return "It is too early for a new endpoint at AWS: look at the device's log first."
    return ""


def _not_in_service(change: Change, cause: Cause | None, case: Case) -> str:
    return "" if case.connection.in_service else "The connection is not in service."


_STOPS: tuple[Check, ...] = (_certificate, _initiation, _route, _new_endpoint, _not_in_service)


def _without_wrong_options(change: Change, case: Case) -> tuple[Change, tuple[str, ...]]:
    kept: dict[str, OptionValue] = {}
    remarks = []
    for name, value in change.options.items():
        said = _wrong(name, value, change, case)
        if said is None:
            kept[name] = value
        elif said:
            remarks.append(said)
    return replace(change, options=kept), tuple(remarks)


def _wrong(name: str, value: OptionValue, change: Change, case: Case) -> str | None:
    """Why the option is not to be set; None where it is."""
    option = BY_NAME[name]
    now = case.option(option.key)
    if value == now:
        return f"{option.key} is {text(now)} already."
    if name in change.from_file:
        return (
            f"{option.key} {text(value)} was only read in the device's file: change the device, or state the value in "
            "policies.customer_gateway once it is certain."
        )
    allowed = set(value) <= set(option.allowed) if isinstance(value, tuple) else value in option.allowed
    if not allowed:
        return f"AWS does not accept {option.key} {text(value)}: change the device."
    if _weaker(value, now):
        return f"{option.key} {text(value)} is weaker than what AWS permits now, {text(now)}: change the device."
    return None


_STRENGTH: Mapping[str, int] = {
    word: rank
    for kind in (
        ("ikev1", "ikev2"),
        ("SHA1", "SHA2-256", "SHA2-384", "SHA2-512"),
        ("AES128 AES128-GCM-16", "AES256 AES256-GCM-16"),
        ("2", "5 22", "14 23 24", "15 19", "16 17 18 20"),
    )
    for rank, words in enumerate(kind)
    for word in words.split()
}
"""Which algorithm is weaker than which of its kind; what is not listed is the strongest."""


def _weaker(value: OptionValue, now: OptionValue) -> bool:
    if not isinstance(value, tuple) or not isinstance(now, tuple) or not now:
        return False
    return min(_STRENGTH.get(word, 9) for word in value) < min(_STRENGTH.get(word, 9) for word in now)


def _being_modified(change: Change, cause: Cause | None, case: Case) -> str:
    modifying = case.connection.state is ConnectionState.MODIFYING
    return "Do not run this now: AWS is changing the connection already; wait for it." if modifying else ""


def _last_working_tunnel(change: Change, cause: Cause | None, case: Case) -> str:
    """A tunnel that is itself down loses nothing by a change."""
    if change.operation not in INTERRUPTING or case.ipsec_down:
        return ""
    if not case.others:
        return "Do not run this now: no other tunnel is known that could carry the traffic."
    not_up = [tunnel for tunnel in case.others if not is_up(tunnel)]
    return f"Do not run this now: the other tunnel {not_up[0].outside_ip} is not up." if not_up else ""


def _version_unknown(change: Change, cause: Cause | None, case: Case) -> str:
    unknown = change.options.get("IkeVersions") == ("ikev2",) and not speaks_ikev2(case)
    return "Do not run this now: it is not known whether the device speaks IKEv2; see that it does." if unknown else ""


def _contradicted(change: Change, cause: Cause | None, case: Case) -> str:
    return f"Do not run this now: this speaks against the cause: {cause.against[0]}" if cause and cause.against else ""


_WAITS: tuple[Check, ...] = (_being_modified, _last_working_tunnel, _version_unknown, _contradicted)


def _care(change: Change, case: Case) -> Iterator[str]:
    if change.operation not in INTERRUPTING:
        return
    up = [tunnel.outside_ip for tunnel in case.others if is_up(tunnel)]
    if up:
        yield f"The other tunnel {up[0]} was up when AWS last answered: see that it still is."
    elif not any(map(ipsec_up, (case.tunnel, *case.others))):
        yield "No tunnel is up: bring one up from the device first. As this one is down, a change costs nothing."
    yield (
        "The tunnel is down for some minutes while AWS changes it. Change one tunnel at a time, and go on to the next "
        "only when this one is up again."
    )
