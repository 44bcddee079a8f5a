"""Reads the running configuration of a Cisco ASA: crypto maps, and IPsec profiles on tunnel interfaces.

In force are the entries of a crypto map that `crypto map NAME interface ...` applies, and tunnel interfaces that are
not shut down. An IKE version counts where the entry has transforms for it and `crypto ikev1 enable` or `crypto ikev2
enable` turns it on. Two defaults are documented for all releases: 86400 s for the lifetime of an IKE policy, 28800 s
for phase 2. Keys, which `more system:running-config` shows, are never looked at.
"""

import re
from collections.abc import Callable, Iterator

from aws_vpn_exporter.devices import cisco
from aws_vpn_exporter.devices.cisco import Block, Device, Words, begins, suite
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

_PHASE1_LIFETIME, _PHASE2_LIFETIME = 86400, 28800

_OPENS = (
    ("crypto", "ikev1", "policy"),
    ("crypto", "ikev2", "policy"),
    ("crypto", "ikev1", "enable"),
    ("crypto", "ikev2", "enable"),
    ("crypto", "ipsec", "ikev1", "transform-set"),
    ("crypto", "ipsec", "ikev2", "ipsec-proposal"),
    ("crypto", "ipsec", "profile"),
    ("crypto", "ipsec", "security-association"),
    ("crypto", "map"),
    ("interface",),
    ("tunnel-group",),
)
_CLOSES = frozenset({"crypto", "exit", "end", "object", "access-list", "group-policy", "route", "nat"})
"""Commands after which whatever follows is of something else."""


def recognises(text: str) -> bool:
    """Whether the text has what ASA writes and IOS does not."""
    wanted = (
        r"^(:? ?ASA Version |tunnel-group \S+ type |crypto ikev1 |crypto ipsec ikev[12] |crypto map \S+ interface )"
    )
    return re.search(wanted, text, re.MULTILINE) is not None


def read(source: Source) -> DeviceSettings:
    """The peers of crypto maps that are applied, and of tunnel interfaces that are not shut down."""
    firewall = _Firewall(Device(cisco.blocks(source, _opened, _ends_block)))
    gaps: list[Gap] = []
    peers = [*_peers_of_maps(firewall, gaps), *_peers_of_tunnels(firewall, gaps)]
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _opened(words: Words) -> Words:
    return next((start for start in _OPENS if begins(words, start)), ())


def _ends_block(words: Words) -> bool:
    return words[0].lower() in _CLOSES


