"""Reads the running configuration of a Cisco IOS or IOS XE router: crypto maps and IPsec profiles on tunnels.

In force are tunnel interfaces that are not shut down, and crypto maps that an interface which is not shut down carries.
A file without any interface is an excerpt: there the crypto maps count, and that nothing shows them applied is said.

`show running-config` leaves out what is at its default. Two defaults are documented alike for all releases and taken
for what they are: 86400 s for the lifetime of an ISAKMP policy, 3600 s for that of phase 2. All others are gaps. Keys
are never looked at: only the commands named here are.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from aws_vpn_exporter.devices import cisco
from aws_vpn_exporter.devices.cisco import Block, Device, Words, begins, number, suite
from aws_vpn_exporter.devices.settings import (
    NO_GROUP,
    PHASE1_SETS,
    PHASE2_SETS,
    DeviceSettings,
    Findings,
    Gap,
    Peer,
    Reader,
    in_file_order,
)
from aws_vpn_exporter.devices.source import Line, Source

_PHASE1_LIFETIME, _PHASE2_LIFETIME = 86400, 3600

_OPENS = (
    ("crypto", "isakmp", "policy"),
    ("crypto", "isakmp", "keepalive"),
    ("crypto", "ikev2", "proposal"),
    ("crypto", "ikev2", "policy"),
    ("crypto", "ikev2", "profile"),
    ("crypto", "ikev2", "dpd"),
    ("crypto", "ipsec", "transform-set"),
    ("crypto", "ipsec", "profile"),
    ("crypto", "ipsec", "security-association"),
    ("crypto", "map"),
    ("interface",),
)
"""Commands that are read, by how they begin; what follows belongs to them until the next command of its own."""

_CLOSES = frozenset({"crypto", "interface", "exit", "end", "router", "line", "access-list", "route-map", "policy-map"})
"""Commands after which whatever follows is of something else."""


def recognises(text: str) -> bool:
    """Whether the text has a command of IOS for IPsec; ASA, whose commands look much alike, is asked before."""
    return re.search(r"^[ \t]*crypto (isakmp|ikev2|ipsec|map) ", text, re.MULTILINE) is not None


def read(source: Source) -> DeviceSettings:
    """The peers of crypto map entries and of tunnel interfaces that are protected by an IPsec profile."""
    router = _Router(Device(cisco.blocks(source, _opened, _ends_block)))
    gaps: list[Gap] = []
    peers = [*_peers_of_maps(router, gaps), *_peers_of_tunnels(router, gaps)]
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _opened(words: Words) -> Words:
    """Which of _OPENS the command is; none of them for most."""
    if words[0].lower() not in ("crypto", "interface") or _map_on_an_interface(words):
        return ()
    return next((start for start in _OPENS if begins(words, start)), ())


def _map_on_an_interface(words: Words) -> bool:
    return begins(words, ("crypto", "map")) and not (len(words) > 3 and words[3].isdecimal())


def _ends_block(words: Words) -> bool:
    return words[0].lower() in _CLOSES and not _map_on_an_interface(words)


class _Router:
    """The commands, and what holds for all peers, found once: a file may have thousands of both."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.interfaces = device.all("interface")
        self.applied, self.applied_shut = self._applications()
        everywhere = device.all("crypto", "ipsec", "security-association")
        lifetimes = ((b.line, b.words[2:]) for b in everywhere if begins(b.words, ("lifetime", "seconds")))
        self.lifetime = next(reversed(list(lifetimes)), None)
        self._shared: dict[str, Peer] = {}

    def _applications(self) -> tuple[dict[str, str], set[str]]:
        """The VRF of the interface that carries each crypto map, and the maps that only shut interfaces carry."""
        applied: dict[str, str] = {}
        shut: set[str] = set()
        for interface in self.interfaces:
            carried = {words[0] for _, words in interface.all("crypto", "map") if words}
            for name in sorted(name for name in carried if interface.is_on("crypto", "map")):
                if interface.is_on("shutdown"):
                    shut.add(name)
                else:
                    applied.setdefault(name, _vrf(interface))
        return applied, shut - set(applied)

    def shared(self, kind: str, state: Callable[[Device, Findings], None]) -> Peer:
        """What a function finds that holds for many peers."""
        if kind not in self._shared:
            found = Findings()
            state(self.device, found)
            self._shared[kind] = found.peer("", ())
        return self._shared[kind]


def _vrf(interface: Block) -> str:
    """The VRF of an interface, "" for the global one."""
    stated = interface.last("vrf", "forwarding") or interface.last("ip", "vrf", "forwarding")
    return stated[1][0] if stated and stated[1] else ""


