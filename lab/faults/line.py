"""What happens on the line between AWS and the site: cut, or open for some packets only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lab.faults.base import START, Act, Fault, Remedy, Stage, both_down, first_down, first_up
from lab.laboratory import Plan
from lab.network import ROUTER, TUNNELS
from lab.options import child

_PATH = frozenset({"dead_peer_detection", "customer_gateway_unreachable"})
_BLOCKED = frozenset({"negotiation_blocked"})


def _cut(stage: Stage) -> None:
    stage.lab.internet.cut(1)


def _cut_both(stage: Stage) -> None:
    stage.lab.internet.cut()


def _restore(stage: Stage) -> None:
    stage.lab.internet.clear()


def _blocked(what: str) -> Act:
    """Block it, and let the device begin anew: an SA that exists does not need the ports of the negotiation."""

    def act(stage: Stage) -> None:
        stage.lab.internet.block(what, 1)
        ends = [(side, 1) for side in ROUTER]
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(stage.lab.end, ends))
            list(at_once.map(stage.lab.start, ends))

    return act


def _deaf(stage: Stage) -> None:
    """The device hears nothing on UDP 4500, tries once and gives up."""
    stage.lab.agent.initiates = "never"
    _blocked("udp-4500-from-aws")(stage)
    stage.lab.charons["site", 1].initiate(child(TUNNELS[1]))


def _hears_again(stage: Stage) -> None:
    _restore(stage)
    stage.lab.agent.initiates = "always"


def _only_blocked(what: str) -> Act:
    return lambda stage: stage.lab.internet.block(what, 1)


def _half_open(stage: Stage) -> bool:
    return stage.logged("deleting un-established") and first_down(stage)


def _silent(stage: Stage) -> bool:
    """Nothing passes any more, though dead peer detection does not mind."""
    return first_up(stage) and not stage.lab.ping() and stage.daemon_said(r"parsed INFORMATIONAL (request|response)")


_LINE_BACK = Remedy("Restore the line.", _restore)
_PORT_OPEN = Remedy("Let UDP 500, UDP 4500 and ESP through, both ways.", _restore)


def _dead_peer(name: str, words: str, action: str, seen: Callable[[Stage], object], **more: object) -> Fault:
    first = {"DpdTimeoutAction": action, **(START if action == "restart" else {})}
    second = START if action == "restart" else {}
    return Fault(
        name,
        words,
        act=_cut,
        plan=Plan(options={1: first, 2: second}, **more),  # type: ignore[arg-type]
        seen=seen,
        causes=_PATH,
        remedy=_LINE_BACK,
    )


FAULTS = (
    _dead_peer("line-cut-clear", "The line of one tunnel is cut; dead peer detection clears.", "clear", first_down),
    _dead_peer(
        "line-cut-restart",
        "The line of one tunnel is cut; dead peer detection restarts, and the device does not initiate.",
        "restart",
        first_down,
        initiates="never",
    ),
    Fault(
        "line-cut-none",
        "The line of one tunnel is cut; dead peer detection does nothing.",
        act=_cut,
        plan=Plan(routing="static", options={1: {"DpdTimeoutAction": "none"}}, device={1: {"ike": {"dpd_delay": 0}}}),
        seen=lambda stage: first_up(stage) and not stage.lab.ping(),
        causes=frozenset({"dead_peer_with_action_none"}),
        remedy=_LINE_BACK,
    ),
    Fault(
        "line-cut-for-both",
        "The line of the site is cut.",
        act=_cut_both,
        seen=both_down,
        causes=_PATH,
        remedy=_LINE_BACK,
    ),
    Fault(
        "udp-500-blocked",
        "A firewall drops UDP 500 in both directions.",
        act=_blocked("udp-500"),
        seen=first_down,
        causes=_BLOCKED | _PATH,
        remedy=_PORT_OPEN,
    ),
    Fault(
        "answers-on-udp-500-blocked",
        "A firewall drops AWS's answers on UDP 500.",
        act=_blocked("udp-500-from-aws"),
        seen=_half_open,
        causes=_BLOCKED,
        remedy=_PORT_OPEN,
    ),
    Fault(
        "udp-4500-blocked",
        "A firewall drops UDP 4500 in both directions.",
        act=_blocked("udp-4500"),
        seen=_half_open,
        causes=_BLOCKED,
        remedy=_PORT_OPEN,
    ),
    Fault(
        "answers-on-udp-4500-blocked",
        "A firewall drops what AWS sends on UDP 4500.",
        act=_deaf,
        seen=lambda stage: stage.logged("DPD timed out") and first_down(stage),
        causes=_BLOCKED | _PATH,
        remedy=Remedy(_PORT_OPEN.words, _hears_again),
    ),
    Fault(
        "esp-blocked",
        "A firewall drops ESP and lets IKE through; the session of BGP is in the tunnel.",
        act=_only_blocked("esp"),
        seen=lambda stage: stage.logged("Hold Timer Expired"),
        causes=frozenset({"bgp_down", "bgp_hold_timer"}),
        remedy=_PORT_OPEN,
    ),
    Fault(
        "esp-blocked-static",
        "A firewall drops ESP and lets IKE through; the tunnel has static routes.",
        act=_only_blocked("esp"),
        plan=Plan(routing="static"),
        seen=_silent,
        causes=frozenset(),
        remedy=_PORT_OPEN,
    ),
    Fault(
        "esp-from-aws-blocked",
        "ESP passes towards AWS only: a blackhole in one direction, with the SA up.",
        act=_only_blocked("esp-from-aws"),
        plan=Plan(routing="static"),
        seen=_silent,
        causes=frozenset(),
        remedy=_PORT_OPEN,
    ),
)
