"""What AWS did, or somebody through AWS: replaced an endpoint, changed options; and what a whole region shares."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, Variant, hint, inference, log, state
from aws_vpn_exporter.diagnosis.facts import (
    CLOCKS_DIFFER,
    aws_initiates,
    established_between,
    gateway_talks,
    maintained,
    quoted,
    replaced,
    signs_of_life,
    speaks_ikev1,
)
from aws_vpn_exporter.diagnosis.surroundings import SEVERAL, ipsec_up
from aws_vpn_exporter.evidence import Change
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.options import text
from aws_vpn_exporter.wording import age, moment

_GIVEN_TIME = 10 * 60.0
"""Seconds down after which nobody seems to bring the tunnel up."""
_A_CHANGE_TAKES = 20 * 60.0
"""Seconds within which a tunnel falls, and comes back, while AWS changes it."""
_A_DAY = 86400.0
"""Seconds after which stamps that lie together may as well be those of a common creation."""


CREATED = "CreateVpnConnection"
_ROUTES = "VpnConnectionRoute"


def changes_before_the_fall(case: Case, *events: str) -> tuple[Change, ...]:
    """Changes of the tunnel, or of the whole connection, shortly before it fell; names begin with one of `events`.

    A change of routes is none of the connection, and has to be asked for by its whole name.
    """
    if case.evidence.changes is None or case.changed is None:
        return ()
    first, last = case.changed - _A_CHANGE_TAKES, case.changed + CLOCKS_DIFFER
    return tuple(
        change
        for change in case.evidence.changes.known
        if change.event.startswith(events)
        and (not change.event.endswith(_ROUTES) or change.event in events)
        and first <= change.time <= last
        and change.tunnel_ip in ("", case.tunnel.outside_ip)
    )


def told(change: Change) -> str:
    """The change as a sentence."""
    options = f" ({', '.join(change.options)})" if change.options else ""
    where = f" of tunnel {change.tunnel_ip}" if change.tunnel_ip else ""
    return f"{change.event}{where}{options} was called by {change.actor} at {moment(change.time)} (CloudTrail)."


def _being_modified(case: Case) -> Iterator[Fact]:
    """AWS is changing the connection (state `modifying`), and the tunnel fell since."""
    if case.connection.state is ConnectionState.MODIFYING:
        fact = "AWS is changing the connection now; a tunnel is down for some minutes meanwhile (state modifying)."
        recent = case.changed is None or case.now - case.changed <= _A_CHANGE_TAKES
        yield state(fact) if recent else hint(fact)


def _maintenance(case: Case) -> Iterator[Fact]:
    """AWS applied maintenance to the tunnel within 15 minutes before it fell."""
    applied = maintained(case)
    if applied is not None and case.changed is not None:
        yield state(
            f"AWS applied maintenance to the tunnel at {moment(applied)}, and its status changed at "
            f"{moment(case.changed)} (replacement status)."
        )


def _replaced_by_somebody(case: Case) -> Iterator[Fact]:
    """Somebody called ReplaceVpnTunnel within 20 minutes before it fell."""
    yield from (state(told(change)) for change in changes_before_the_fall(case, "ReplaceVpnTunnel"))


def _being_set_up(case: Case) -> Iterator[Fact]:
    """AWS says that it is still setting the tunnel up (provisioning status `pending`)."""
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "pending":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        yield hint(f"AWS is still setting the tunnel up{reason} (provisioning status).")


def _up_again_in_between(case: Case) -> Iterator[Fact]:
    """AWS's log shows the tunnel up between the maintenance, or the change, and its fall."""
    begin = maintained(case)
    changes = changes_before_the_fall(case, "")
    begin = max([change.time for change in changes] + ([] if begin is None else [begin]), default=None)
    if begin is not None and (lines := established_between(case, begin)):
        yield from (log(f"It was up again since: {said}") for said in quoted(lines[-1:]))


def _options_changed(case: Case) -> Iterator[Fact]:
    """Somebody changed options of the tunnel or the connection within 20 minutes before it fell."""
    yield from (state(told(change)) for change in changes_before_the_fall(case, "ModifyVpn"))


