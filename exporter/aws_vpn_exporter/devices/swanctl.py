"""Reads strongSwan's swanctl.conf (5.x and 6.x): section `connections`, and none of the secrets.

AWS's lifetime is the one after which a security association ends, so it is compared with the time at which strongSwan
closes one. That is also what strongSwan announces to an IKEv1 peer. As its manual documents: an IKE SA is closed
`over_time` (10 % by default) after `rekey_time` (4 h by default) or `reauth_time`; a CHILD SA after `life_time`, by
default 10 % more than its `rekey_time` (1 h by default). One that is closed later than AWS could, and much later than
it is rekeyed, never lives that long: then the time of the rekey counts.

A default counts only where nothing can set the key elsewhere: not while a section that is taken over, or a file that is
included, is not read.
"""

import re

from aws_vpn_exporter.devices import strongswan
from aws_vpn_exporter.devices.settings import (
    PHASE1_SETS,
    PHASE2_SETS,
    DeviceSettings,
    Findings,
    Gap,
    Peer,
    Reader,
    address,
    in_file_order,
)
from aws_vpn_exporter.devices.source import Line, Source
from aws_vpn_exporter.devices.swanctl_syntax import Tree, View
from aws_vpn_exporter.options import BY_NAME

_KEPT = frozenset(
    {
        "version",
        "remote_addrs",
        "proposals",
        "rekey_time",
        "reauth_time",
        "over_time",
        "dpd_delay",
        "dpd_timeout",
        "esp_proposals",
        "ah_proposals",
        "life_time",
    }
)
"""The keys that are read; the values of all others are dropped where they stand."""

_NAME = re.compile(r"[\w@/+-]{1,64}", re.ASCII)
_TIME = re.compile(r"(\d{1,9})\s*([smhd]?)", re.ASCII)
_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def recognises(text: str) -> bool:
    """Whether the text has a section `connections`, which only swanctl.conf has."""
    return re.search(r"^[ \t]*connections\s*(:[^\n{}=#]{0,256})?\{", text, re.MULTILINE) is not None


def read(source: Source) -> DeviceSettings:
    """The peers under `connections`."""
    tree = Tree(source, _KEPT)
    gaps = list(tree.gaps)
    peers: list[Peer] = []
    connections = tree.top.section("connections")
    for name, view in (connections.sections() if connections else {}).items():
        peer = _peer(name, view)
        if peer.addresses:
            peers.append(peer)
        else:
            gaps.append(Gap(view.line, "the connection names its peer by no address in remote_addrs"))
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _peer(name: str, view: View) -> Peer:
    found = Findings()
    _version(found, view)
    _phase1_lifetime(found, view)
    _dpd(found, view)
    _phase1_proposals(found, view)
    children = view.section("children")
    inside = children.sections() if children else {}
    if not inside:
        found.gap(view.line, "the connection has no children, so nothing says what phase 2 is", *_PHASE2)
    for child in inside.values():
        _phase2_lifetime(found, child)
        _phase2_proposals(found, child)
    shown = f"connection {name}" if _NAME.fullmatch(name) else "connection"
    listed, _ = view.value("remote_addrs") or ("", view.line)
    addresses = filter(None, (address(part.strip()) for part in listed.split(",")))
    return found.peer(f"{shown} (line {view.line})", addresses)


_PHASE2 = ("Phase2LifetimeSeconds", *PHASE2_SETS)


def _unknown(found: Findings, view: View, key: str, *options: str) -> bool:
    """Whether a key that is not set may be set where it is not read: then its default is a gap."""
    if not view.unknown or view.value(key):
        return False
    found.gap(view.line, f"{key} is not set here, and {view.unknown}: its default may not hold", *options)
    return True


def _version(found: Findings, view: View) -> None:
    if _unknown(found, view, "version", "IkeVersions"):
        return
    stated = view.value("version")
    said, line = stated or ("0", view.line)
    versions = {"0": ("ikev1", "ikev2"), "1": ("ikev1",), "2": ("ikev2",)}.get(said)
    if versions is None:
        found.gap(line, "this version of IKE is not known", "IkeVersions")
    else:
        found.words("IkeVersions", versions, f"version (line {line})" if stated else "no version, which accepts both")


def _seconds(found: Findings, view: View, key: str, option: str) -> int | None:
    """The key's time; None where it is not there, or unreadable, which is then a gap."""
    stated = view.value(key)
    if stated is None:
        return None
    match = _TIME.fullmatch(stated[0])
    if match is None:
        found.gap(stated[1], f"the time of {key} is not understood", option)
        return None
    return int(match[1]) * _UNIT[match[2]]


