"""Reads the running configuration of a Cisco IOS or IOS XE router: crypto maps and IPsec profiles on tunnels.

`show running-config` leaves out what is at its default. Two defaults are documented alike for all releases and taken
for what they are: 86400 s for the lifetime of an ISAKMP policy, 3600 s for that of phase 2. All others are gaps. Keys
are never looked at: only the commands named here are.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from aws_vpn_exporter.devices.settings import (
    NO_GROUP,
    DeviceSettings,
    Findings,
    Gap,
    Peer,
    Reader,
    address,
    in_file_order,
)

Words = tuple[str, ...]

_Translate = Callable[[Words], list[str] | None]
"""A command's words in AWS's; None where one is not understood."""

_PHASE1_LIFETIME, _PHASE2_LIFETIME = 86400, 3600

_ENCRYPTION = {"des": "DES", "3des": "3DES", "aes": "AES128", "null": "NULL"}
_ENCRYPTION |= {f"aes-cbc-{bits}": f"AES{bits}" for bits in (128, 192, 256)}
_ENCRYPTION |= {f"aes-gcm-{bits}": f"AES{bits}-GCM-16" for bits in (128, 192, 256)}
_INTEGRITY = {"md5": "MD5", "sha": "SHA1", "sha1": "SHA1", **{f"sha{bits}": f"SHA2-{bits}" for bits in (256, 384, 512)}}
_SIZES = ("128", "192", "256")

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


@dataclass
class _Block:
    """A command that is read: which of _OPENS, its line, the words that follow, and the commands in it."""

    start: Words
    line: int
    words: Words
    inside: list[tuple[int, Words]] = field(default_factory=list)

    def all(self, *start: str) -> Iterator[tuple[int, Words]]:
        """The commands in it that begin with these words: the line, and the words that follow."""
        for line, words in self.inside:
            if words[0].lower() == start[0] and _begins(words, start):
                yield line, words[len(start) :]


def _begins(words: Words, start: Words) -> bool:
    return tuple(word.lower() for word in words[: len(start)]) == start


def recognises(text: str) -> bool:
    """Whether the text is IOS and not ASA, whose commands look much alike."""
    asa = re.search(r"^(ASA Version|tunnel-group |crypto ikev1 |crypto ipsec ikev[12] )", text, re.MULTILINE)
    return asa is None and re.search(r"^[ \t]*crypto (isakmp|ikev2|ipsec|map) ", text, re.MULTILINE) is not None


def read(text: str) -> DeviceSettings:
    """The peers of crypto map entries and of tunnel interfaces that are protected by an IPsec profile."""
    device = _Device(_blocks(text))
    gaps: list[Gap] = []
    peers = [*_peers_of_maps(device, gaps), *_peers_of_tunnels(device, gaps)]
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(text.split("\n"), 1):
        words = tuple(line.split(maxsplit=64))[:64]
        if not words or words[0].startswith("!"):
            continue
        start = _opened(words)
        if start or _ends_block(words):
            if block:
                yield block
            block = _Block(start, number, words[len(start) :]) if start else None
        elif block:
            block.inside.append((number, words))
    if block:
        yield block


def _opened(words: Words) -> Words:
    """Which of _OPENS the command is; none of them for most."""
    if words[0].lower() not in ("crypto", "interface") or _map_on_an_interface(words):
        return ()
    return next((start for start in _OPENS if _begins(words, start)), ())


def _map_on_an_interface(words: Words) -> bool:
    return _begins(words, ("crypto", "map")) and not (len(words) > 3 and words[3].isdecimal())


def _ends_block(words: Words) -> bool:
    return words[0].lower() in _CLOSES and not _map_on_an_interface(words)


class _Device:
    """The commands of the whole file."""

    def __init__(self, blocks: Iterable[_Block]) -> None:
        self._blocks: dict[Words, list[_Block]] = {}
        self._named: dict[tuple[Words, str], _Block] = {}
        for block in blocks:
            self._blocks.setdefault(block.start, []).append(block)
            if block.words:
                self._named.setdefault((block.start, block.words[0]), block)

    def all(self, *start: str) -> list[_Block]:
        """The commands that begin with these words, one of _OPENS."""
        return self._blocks.get(start, [])

    def named(self, name: str, *start: str) -> _Block | None:
        """The command of this kind and name; names tell upper from lower case."""
        return self._named.get((start, name))


def _peers_of_maps(device: _Device, gaps: list[Gap]) -> Iterator[Peer]:
    for entry in device.all("crypto", "map"):
        addresses = [found for _, words in entry.all("set", "peer") for found in _addresses(words)]
        if not addresses:
            gaps.append(Gap(entry.line, "the crypto map entry names its peer by no address"))
        yield _peer(device, f"crypto map (line {entry.line})", addresses, entry)


def _peers_of_tunnels(device: _Device, gaps: list[Gap]) -> Iterator[Peer]:
    for interface in device.all("interface"):
        for line, words in interface.all("tunnel", "protection", "ipsec", "profile"):
            profile = device.named(words[0] if words else "", "crypto", "ipsec", "profile")
            if profile is None:
                gaps.append(Gap(line, "names an IPsec profile that the file does not have"))
                continue
            to = [found for _, target in interface.all("tunnel", "destination") for found in _addresses(target)]
            if not to:
                gaps.append(Gap(interface.line, "the tunnel interface has no address as its destination"))
            yield _peer(device, f"tunnel interface (line {interface.line})", to, profile, words[1:])


def _addresses(words: Words) -> list[str]:
    return [found for found in map(address, words[:1]) if found]


def _peer(device: _Device, name: str, addresses: Iterable[str], block: _Block, protection: Words = ()) -> Peer:
    """The peer whose phase 2 is set in `block`; `protection` are the words after the profile's name on the tunnel."""
    found = Findings()
    ikev2 = [(line, words[0]) for line, words in block.all("set", "ikev2-profile") if words]
    if len(protection) > 1 and protection[0].lower() == "ikev2-profile":
        ikev2 = [(block.line, protection[1])]
    if ikev2:
        line, profile = ikev2[0]
        found.words("IkeVersions", ["ikev2"], f"ikev2-profile (line {line})")
        _ikev2(device, found, line, device.named(profile, "crypto", "ikev2", "profile"))
    else:
        found.words("IkeVersions", ["ikev1"], f"no ikev2-profile (line {block.line})")
        _ikev1(device, found)
    _phase2(device, found, block)
    return found.peer(name, addresses)


