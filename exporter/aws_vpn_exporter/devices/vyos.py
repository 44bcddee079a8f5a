"""Reads VyOS's configuration (`vpn ipsec`), in braces as it saves it or as `set` commands; EdgeOS has the same form.

In force is a site-to-site peer that is not disabled, nor the VTI that it is bound to. A peer stands by its address
(VyOS 1.3 and before) or by a name with `remote-address` (1.4 on). Lifetimes have one default in all releases: 28800 s
for an ike-group, 3600 s for an esp-group. Other defaults depend on the release and stay unknown.
"""

import re
from collections.abc import Iterator

from aws_vpn_exporter.devices.settings import (
    NO_GROUP,
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

_DEEPEST = 30
_ENCRYPTION = {f"aes{bits}": f"AES{bits}" for bits in (128, 192, 256)} | {"3des": "3DES", "des": "DES", "null": "NULL"}
_ENCRYPTION |= {f"aes{bits}gcm{octets}": f"AES{bits}-GCM-16" for bits in (128, 192, 256) for octets in (16, 128)}
_INTEGRITY = {"sha1": "SHA1", "md5": "MD5", **{f"sha{bits}": f"SHA2-{bits}" for bits in (256, 384, 512)}}


class _Node:
    """A word of the configuration with the words below it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.below: dict[str, _Node] = {}

    def add(self, word: str, line: Line) -> "_Node":
        """The node of a word below this one."""
        return self.below.setdefault(word, _Node(line))

    def at(self, *path: str) -> "_Node | None":
        """The node at the path below this one; None where there is none."""
        here: _Node | None = self
        for word in path:
            here = here.below.get(word) if here else None
        return here

    def value(self, *path: str) -> tuple[str, Line] | None:
        """The word below the path, and its line; of several the last, which holds."""
        node = self.at(*path)
        return next(((word, below.line) for word, below in reversed(node.below.items())), None) if node else None


def recognises(text: str) -> bool:
    """Whether the text has VyOS's `vpn ipsec`, in either form."""
    if re.search(r"^[ \t]*set vpn ipsec ", text, re.MULTILINE):
        return True
    return bool(
        re.search(r"^vpn[ \t]*\{", text, re.MULTILINE) and re.search(r"^[ \t]+ipsec[ \t]*\{", text, re.MULTILINE)
    )


def read(source: Source) -> DeviceSettings:
    """The site-to-site peers."""
    gaps: list[Gap] = []
    top = _parsed(source, gaps)
    peers: list[Peer] = []
    sites = top.at("vpn", "ipsec", "site-to-site", "peer")
    for name, node in (sites.below if sites else {}).items():
        stated = node.value("remote-address")
        addresses = list(filter(None, (address(stated[0] if stated else name),)))
        if why := _not_in_force(top, node):
            gaps.append(Gap(node.line, why))
        elif not addresses:
            gaps.append(Gap(node.line, "the peer has no address"))
        else:
            peers.append(_peer(top, node, addresses))
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _parsed(source: Source, gaps: list[Gap]) -> _Node:
    """Both forms as one tree, without the keys, which are dropped where they stand."""
    top = _Node(source.lines[0])
    stack = [top]
    for line, text in zip(source.lines, source.texts, strict=True):
        words = [word.strip("'\"") for word in text.split(maxsplit=_DEEPEST)[:_DEEPEST]]
        if not words or words[0].startswith(("#", "//", "/*")):
            continue
        if words[0] == "set":
            _put(top, words[1:], line)
        elif words == ["}"]:
            if len(stack) > 1:
                stack.pop()
            else:
                gaps.append(Gap(line, "a closing brace without its opening one"))
        elif words[-1] == "{":
            stack.append(_put(stack[-1], words[:-1], line))
        elif words[0] not in ("delete", "deactivate"):
            _put(stack[-1], words, line)
    if len(stack) > 1:
        gaps.append(Gap(stack[-1].line, "the section that opens here is never closed"))
    return top


def _put(here: _Node, words: list[str], line: Line) -> _Node:
    for word in words:
        if word in ("pre-shared-secret", "secret", "plaintext-password", "encrypted-password"):
            break
        here = here.add(word, line)
    return here


def _not_in_force(top: _Node, peer: _Node) -> str:
    """Why a peer is not in force; "" where it is."""
    if peer.at("disable"):
        return "the peer is disabled: it is not in force"
    bound = peer.value("vti", "bind")
    if bound and top.at("interfaces", "vti", bound[0], "disable"):
        return "the peer's VTI is disabled: it is not in force"
    return ""


def _peer(top: _Node, peer: _Node, addresses: list[str]) -> Peer:
    found = Findings()
    groups = top.at("vpn", "ipsec") or top
    ike = _group(found, groups, "ike-group", peer.value("ike-group"), peer.line, _PHASE1)
    if ike:
        _version(found, ike)
        _lifetime(found, ike, "Phase1LifetimeSeconds", 28800)
        _proposals(found, ike, PHASE1_SETS[:2])
        _ike_groups(found, ike)
        _dpd(found, ike)
    named = list(_esp_groups(peer))
    if not named:
        found.gap(peer.line, "the peer names no esp-group", *_PHASE2)
    for stated in dict.fromkeys(named):
        esp = _group(found, groups, "esp-group", stated, peer.line, _PHASE2)
        if esp:
            _lifetime(found, esp, "Phase2LifetimeSeconds", 3600)
            _proposals(found, esp, PHASE2_SETS[:2])
            _pfs(found, esp, ike)
    return found.peer(f"peer (line {peer.line})", addresses)


_PHASE1 = ("IkeVersions", "Phase1LifetimeSeconds", "DpdTimeoutSeconds", *PHASE1_SETS)
_PHASE2 = ("Phase2LifetimeSeconds", *PHASE2_SETS)


def _group(
    found: Findings, ipsec: _Node, kind: str, stated: tuple[str, Line] | None, line: Line, options: tuple[str, ...]
) -> _Node | None:
    """The ike-group or esp-group that the peer names; a gap where it does not, or the file does not have it."""
    node = ipsec.at(kind, stated[0]) if stated else None
    if node is None:
        found.gap(stated[1] if stated else line, f"names no {kind} that the file has", *options)
    return node


def _esp_groups(peer: _Node) -> Iterator[tuple[str, Line]]:
    """The esp-group of the VTI and of each tunnel that is not disabled; else the peer's default one."""
    own = peer.value("vti", "esp-group")
    if own:
        yield own
    elif peer.at("vti") and (default := peer.value("default-esp-group")):
        yield default
    tunnels = peer.at("tunnel")
    for tunnel in tunnels.below.values() if tunnels else ():
        stated = tunnel.value("esp-group") or peer.value("default-esp-group")
        if stated and not tunnel.at("disable"):
            yield stated


def _version(found: Findings, ike: _Node) -> None:
    stated = ike.value("key-exchange")
    if stated and stated[0] in ("ikev1", "ikev2"):
        found.words("IkeVersions", [stated[0]], f"key-exchange (line {stated[1]})")
    else:
        found.gap(ike.line, "has no key-exchange: the default depends on the release", "IkeVersions")


def _lifetime(found: Findings, group: _Node, option: str, default: int) -> None:
    stated = group.value("lifetime")
    if not stated:
        found.number(option, default, f"no lifetime (line {group.line}), which is {default} s")
    elif re.fullmatch(r"[0-9]{1,9}", stated[0], re.ASCII):
        found.number(option, int(stated[0]), f"lifetime (line {stated[1]})")
    else:
        found.gap(stated[1], "this lifetime is not understood", option)


def _proposals(found: Findings, group: _Node, options: tuple[str, ...]) -> None:
    """States encryption and integrity of each proposal."""
    proposals = group.at("proposal")
    if not proposals:
        found.gap(group.line, "has no proposal: the default depends on the release", *options)
        return
    for proposal in proposals.below.values():
        cipher = proposal.value("encryption")
        aead = bool(cipher and "gcm" in cipher[0])
        _word(found, proposal, "encryption", _ENCRYPTION, options[0])
        if not aead:
            _word(found, proposal, "hash", _INTEGRITY, options[1])


def _word(found: Findings, proposal: _Node, key: str, table: dict[str, str], option: str) -> None:
    stated = proposal.value(key)
    if not stated:
        found.gap(proposal.line, f"has no {key}: the default depends on the release", option)
    elif stated[0] in table:
        found.words(option, [table[stated[0]]], f"{key} (line {stated[1]})")
    else:
        found.gap(stated[1], f"this {key} is not understood", option)


def _ike_groups(found: Findings, ike: _Node) -> None:
    option = PHASE1_SETS[2]
    proposals = ike.at("proposal")
    for proposal in proposals.below.values() if proposals else ():
        stated = proposal.value("dh-group")
        if stated and re.fullmatch(r"[1-9][0-9]?", stated[0], re.ASCII):
            found.words(option, [stated[0]], f"dh-group (line {stated[1]})")
        else:
            found.gap(proposal.line, "has no dh-group: the default depends on the release", option)
    if not proposals:
        found.gap(ike.line, "has no proposal: the default depends on the release", option)


def _pfs(found: Findings, esp: _Node, ike: _Node | None) -> None:
    """`enable`, the default, takes the group of phase 1, which is known where phase 1 has one only."""
    option = PHASE2_SETS[2]
    said, line = esp.value("pfs") or ("enable", esp.line)
    number = re.fullmatch(r"dh-group([1-9][0-9]?)", said, re.ASCII)
    if number:
        found.words(option, [number[1]], f"pfs (line {line})")
    elif said == "disable":
        found.words(option, [NO_GROUP], f"pfs (line {line})")
    elif said == "enable":
        proposals = ike.at("proposal") if ike else None
        groups = {(p.value("dh-group") or ("",))[0] for p in proposals.below.values()} if proposals else set()
        group = groups.pop() if len(groups) == 1 else ""
        if re.fullmatch(r"[1-9][0-9]?", group, re.ASCII):
            found.words(option, [group], f"pfs, with the group of phase 1 (line {line})")
        else:
            found.gap(line, "pfs takes the group of phase 1, which is not a single one", option)
    else:
        found.gap(line, "this pfs is not understood", option)


def _dpd(found: Findings, ike: _Node) -> None:
    option = "DpdTimeoutSeconds"
    timeout = ike.value("dead-peer-detection", "timeout")
    version = ike.value("key-exchange")
    if timeout and version and version[0] == "ikev1" and re.fullmatch(r"[0-9]{1,9}", timeout[0], re.ASCII):
        found.number(option, int(timeout[0]), f"dead-peer-detection timeout (line {timeout[1]})")
    else:
        said = "the time-out of dead peer detection is not in the file, or not in use: `timeout` is for IKEv1"
        found.gap(timeout[1] if timeout else ike.line, said, option)


READER = Reader(
    "VyOS",
    recognises,
    read,
    reads="`vpn ipsec site-to-site` with its ike-group and esp-group, in braces or as `set` commands, unless disabled",
    defaults="28800 s for an ike-group, 3600 s for an esp-group; others depend on the release and stay unknown",
)