def _peers_of_maps(router: _Router, gaps: list[Gap]) -> Iterator[Peer]:
    for entry in router.device.all("crypto", "map"):
        map_name = entry.words[0] if entry.words else ""
        addresses = [found for _, words in entry.all("set", "peer") for found in cisco.addresses(words[:1])]
        if not addresses:
            gaps.append(Gap(entry.line, "the crypto map entry names its peer by no address"))
        elif map_name in router.applied_shut:
            gaps.append(Gap(entry.line, "the crypto map is on interfaces only that are shut down: it is not in force"))
        elif router.interfaces and map_name not in router.applied:
            gaps.append(Gap(entry.line, "the crypto map is applied to no interface: it is not in force"))
        else:
            if not router.interfaces:
                gaps.append(
                    Gap(entry.line, "the file has no interfaces: whether the crypto map is in force is not known")
                )
            vrf = router.applied.get(map_name, "")
            yield _peer(router, f"crypto map (line {entry.line})", addresses, entry, vrf)


def _peers_of_tunnels(router: _Router, gaps: list[Gap]) -> Iterator[Peer]:
    interfaces = {"".join(interface.words).lower(): interface for interface in router.interfaces}
    for interface in router.interfaces:
        protection = interface.last("tunnel", "protection", "ipsec", "profile")
        if protection is None or not interface.is_on("tunnel", "protection"):
            continue
        line, words = protection
        profile = router.device.named(words[0] if words else "", "crypto", "ipsec", "profile")
        target = interface.last("tunnel", "destination")
        to = cisco.addresses(target[1][:1]) if target else []
        front = interface.last("tunnel", "vrf")
        vrf = front[1][0] if front and front[1] else ""
        if why := _not_in_force(interface, interfaces, vrf):
            gaps.append(Gap(interface.line, why))
        elif profile is None:
            gaps.append(Gap(line, "names an IPsec profile that the file does not have"))
        elif not to:
            gaps.append(Gap(interface.line, "the tunnel interface has no address as its destination"))
        else:
            yield _peer(router, f"tunnel interface (line {interface.line})", to, profile, vrf, words[1:])


def _not_in_force(interface: Block, interfaces: dict[str, Block], vrf: str) -> str:
    """Why a tunnel interface is not in force; "" where it is."""
    if interface.is_on("shutdown"):
        return "the tunnel interface is shut down: it is not in force"
    stated = interface.last("tunnel", "source")
    outside = interfaces.get("".join(stated[1]).lower()) if stated else None
    if outside is not None and outside.is_on("shutdown"):
        return "the interface that the tunnel starts from is shut down: the tunnel is not in force"
    if outside is not None and _vrf(outside) != vrf:
        return "the tunnel starts from an interface of another VRF than its own: it is not in force"
    return ""


def _peer(router: _Router, name: str, addresses: Iterable[str], block: Block, vrf: str, protection: Words = ()) -> Peer:
    """The peer whose phase 2 is set in `block`, reached through `vrf`; `protection` follows the profile's name."""
    found = Findings()
    ikev2 = [(line, words[0]) for line, words in block.all("set", "ikev2-profile") if words]
    if len(protection) > 1 and protection[0].lower() == "ikev2-profile":
        ikev2 = [(block.line, protection[1])]
    if ikev2:
        line, profile = ikev2[0]
        found.words("IkeVersions", ["ikev2"], f"ikev2-profile (line {line})")
        _ikev2_profile(router, found, line, router.device.named(profile, "crypto", "ikev2", "profile"))
        found.share(router.shared(f"ikev2 in {vrf}", partial(_ikev2_policies, vrf)))
    else:
        found.words("IkeVersions", ["ikev1"], f"no ikev2-profile (line {block.line})")
        found.share(router.shared("ikev1", _isakmp_policies))
    _phase2(router, found, block)
    shown = f"{name[:-1]}, in a VRF)" if vrf else name
    return found.peer(shown, addresses)


def _isakmp_policies(device: Device, found: Findings) -> None:
    policies = device.all("crypto", "isakmp", "policy")
    if not policies:
        found.gap(
            None, "the file has no crypto isakmp policy: the release's own apply", *PHASE1_SETS, "Phase1LifetimeSeconds"
        )
    for policy in policies:
        encryption = [*policy.all("encryption"), *policy.all("encr")]
        suite(found, policy, "encryption", encryption, _sized, PHASE1_SETS[0])
        suite(found, policy, "hash", list(policy.all("hash")), cisco.integrity, PHASE1_SETS[1])
        suite(found, policy, "group", list(policy.all("group")), cisco.groups, PHASE1_SETS[2])
        cisco.lifetime(found, policy, policy.last("lifetime"), "Phase1LifetimeSeconds", _PHASE1_LIFETIME)
    _keepalive(found, [(b.line, b.words) for b in device.all("crypto", "isakmp", "keepalive")])