class _Firewall:
    """The commands, with the lines of each crypto map's entry put together, and what holds for all peers."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.entries: dict[tuple[str, str], Block] = {}
        self.applied: set[str] = set()
        for block in device.all("crypto", "map"):
            name, number = (*block.words, "", "")[:2]
            if number.lower() == "interface":
                self.applied.add(name)
            elif number.isdecimal():
                entry = self.entries.setdefault((name, number), Block(("crypto", "map"), block.line, (name, number)))
                if block.words[2:]:
                    entry.inside.append((block.line, block.words[2:]))
        self.interfaces = device.all("interface")
        self.enabled = [version for version in ("ikev1", "ikev2") if device.all("crypto", version, "enable")]
        everywhere = device.all("crypto", "ipsec", "security-association")
        lifetimes = ((b.line, b.words[2:]) for b in everywhere if begins(b.words, ("lifetime", "seconds")))
        self.lifetime = next(reversed(list(lifetimes)), None)
        self._shared: dict[str, Peer] = {}

    def phase1(self, version: str) -> Peer:
        """Phase 1 in a version of IKE, which all peers share."""
        if version not in self._shared:
            found = Findings()
            _policies(self.device, found, version)
            self._shared[version] = found.peer("", ())
        return self._shared[version]


def _peers_of_maps(firewall: _Firewall, gaps: list[Gap]) -> Iterator[Peer]:
    excerpt = not firewall.interfaces and not firewall.applied
    for (name, _), entry in firewall.entries.items():
        addresses = [found for _, words in entry.all("set", "peer") for found in cisco.addresses(words)]
        if not addresses:
            gaps.append(Gap(entry.line, "the crypto map entry names its peer by no address"))
        elif name not in firewall.applied and not excerpt:
            gaps.append(Gap(entry.line, "the crypto map is applied to no interface: it is not in force"))
        else:
            if excerpt:
                gaps.append(
                    Gap(entry.line, "the file has no interfaces: whether the crypto map is in force is not known")
                )
            yield _peer(firewall, f"crypto map (line {entry.line})", addresses, entry)


def _peers_of_tunnels(firewall: _Firewall, gaps: list[Gap]) -> Iterator[Peer]:
    for interface in firewall.interfaces:
        protection = interface.last("tunnel", "protection", "ipsec", "profile")
        if protection is None:
            continue
        line, words = protection
        profile = firewall.device.named(words[0] if words else "", "crypto", "ipsec", "profile")
        target = interface.last("tunnel", "destination")
        to = cisco.addresses(target[1][:1]) if target else []
        if interface.is_on("shutdown"):
            gaps.append(Gap(interface.line, "the tunnel interface is shut down: it is not in force"))
        elif profile is None:
            gaps.append(Gap(line, "names an IPsec profile that the file does not have"))
        elif not to:
            gaps.append(Gap(interface.line, "the tunnel interface has no address as its destination"))
        else:
            yield _peer(firewall, f"tunnel interface (line {interface.line})", to, profile)


def _peer(firewall: _Firewall, name: str, addresses: list[str], block: Block) -> Peer:
    found = Findings()
    transforms = {
        "ikev1": [(line, word) for line, words in block.all("set", "ikev1", "transform-set") for word in words],
        "ikev2": [(line, word) for line, words in block.all("set", "ikev2", "ipsec-proposal") for word in words],
    }
    versions = [
        version
        for version, named in transforms.items()
        if named and (version in firewall.enabled or not firewall.enabled)
    ]
    if versions:
        found.words("IkeVersions", versions, f"{' and '.join(versions)} (line {transforms[versions[0]][0][0]})")
    else:
        reason = "has no transform-set or ipsec-proposal of an IKE version that is turned on"
        found.gap(block.line, reason, "IkeVersions", *PHASE2_SETS[:2], *PHASE1_SETS, "Phase1LifetimeSeconds")
    if len(versions) > 1:
        said = "takes both IKE versions, each with policies of its own"
        found.gap(block.line, said, *PHASE1_SETS, "Phase1LifetimeSeconds")
    for version in versions:
        found.share(firewall.phase1(version))
        for line, named in transforms[version]:
            _TRANSFORMS[version](firewall.device, found, line, named)
    own = block.last("set", "security-association", "lifetime", "seconds")
    cisco.lifetime(found, block, own or firewall.lifetime, "Phase2LifetimeSeconds", _PHASE2_LIFETIME)
    cisco.pfs(found, block, NO_GROUP)
    found.gap(None, "how long ASA waits for a dead peer follows from more than the file says", "DpdTimeoutSeconds")
    return found.peer(name, addresses)


def _policies(device: Device, found: Findings, version: str) -> None:
    policies = device.all("crypto", version, "policy")
    if not policies:
        found.gap(None, f"the file has no crypto {version} policy", *PHASE1_SETS, "Phase1LifetimeSeconds")
    check = "hash" if version == "ikev1" else "integrity"
    for policy in policies:
        suite(found, policy, "encryption", list(policy.all("encryption")), cisco.encryption, PHASE1_SETS[0])
        suite(found, policy, check, list(policy.all(check)), _integrity, PHASE1_SETS[1])
        suite(found, policy, "group", list(policy.all("group")), cisco.groups, PHASE1_SETS[2])
        seconds = policy.last("lifetime", "seconds") or policy.last("lifetime")
        cisco.lifetime(found, policy, seconds, "Phase1LifetimeSeconds", _PHASE1_LIFETIME)


def _integrity(words: Words) -> list[str] | None:
    """Integrity algorithms; `null` stands beside GCM and is none."""
    meant = tuple(word for word in words if word.lower() != "null")
    return cisco.integrity(meant) if meant else ([] if words else None)


def _transform_set(device: Device, found: Findings, line: Line, name: str) -> None:
    block = device.named(name, "crypto", "ipsec", "ikev1", "transform-set")
    if block is None:
        found.gap(line, "names a transform-set that the file does not have", *PHASE2_SETS[:2])
    else:
        cisco.transform(found, block.line, block.words[1:], "transform-set", PHASE2_SETS)


def _ipsec_proposal(device: Device, found: Findings, line: Line, name: str) -> None:
    block = device.named(name, "crypto", "ipsec", "ikev2", "ipsec-proposal")
    if block is None:
        found.gap(line, "names an ipsec-proposal that the file does not have", *PHASE2_SETS[:2])
        return
    encryption = list(block.all("protocol", "esp", "encryption"))
    suite(found, block, "encryption", encryption, cisco.encryption, PHASE2_SETS[0])
    integrity = list(block.all("protocol", "esp", "integrity"))
    if integrity or not all("gcm" in word.lower() for _, words in encryption for word in words):
        suite(found, block, "integrity", integrity, _integrity, PHASE2_SETS[1])


_TRANSFORMS: dict[str, Callable[[Device, Findings, Line, str], None]] = {
    "ikev1": _transform_set,
    "ikev2": _ipsec_proposal,
}

READER = Reader(
    "Cisco ASA",
    recognises,
    read,
    reads="crypto maps that are applied to an interface, and tunnel interfaces with an IPsec profile, unless shut down",
    defaults="86400 s for an IKE policy, 28800 s for phase 2; others depend on the release and stay unknown",
)