_PHASE1 = ("Phase1EncryptionAlgorithms", "Phase1IntegrityAlgorithms", "Phase1DHGroupNumbers")
_PHASE2 = ("Phase2EncryptionAlgorithms", "Phase2IntegrityAlgorithms")


def _ikev1(device: _Device, found: Findings) -> None:
    policies = device.all("crypto", "isakmp", "policy")
    if not policies:
        found.gap(
            None, "the file has no crypto isakmp policy: the release's own apply", *_PHASE1, "Phase1LifetimeSeconds"
        )
    for policy in policies:
        encryption = [*policy.all("encryption"), *policy.all("encr")]
        _suite(found, policy, "encryption", encryption, _sized, _PHASE1[0])
        _suite(found, policy, "hash", list(policy.all("hash")), _integrity, _PHASE1[1])
        _suite(found, policy, "group", list(policy.all("group")), _groups, _PHASE1[2])
        _lifetime(found, policy, policy.all("lifetime"), "Phase1LifetimeSeconds", _PHASE1_LIFETIME)
    _keepalive(found, [(b.line, b.words) for b in device.all("crypto", "isakmp", "keepalive")])


def _ikev2(device: _Device, found: Findings, line: int, profile: _Block | None) -> None:
    if profile is None:
        found.gap(
            line, "names an IKEv2 profile that the file does not have", "Phase1LifetimeSeconds", "DpdTimeoutSeconds"
        )
    else:
        _lifetime(found, profile, profile.all("lifetime"), "Phase1LifetimeSeconds", None)
        everywhere = [(b.line, b.words) for b in device.all("crypto", "ikev2", "dpd")]
        _keepalive(found, [*profile.all("dpd"), *everywhere])
    policies = device.all("crypto", "ikev2", "policy")
    if not policies:
        found.gap(None, "the file has no crypto ikev2 policy: the release's own proposal applies", *_PHASE1)
    if len(policies) > 1:
        found.gap(policies[1].line, "several IKEv2 policies: which one applies depends on local addresses", *_PHASE1)
    for policy in policies[:1]:
        for at, words in policy.all("proposal"):
            _ikev2_proposal(found, at, device.named(words[0] if words else "", "crypto", "ikev2", "proposal"))


def _ikev2_proposal(found: Findings, line: int, proposal: _Block | None) -> None:
    if proposal is None:
        found.gap(line, "names an IKEv2 proposal that the file does not have", *_PHASE1)
        return
    encryption = list(proposal.all("encryption"))
    _suite(found, proposal, "encryption", encryption, _encryption, _PHASE1[0])
    integrity = list(proposal.all("integrity"))
    if integrity or not all("gcm" in word.lower() for _, words in encryption for word in words):
        _suite(found, proposal, "integrity", integrity, _integrity, _PHASE1[1])
    else:
        found.gap(proposal.line, "a proposal with GCM names no integrity algorithm but a PRF")
    _suite(found, proposal, "group", list(proposal.all("group")), _groups, _PHASE1[2])


def _suite(
    found: Findings, block: _Block, command: str, lines: list[tuple[int, Words]], translate: _Translate, option: str
) -> None:
    """States what a command of the block sets; without the command the release's default applies, which is a gap."""
    if not lines:
        found.gap(block.line, f"has no {command}: the default depends on the release", option)
    for line, words in lines:
        known = translate(words)
        if known is None:
            found.gap(line, f"this {command} is not understood", option)
        else:
            found.words(option, known, f"{command} (line {line})")