def _ikev2_profile(router: _Router, found: Findings, line: Line, profile: Block | None) -> None:
    if profile is None:
        found.gap(
            line, "names an IKEv2 profile that the file does not have", "Phase1LifetimeSeconds", "DpdTimeoutSeconds"
        )
        return
    cisco.lifetime(found, profile, profile.last("lifetime"), "Phase1LifetimeSeconds", None)
    own = list(profile.all("dpd"))
    _keepalive(found, own or [(b.line, b.words) for b in router.device.all("crypto", "ikev2", "dpd")[:1]])


def _ikev2_policies(vrf: str, device: Device, found: Findings) -> None:
    policies = device.all("crypto", "ikev2", "policy")
    here = [policy for policy in policies if _policy_vrf(policy) in ("any", vrf)]
    if not policies:
        found.gap(None, "the file has no crypto ikev2 policy: the release's own proposal applies", *PHASE1_SETS)
    elif not here:
        found.gap(policies[0].line, "the IKEv2 policies are for other VRFs than this peer's", *PHASE1_SETS)
    elif len(here) > 1:
        found.gap(here[1].line, "several IKEv2 policies: which one applies depends on local addresses", *PHASE1_SETS)
    else:
        for at, words in here[0].all("proposal"):
            _ikev2_proposal(found, at, device.named(words[0] if words else "", "crypto", "ikev2", "proposal"))


def _policy_vrf(policy: Block) -> str:
    stated = policy.last("match", "fvrf")
    return stated[1][0] if stated and stated[1] else ""


def _ikev2_proposal(found: Findings, line: Line, proposal: Block | None) -> None:
    if proposal is None:
        found.gap(line, "names an IKEv2 proposal that the file does not have", *PHASE1_SETS)
        return
    encryption = list(proposal.all("encryption"))
    suite(found, proposal, "encryption", encryption, cisco.encryption, PHASE1_SETS[0])
    integrity = list(proposal.all("integrity"))
    if integrity or not all("gcm" in word.lower() for _, words in encryption for word in words):
        suite(found, proposal, "integrity", integrity, cisco.integrity, PHASE1_SETS[1])
    else:
        found.gap(proposal.line, "a proposal with GCM names no integrity algorithm but a PRF")
    suite(found, proposal, "group", list(proposal.all("group")), cisco.groups, PHASE1_SETS[2])


def _sized(words: Words) -> list[str] | None:
    """`aes 256`, as an ISAKMP policy has it."""
    if [word.lower() for word in words[:1]] == ["aes"] and words[1:2]:
        return [f"AES{words[1]}"] if words[1] in cisco.SIZES else None
    return cisco.encryption(words[:1])


def _keepalive(found: Findings, lines: list[tuple[Line, Words]]) -> None:
    option = "DpdTimeoutSeconds"
    if not lines:
        found.gap(None, "has no keepalive or dpd: the device does not look whether AWS is alive", option)
        return
    line, words = lines[0]
    every, again = number(words), number(words[1:])
    how = f"checks every {every} s" if every is not None else "checks"
    how += f" and again after {again} s" if again is not None else ""
    found.gap(
        line, f"{how}, but how often IOS tries before it gives up is not in the file, so no time-out follows", option
    )


def _phase2(router: _Router, found: Findings, block: Block) -> None:
    own = block.last("set", "security-association", "lifetime", "seconds")
    cisco.lifetime(found, block, own or router.lifetime, "Phase2LifetimeSeconds", _PHASE2_LIFETIME)
    cisco.pfs(found, block, NO_GROUP)
    named = [(line, name) for line, words in block.all("set", "transform-set") for name in words]
    if not named:
        found.gap(block.line, "sets no transform-set: the release's own apply", *PHASE2_SETS[:2])
    for line, name in named:
        transform = router.device.named(name, "crypto", "ipsec", "transform-set")
        if transform is None:
            found.gap(line, "names a transform-set that the file does not have", *PHASE2_SETS[:2])
        else:
            cisco.transform(found, transform.line, transform.words[1:], "transform-set", PHASE2_SETS)


READER = Reader(
    "Cisco IOS",
    recognises,
    read,
    reads="crypto maps that an interface carries, and tunnel interfaces with an IPsec profile, unless shut down",
    defaults="86400 s for an ISAKMP policy, 3600 s for phase 2; others depend on the release and stay unknown",
)
