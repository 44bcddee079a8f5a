"""What goes wrong in BGP while IPsec is up."""

from typing import Any

from lab.bird import USUAL
from lab.faults.base import Act, Fault, Remedy, Seen, Stage, first_down
from lab.network import SITE_AS

_MANY = tuple(f"10.60.{number}.0/24" for number in range(120))


def _site(**changes: Any) -> Act:
    return lambda stage: stage.lab.set_routing("site", **changes)


def _shut(stage: Stage) -> None:
    stage.lab.birds["site"].shut(1)


def _open(stage: Stage) -> None:
    stage.lab.birds["site"].open(1)


def _ended(text: str) -> Seen:
    return lambda stage: stage.logged(text) and first_down(stage)


def _without_routes(stage: Stage) -> bool:
    session = stage.lab.birds["aws"].sessions()[1]
    return session.state == "Established" and session.routes == 0


_USUAL = _site(prefixes=USUAL["site"].prefixes)


def _fewer(stage: Stage) -> None:
    """Announce fewer prefixes. BIRD ends a session at its limit for good; AWS tries again by itself."""
    _USUAL(stage)
    stage.lab.birds["aws"].open(1)
    stage.lab.birds["aws"].open(2)


FAULTS = (
    Fault(
        "wrong-as-number",
        "The device's AS number is not the one that AWS was told.",
        act=_site(local_as=65001),
        seen=_ended("bad OPEN message"),
        causes=frozenset({"bgp_down", "bgp_as_number"}),
        remedy=Remedy(f"Set the device to AS {SITE_AS}.", _site(local_as=SITE_AS)),
    ),
    Fault(
        "too-many-prefixes",
        "The device announces more prefixes than AWS accepts.",
        act=_site(prefixes=_MANY),
        seen=_ended("maximum prefix limit was exceeded"),
        causes=frozenset({"bgp_down", "bgp_prefix_limit"}),
        remedy=Remedy("Announce fewer prefixes.", _fewer),
    ),
    Fault(
        "session-shut-down",
        "The session of BGP is shut down on the device.",
        act=_shut,
        seen=_ended("Administrative Shutdown"),
        causes=frozenset({"bgp_down", "bgp_shutdown"}),
        remedy=Remedy("Open the session on the device.", _open),
    ),
    Fault(
        "no-routes-announced",
        "The device announces no prefix.",
        act=_site(prefixes=()),
        seen=_without_routes,
        causes=frozenset({"no_routes"}),
        remedy=Remedy("Announce the site's networks.", _USUAL),
    ),
)