def _many_at_once(case: Case) -> Iterator[Fact]:
    """Tunnels of several customer gateways in the same region fell within 3 minutes of this one."""
    around = case.surroundings
    if not around.fell_together:
        return
    many = around.fell_together >= SEVERAL
    fact = (
        f"Tunnels of {around.fell_together} other customer gateway{'s' if many else ''} fell within 3m of this one; "
        f"what they share is the {around.shared} (telemetry)."
    )
    connected = around.of_them_connected or any(map(ipsec_up, case.others))
    recent = case.changed is not None and case.now - case.changed < _A_DAY
    known_to_be_in_use = (connected and recent) or any(signs_of_life(case))
    yield inference(fact) if many and known_to_be_in_use else hint(fact)


def _talks(case: Case) -> Iterator[Fact]:
    """AWS's log shows the customer gateway talking since the fall."""
    yield from map(log, gateway_talks(case))


def _replaced(case: Case) -> Iterator[Fact]:
    """AWS replaced the endpoint of this very tunnel just before it fell."""
    yield from (fact for fact in _maintenance(case) if replaced(case))


def _seen_never_up(case: Case) -> Iterator[Fact]:
    """The exporter saw the connection appear, and the tunnel was never up since."""
    memory = case.memories.get(case.tunnel.outside_ip)
    if memory and memory.appeared and not memory.ever_up:
        yield state(f"The connection appeared at {moment(memory.first_seen)}, and the tunnel has never been up since.")


def _nobody_initiates(case: Case) -> Iterator[Fact]:
    """The tunnel has been down for 10 minutes, and AWS does not initiate it."""
    changed = case.changed
    startup, versions = case.option("startup_action"), case.option("ike_versions")
    restarts = case.option("dpd_timeout_action") == "restart" and not replaced(case)
    if changed is None or case.now - changed < _GIVEN_TIME or restarts:
        return
    if aws_initiates(case) and versions == ("ikev2",):
        return
    down = f"The tunnel has been down for {age(case.now - changed)} (telemetry)."
    yield state(down) if replaced(case) else hint(down)
    yield hint(
        f"AWS initiates on its own with startup_action start and ikev2 only; here they are {text(startup)} and "
        f"{text(versions)} (tunnel options)."
    )


ENDPOINT_REPLACEMENT = Rule(
    CauseKind.ENDPOINT_REPLACEMENT,
    lambda case: case.not_up,
    (_being_modified, _maintenance, _replaced_by_somebody, _being_set_up),
    "Wait some minutes; if the tunnel stays down, initiate it from the device, and let AWS initiate in future.",
    "remedies.md#let-aws-bring-the-tunnel-up",
    "user guide, Tunnel endpoint replacements",
    refutes=(_up_again_in_between,),
    turn_on=("maintenance",),
)

OPTIONS_CHANGED = Rule(
    CauseKind.OPTIONS_CHANGED,
    lambda case: case.not_up,
    (_options_changed,),
    "A change interrupts the tunnel for some minutes. If it stays down, ask who made the change whether the device was "
    "changed with it, and take the change back or follow it on the device.",
    "remedies.md#change-tunnel-options",
    "user guide, Modify tunnel options; CloudTrail",
    refutes=(_up_again_in_between,),
    turn_on=("changes",),
)

SHARED_EVENT = Rule(
    CauseKind.SHARED_EVENT,
    lambda case: case.ipsec_down,
    (_many_at_once,),
    "Look at what the sites share before any site itself: the AWS Health Dashboard for the region, the transit "
    "gateway, the provider or data centre in common.",
    "causes.md#several-sites-at-once",
    "inference: separate sites do not fail in the same minutes",
    refutes=(_talks, _seen_never_up, _replaced),
    turn_on=(LOG_ENABLED, "logs"),
)

WILL_NOT_RECOVER_ALONE = Rule(
    CauseKind.WILL_NOT_RECOVER_ALONE,
    lambda case: case.ipsec_down,
    (_nobody_initiates,),
    "Initiate the tunnel from the device now; for good, allow IKEv2 only and set the startup action to start.",
    "remedies.md#let-aws-bring-the-tunnel-up",
    "user guide, Tunnel initiation",
    variants=(
        Variant(
            "IKEv1",
            "Initiate the tunnel from the device: with IKEv1 AWS never does. To have AWS initiate, the device has to "
            "move to IKEv2 first.",
        ),
    ),
    variant=lambda case: "IKEv1" if speaks_ikev1(case) else "",
    explains_fall=False,
)
