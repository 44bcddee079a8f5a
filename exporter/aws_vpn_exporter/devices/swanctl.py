"""Reads strongSwan's swanctl.conf (5.x and 6.x): section `connections`, and none of the secrets.

AWS's lifetime is the one after which a security association ends, so it is compared with the time at which strongSwan
closes one, not with the time at which it rekeys. That is also what strongSwan announces to an IKEv1 peer. As its
manual documents: an IKE SA is closed `over_time` (10 % by default) after `rekey_time` (4 h by default) or
`reauth_time`; a CHILD SA after `life_time`, by default 10 % more than its `rekey_time` (1 h by default).
"""

import re
from collections.abc import Iterator, Mapping
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

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<include>include[ \t][^\n]*)
      | (?P<close>\})
      | (?P<open>(?P<section>[^\s{}=:,."\#]+)\s*(?P<references>:[^\n{}=\#]{0,256})?\{)
      | (?P<pair>(?P<key>[^\s{}=:,."\#]+)[ \t]*=[ \t]*(?P<value>"(?:[^"\\]|\\.)*"|[^\#}\n]*))
      | (?P<other>[^\s{}]+|\{)""",
    re.VERBOSE | re.DOTALL,
)
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

_GROUPS = {
    **{f"modp{bits}": group for bits, group in ((768, 1), (1024, 2), (1536, 5), (2048, 14), (3072, 15), (4096, 16))},
    **{f"modp{bits}": group for bits, group in ((6144, 17), (8192, 18))},
    "modp1024s160": 22,
    "modp2048s224": 23,
    "modp2048s256": 24,
    "ecp192": 25,
    "ecp224": 26,
    "ecp256": 19,
    "ecp384": 20,
    "ecp521": 21,
    "ecp224bp": 27,
    "ecp256bp": 28,
    "ecp384bp": 29,
    "ecp512bp": 30,
    "curve25519": 31,
    "x25519": 31,
    "curve448": 32,
    "x448": 32,
    "mlkem512": 35,
    "mlkem768": 36,
    "mlkem1024": 37,
}
"""strongSwan's key exchange keywords to the IANA numbers that AWS uses as well."""

_INTEGRITY = {
    "sha": "SHA1",
    "sha1": "SHA1",
    "md5": "MD5",
    "aesxcbc": "AES-XCBC",
    "aescmac": "AES-CMAC",
    **{f"sha{spelling}{bits}": f"SHA2-{bits}" for spelling in ("", "2_") for bits in (256, 384, 512)},
}
_ENCRYPTION = {
    "aes": "AES128",
    "3des": "3DES",
    "des": "DES",
    "null": "NULL",
    "chacha20poly1305": "CHACHA20-POLY1305",
    **{f"aes{bits}": f"AES{bits}" for bits in (128, 192, 256)},
    **{f"aes{bits}ctr": f"AES{bits}-CTR" for bits in (128, 192, 256)},
    **{f"camellia{bits}": f"CAMELLIA{bits}" for bits in (128, 192, 256)},
}
_AEAD = {
    f"aes{bits}{mode}{spelling}": f"AES{bits}-{mode.upper()}-{octets}"
    for bits in (128, 192, 256)
    for mode in ("gcm", "ccm")
    for octets in (8, 12, 16)
    for spelling in (str(octets), str(octets * 8), *([""] if octets == 16 else []))
} | {"chacha20poly1305": "CHACHA20-POLY1305"}
_AGNOSTIC = frozenset({"esn", "noesn"})


@dataclass
class _Section:
    """A section of the file: its line, the values of kept keys with their lines, and the sections in it."""

    line: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    sections: dict[str, "_Section"] = field(default_factory=dict)


def recognises(text: str) -> bool:
    """Whether the text has a section `connections`, which only swanctl.conf has."""
    return re.search(r"^[ \t]*connections\s*\{", text, re.MULTILINE) is not None


def read(text: str) -> DeviceSettings:
    """The peers under `connections`."""
    gaps: list[Gap] = []
    root = _parse(text, gaps)
    peers: list[Peer] = []
    for name, section in root.sections.get("connections", _Section(0)).sections.items():
        peer = _peer(name, section)
        peers.append(peer)
        if not peer.addresses:
            gaps.append(Gap(section.line, "the connection names its peer by no address in remote_addrs"))
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _parse(text: str, gaps: list[Gap]) -> _Section:
    root = _Section(0)
    stack = [root]
    line = 1
    for token in _TOKEN.finditer(text):
        here, said = stack[-1], token[0]
        if token["open"]:
            section = here.sections.setdefault(token["section"], _Section(line))  # a repeated one extends the first
            stack.append(section)
            if token["references"]:
                gaps.append(Gap(line, "takes settings over from other sections, which is not followed"))
        elif token["close"]:
            if len(stack) > 1:
                stack.pop()
            else:
                gaps.append(Gap(line, "a closing brace without its opening one"))
        elif token["pair"] and token["key"] in _KEPT:
            here.values[token["key"]] = (token["value"].strip().strip('"'), line)
        elif token["include"]:
            gaps.append(Gap(line, "includes another file, which is not read"))
        elif token["other"]:
            gaps.append(Gap(line, "is not understood"))
        line += said.count("\n")
    if len(stack) > 1:
        gaps.append(Gap(stack[-1].line, "the section that opens here is never closed"))
    return root


def _peer(name: str, section: _Section) -> Peer:
    found = Findings()
    version = section.values.get("version", ("0", 0))[0]
    _version(found, section)
    _phase1_lifetime(found, section)
    _dpd(found, section, version)
    _phase1_proposals(found, section)
    children = section.sections.get("children", _Section(section.line)).sections
    if not children:
        found.gap(section.line, "the connection has no children, so nothing says what phase 2 is", *_PHASE2)
    for child in children.values():
        _phase2_lifetime(found, child)
        _phase2_proposals(found, child)
    shown = f"connection {name}" if _NAME.fullmatch(name) else "connection"
    listed, _ = section.values.get("remote_addrs", ("", 0))
    addresses = filter(None, (address(part.strip()) for part in listed.split(",")))
    return found.peer(f"{shown} (line {section.line})", addresses)


_PHASE1 = ("Phase1EncryptionAlgorithms", "Phase1IntegrityAlgorithms", "Phase1DHGroupNumbers")
_PHASE2_PROPOSAL = ("Phase2EncryptionAlgorithms", "Phase2IntegrityAlgorithms", "Phase2DHGroupNumbers")
_PHASE2 = ("Phase2LifetimeSeconds", *_PHASE2_PROPOSAL)


def _version(found: Findings, section: _Section) -> None:
    said, line = section.values.get("version", ("0", section.line))
    versions = {"0": ("ikev1", "ikev2"), "1": ("ikev1",), "2": ("ikev2",)}.get(said)
    if versions is None:
        found.gap(line, "this version of IKE is not known", "IkeVersions")
    else:
        stated = "version" in section.values
        found.words("IkeVersions", versions, f"version (line {line})" if stated else "no version, which accepts both")


def _seconds(found: Findings, section: _Section, key: str, *options: str) -> int | None:
    """The key's time; None where it is not there, or unreadable, which is then a gap."""
    if key not in section.values:
        return None
    said, line = section.values[key]
    match = _TIME.fullmatch(said)
    if match is None:
        found.gap(line, f"the time of {key} is not understood", *options)
        return None
    return int(match[1]) * _UNIT[match[2]]


def _phase1_lifetime(found: Findings, section: _Section) -> None:
    option = "Phase1LifetimeSeconds"
    reauth = _seconds(found, section, "reauth_time", option) or 0
    rekey = _seconds(found, section, "rekey_time", option)
    over = _seconds(found, section, "over_time", option)
    if rekey is None:
        rekey = 0 if reauth else 4 * 3600
    if rekey and reauth:
        found.gap(section.line, "has both rekey_time and reauth_time: which one ends the SA is not known", option)
    elif not rekey and not reauth:
        found.gap(section.line, "rekeys never, so that no lifetime follows", option)
    else:
        key = "rekey_time" if rekey else "reauth_time"
        base = rekey or reauth
        more = f"over_time {over} s" if over is not None else "over_time, 10 % of it"
        total = base + (over if over is not None else base // 10)
        found.number(option, total, f"{_where(section, key)} {base} s, and {more}: when strongSwan closes the SA")


def _phase2_lifetime(found: Findings, child: _Section) -> None:
    option = "Phase2LifetimeSeconds"
    life = _seconds(found, child, "life_time", option)
    rekey = _seconds(found, child, "rekey_time", option)
    if life:
        found.number(option, life, f"{_where(child, 'life_time')} {life} s: when strongSwan closes the SA")
        return
    rekey = 3600 if rekey is None else rekey
    if life == 0 or not rekey:
        found.gap(child.line, "has no life_time and does not rekey, so that no lifetime follows", option)
    else:
        origin = f"{_where(child, 'rekey_time')} {rekey} s, and 10 % more: when strongSwan closes the SA"
        found.number(option, rekey * 110 // 100, origin)


def _where(section: _Section, key: str) -> str:
    return f"{key} (line {section.values[key][1]})" if key in section.values else f"{key} by default"


def _dpd(found: Findings, section: _Section, version: str) -> None:
    option = "DpdTimeoutSeconds"
    delay = _seconds(found, section, "dpd_delay", option)
    timeout = _seconds(found, section, "dpd_timeout", option)
    line = section.values.get("dpd_delay", ("", section.line))[1]
    if not delay:
        found.gap(line, "dpd_delay is not set: the device does not look whether AWS is alive", option)
    elif version == "1" and timeout:
        found.number(option, timeout, f"{_where(section, 'dpd_timeout')} {timeout} s")
    else:
        found.gap(
            line,
            f"the device checks every {delay} s, but its time-out follows from the retransmission settings in "
            "strongswan.conf, about 165 s by default (dpd_timeout is for IKEv1 only)",
            option,
        )


def _phase1_proposals(found: Findings, section: _Section) -> None:
    said, line = section.values.get("proposals", ("default", section.line))
    for proposal in _proposals(found, said, line, "proposals", _PHASE1):
        _state(found, proposal, line, "proposals", _PHASE1)
        if proposal.aead:
            found.gap(line, "a proposal with an AEAD cipher (such as GCM) names no integrity algorithm but a PRF")


def _phase2_proposals(found: Findings, child: _Section) -> None:
    if "ah_proposals" in child.values:
        found.gap(child.values["ah_proposals"][1], "uses AH, which AWS does not have", *_PHASE2_PROPOSAL)
    said, line = child.values.get("esp_proposals", ("default", child.line))
    for proposal in _proposals(found, said, line, "esp_proposals", _PHASE2_PROPOSAL):
        proposal.groups = proposal.groups or {NO_GROUP}
        _state(found, proposal, line, "esp_proposals", _PHASE2_PROPOSAL)


@dataclass
class _Proposal:
    encryption: set[str] = field(default_factory=set)
    integrity: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    aead: bool = False


def _proposals(found: Findings, said: str, line: int, key: str, options: tuple[str, ...]) -> Iterator[_Proposal]:
    for proposal in said.lower().split(","):
        if proposal.strip() == "default":
            found.gap(line, f"leaves {key} to strongSwan's default, which depends on its release", *options)
        else:
            yield _proposal(found, proposal.strip(), line, key, options)


def _proposal(found: Findings, said: str, line: int, key: str, options: tuple[str, ...]) -> _Proposal:
    proposal = _Proposal()
    for word in said.split("-"):
        if word in _AEAD:
            proposal.aead = True
            proposal.encryption.add(_AEAD[word])
        elif word in _ENCRYPTION:
            proposal.encryption.add(_ENCRYPTION[word])
        elif word in _INTEGRITY:
            proposal.integrity.add(_INTEGRITY[word])
        elif word in _GROUPS:
            proposal.groups.add(str(_GROUPS[word]))
        elif word in ("none", "modpnone"):
            proposal.groups.add(NO_GROUP)
        elif re.fullmatch(r"ke[1-7]_[a-z0-9]+", word):
            found.gap(line, f"{key} has further key exchanges, which are not read")
        elif not re.fullmatch(r"prf[a-z0-9]+", word) and word not in _AGNOSTIC:
            found.gap(line, f"{key} has a word that is not understood", *options)
    return proposal


def _state(found: Findings, proposal: _Proposal, line: int, key: str, options: tuple[str, ...]) -> None:
    sets: Mapping[str, set[str]] = dict(
        zip(options, (proposal.encryption, proposal.integrity, proposal.groups), strict=True)
    )
    for option, words in sets.items():
        if words:
            found.words(option, words, f"{key} (line {line})")


READER = Reader("strongSwan swanctl.conf", recognises, read)