def _phase1_lifetime(found: Findings, view: View) -> None:
    option = "Phase1LifetimeSeconds"
    reauth = _seconds(found, view, "reauth_time", option) or 0
    rekey = _seconds(found, view, "rekey_time", option)
    over = _seconds(found, view, "over_time", option)
    if not reauth and _unknown(found, view, "rekey_time", option):
        return
    if rekey is None:
        rekey = 0 if reauth else 4 * 3600
    if rekey and reauth:
        found.gap(view.line, "has both rekey_time and reauth_time: which one ends the SA is not known", option)
    elif not rekey and not reauth:
        found.gap(view.line, "rekeys never, so that no lifetime follows", option)
    elif not _unknown(found, view, "over_time", option):
        key = "rekey_time" if rekey else "reauth_time"
        base = rekey or reauth
        more = f"over_time {over} s" if over is not None else "over_time, 10 % of it"
        total = base + (over if over is not None else base // 10)
        _lifetime(found, option, f"{_where(view, key)} {base} s, and {more}", base, total)


def _phase2_lifetime(found: Findings, child: View) -> None:
    option = "Phase2LifetimeSeconds"
    life = _seconds(found, child, "life_time", option)
    rekey = _seconds(found, child, "rekey_time", option)
    if not child.value("life_time") and (
        _unknown(found, child, "life_time", option) or _unknown(found, child, "rekey_time", option)
    ):
        return
    if life:
        _lifetime(found, option, f"{_where(child, 'life_time')} {life} s", rekey or life, life)
        return
    rekey = 3600 if rekey is None else rekey
    if life == 0 or not rekey:
        found.gap(child.line, "has no life_time and does not rekey, so that no lifetime follows", option)
    else:
        origin = f"{_where(child, 'rekey_time')} {rekey} s, and 10 % more"
        _lifetime(found, option, origin, rekey, rekey * 110 // 100)


def _lifetime(found: Findings, option: str, origin: str, rekeyed: int, closed: int) -> None:
    """The time of closing an SA; that of the rekey where closing comes much later and is beyond AWS's limits."""
    allowed = BY_NAME[option].allowed
    if isinstance(allowed, range) and closed >= allowed.stop and closed * 10 > rekeyed * 11:
        found.number(option, rekeyed, f"{origin}: when strongSwan rekeys the SA; it closes it at {closed} s")
    else:
        found.number(option, closed, f"{origin}: when strongSwan closes the SA")


def _where(view: View, key: str) -> str:
    stated = view.value(key)
    return f"{key} (line {stated[1]})" if stated else f"{key} by default"


def _dpd(found: Findings, view: View) -> None:
    option = "DpdTimeoutSeconds"
    if _unknown(found, view, "dpd_delay", option):
        return
    delay = _seconds(found, view, "dpd_delay", option)
    timeout = _seconds(found, view, "dpd_timeout", option)
    stated = view.value("dpd_delay")
    line: Line = stated[1] if stated else view.line
    if not delay:
        found.gap(line, "dpd_delay is not set: the device does not look whether AWS is alive", option)
    elif timeout and (view.value("version") or ("",))[0] == "1":
        found.number(option, timeout, f"{_where(view, 'dpd_timeout')} {timeout} s")
    else:
        found.gap(
            line,
            f"the device checks every {delay} s, but its time-out follows from the retransmission settings in "
            "strongswan.conf, about 165 s by default (dpd_timeout is for IKEv1 only)",
            option,
        )


def _phase1_proposals(found: Findings, view: View) -> None:
    if not _unknown(found, view, "proposals", *PHASE1_SETS):
        said, line = view.value("proposals") or ("default", view.line)
        strongswan.phase1(found, said, line, "proposals")


def _phase2_proposals(found: Findings, child: View) -> None:
    if authentication_only := child.value("ah_proposals"):
        found.gap(authentication_only[1], "uses AH, which AWS does not have", *PHASE2_SETS)
    if not _unknown(found, child, "esp_proposals", *PHASE2_SETS):
        said, line = child.value("esp_proposals") or ("default", child.line)
        strongswan.phase2(found, said, line, "esp_proposals")


READER = Reader(
    "strongSwan swanctl.conf",
    recognises,
    read,
    reads="`connections`, with the sections that they take settings over from and the files that are included",
    defaults="the manual's: IKE SA 4 h, CHILD SA 1 h, each closed 10 % later; both IKE versions",
)