def _sized(words: Words) -> list[str] | None:
    """`aes 256`, as an ISAKMP policy has it."""
    if [word.lower() for word in words[:1]] == ["aes"] and words[1:2]:
        return [f"AES{words[1]}"] if words[1] in _SIZES else None
    return _encryption(words[:1])


def _translated(words: Words, table: dict[str, str]) -> list[str] | None:
    known = [table.get(word.lower()) for word in words]
    return [word for word in known if word] if known and all(known) else None


def _encryption(words: Words) -> list[str] | None:
    return _translated(words, _ENCRYPTION)


def _integrity(words: Words) -> list[str] | None:
    return _translated(words, _INTEGRITY)


def _groups(words: Words) -> list[str] | None:
    plain = all(re.fullmatch(r"[1-9][0-9]?", word, re.ASCII) for word in words)
    return list(words) if words and plain else None


def _lifetime(
    found: Findings, block: _Block, lines: Iterator[tuple[int, Words]], option: str, default: int | None
) -> None:
    stated = list(lines)
    if not stated and default is None:
        found.gap(block.line, "has no lifetime: the default depends on the release", option)
    elif not stated and default is not None:
        found.number(option, default, f"no lifetime (line {block.line}), which is {default} s")
    for line, words in stated:
        seconds = _number(words)
        if seconds is None:
            found.gap(line, "this lifetime is not understood", option)
        else:
            found.number(option, seconds, f"lifetime (line {line})")


def _number(words: Words) -> int | None:
    return int(words[0]) if words and re.fullmatch(r"[0-9]{1,9}", words[0], re.ASCII) else None


def _keepalive(found: Findings, lines: list[tuple[int, Words]]) -> None:
    option = "DpdTimeoutSeconds"
    if not lines:
        found.gap(None, "has no keepalive or dpd: the device does not look whether AWS is alive", option)
        return
    line, words = lines[0]
    every, again = _number(words), _number(words[1:])
    how = f"checks every {every} s" if every is not None else "checks"
    how += f" and again after {again} s" if again is not None else ""
    found.gap(
        line, f"{how}, but how often IOS tries before it gives up is not in the file, so no time-out follows", option
    )


def _phase2(device: _Device, found: Findings, block: _Block) -> None:
    _phase2_lifetime(device, found, block)
    _pfs(found, block)
    named = [(line, name) for line, words in block.all("set", "transform-set") for name in words]
    if not named:
        found.gap(block.line, "sets no transform-set: the release's own apply", *_PHASE2)
    for line, name in named:
        transform = device.named(name, "crypto", "ipsec", "transform-set")
        if transform is None:
            found.gap(line, "names a transform-set that the file does not have", *_PHASE2)
        else:
            _transform(found, transform)


def _phase2_lifetime(device: _Device, found: Findings, block: _Block) -> None:
    option = "Phase2LifetimeSeconds"
    own = list(block.all("set", "security-association", "lifetime", "seconds"))
    everywhere = [
        (b.line, b.words[2:])
        for b in device.all("crypto", "ipsec", "security-association")
        if _begins(b.words, ("lifetime", "seconds"))
    ]
    _lifetime(found, block, iter(own or everywhere[-1:]), option, _PHASE2_LIFETIME)


def _pfs(found: Findings, block: _Block) -> None:
    option = "Phase2DHGroupNumbers"
    lines = list(block.all("set", "pfs"))
    if not lines:
        found.words(option, [NO_GROUP], f"no set pfs (line {block.line})")
    for line, words in lines:
        match = re.fullmatch(r"group([1-9][0-9]?)", words[0].lower(), re.ASCII) if words else None
        if match:
            found.words(option, [match[1]], f"set pfs (line {line})")
        else:
            found.gap(line, "names no group for PFS: the default depends on the release", option)


def _transform(found: Findings, transform: _Block) -> None:
    words = [word.lower() for word in transform.words[1:]]
    origin = f"transform-set (line {transform.line})"
    for at, word in enumerate(words):
        size = words[at + 1] if words[at + 1 : at + 2] and words[at + 1] in _SIZES else "128"
        if word == "esp-aes":
            found.words(_PHASE2[0], [f"AES{size}"], origin)
        elif word == "esp-gcm":
            found.words(_PHASE2[0], [f"AES{size}-GCM-16"], origin)
        elif word.removeprefix("esp-") in ("des", "3des", "null"):
            found.words(_PHASE2[0], [_ENCRYPTION[word.removeprefix("esp-")]], origin)
        elif word.endswith("-hmac") and word.startswith("esp-") and word[4:-5] in _INTEGRITY:
            found.words(_PHASE2[1], [_INTEGRITY[word[4:-5]]], origin)
        elif word not in _SIZES:
            found.gap(transform.line, "the transform-set has a word that is not understood", *_PHASE2)


READER = Reader("Cisco IOS", recognises, read)
