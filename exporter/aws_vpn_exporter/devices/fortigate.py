"""Reads FortiGate's configuration (FortiOS): route-based IPsec, `vpn ipsec phase1-interface` and `phase2-interface`.

In force is a phase 1 whose tunnel interface is not set down. Each VDOM has its own. `show` leaves out what is at its
default; the FortiOS CLI reference has the same for these in all releases: IKE version 1, 86400 s for phase 1, 43200 s
for phase 2. Other defaults depend on the release and stay unknown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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
_KEPT = frozenset(
    {"remote-gw", "remote-gw6", "ip-version", "ike-version", "keylife", "proposal", "dhgrp", "phase1name", "pfs"}
    | {"keylifeseconds", "keylife-type", "status", "type"}
)
"""The settings that are read; the values of all others are dropped where they stand."""

_ENCRYPTION = {f"aes{bits}": f"AES{bits}" for bits in (128, 192, 256)} | {"3des": "3DES", "des": "DES", "null": "NULL"}
_AEAD = {f"aes{bits}gcm": f"AES{bits}-GCM-16" for bits in (128, 256)} | {"chacha20poly1305": "CHACHA20-POLY1305"}
_INTEGRITY = {"sha1": "SHA1", "md5": "MD5", **{f"sha{bits}": f"SHA2-{bits}" for bits in (256, 384, 512)}}


@dataclass
class _Entry:
    """An `edit` of a table: its line, and the kept settings, each with its words and line."""

    line: Line
    values: dict[str, tuple[tuple[str, ...], Line]] = field(default_factory=dict)

    def word(self, key: str) -> str:
        """The first word that the setting is set to; "" where it is not set."""
        words, _ = self.values.get(key, ((), self.line))
        return words[0] if words else ""


Table = dict[str, _Entry]


def recognises(text: str) -> bool:
    """Whether the text has FortiOS's tables of IPsec."""
    return re.search(r"^[ \t]*config vpn ipsec phase[12](-interface)?[ \t]*$", text, re.MULTILINE) is not None


def read(source: Source) -> DeviceSettings:
    """The peers of phase 1 entries, in each VDOM with the phase 2 entries that name them."""
    gaps: list[Gap] = []
    tables = _parsed(source, gaps)
    peers = [peer for vdom in tables for peer in _peers(vdom, tables, gaps)]
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


def _parsed(source: Source, gaps: list[Gap]) -> dict[str, dict[str, Table]]:
    """The tables by VDOM ("" without any) and name."""
    found: dict[str, dict[str, Table]] = {}
    stack: list[tuple[str, str]] = []
    vdom, entry = "", None
    for line, text in zip(source.lines, source.texts, strict=True):
        words = [word.strip("\"'") for word in text.split(maxsplit=_DEEPEST)[:_DEEPEST]]
        first = words[0] if words else ""
        if first == "config":
            stack.append(("config", " ".join(words[1:])))
        elif first == "edit" and words[1:]:
            if stack and stack[-1][0] == "edit":  # entries of one table are no parts of each other
                stack.pop()
            stack.append(("edit", words[1]))
            if len(stack) == 2 and stack[0] == ("config", "vdom"):
                vdom = words[1]
            table = found.setdefault(vdom, {}).setdefault(_table(stack), {})
            entry = table.setdefault(words[1], _Entry(line))
        elif first in ("next", "end"):
            closes = "edit" if first == "next" else "config"
            while stack and stack.pop()[0] != closes:
                pass
            entry = None
        elif first == "set" and words[1:] and entry and words[1] in _KEPT:
            entry.values[words[1]] = (tuple(words[2:]), line)
        elif first == "unset" and words[1:] and entry:
            entry.values.pop(words[1], None)
    if stack:
        gaps.append(Gap(None, "a section of the file is never closed with end"))
    return found


def _table(stack: list[tuple[str, str]]) -> str:
    """The name of the table that the innermost entry stands in."""
    return stack[-2][1] if len(stack) > 1 else ""


def _peers(vdom: str, tables: dict[str, dict[str, Table]], gaps: list[Gap]) -> Iterator[Peer]:
    here = tables[vdom]
    interfaces = {**tables.get("", {}).get("system interface", {}), **here.get("system interface", {})}
    for kind in ("vpn ipsec phase1-interface", "vpn ipsec phase1"):
        seconds: dict[str, list[_Entry]] = {}
        for entry in here.get(kind.replace("phase1", "phase2"), {}).values():
            seconds.setdefault(entry.word("phase1name"), []).append(entry)
        for name, entry in here.get(kind, {}).items():
            addresses = [found for key in ("remote-gw", "remote-gw6") if (found := address(entry.word(key)))]
            tunnel = interfaces.get(name)
            if not addresses:
                gaps.append(Gap(entry.line, "the phase 1 names its peer by no address"))
            elif tunnel and tunnel.word("status") == "down":
                gaps.append(Gap(entry.line, "the interface of the phase 1 is down: it is not in force"))
            else:
                yield _peer(entry, seconds.get(name, []), addresses)


def _peer(phase1: _Entry, seconds: list[_Entry], addresses: list[str]) -> Peer:
    found = Findings()
    version = phase1.word("ike-version") or "1"
    if version in ("1", "2"):
        found.words("IkeVersions", [f"ikev{version}"], _where(phase1, "ike-version", "which is 1"))
    else:
        found.gap(phase1.line, "this ike-version is not understood", "IkeVersions")
    _number(found, phase1, "keylife", "Phase1LifetimeSeconds", 86400)
    _proposals(found, phase1, PHASE1_SETS)
    _groups(found, phase1, PHASE1_SETS[2])
    if not seconds:
        found.gap(phase1.line, "no phase 2 of the file names this phase 1", "Phase2LifetimeSeconds", *PHASE2_SETS)
    for phase2 in seconds:
        if phase2.word("keylife-type") == "kbs":
            found.gap(phase2.line, "phase 2 ends by volume, not by time", "Phase2LifetimeSeconds")
        _number(found, phase2, "keylifeseconds", "Phase2LifetimeSeconds", 43200)
        _proposals(found, phase2, PHASE2_SETS)
        if phase2.word("pfs") == "disable":
            found.words(PHASE2_SETS[2], [NO_GROUP], _where(phase2, "pfs", ""))
        else:
            _groups(found, phase2, PHASE2_SETS[2])
    said = "how long FortiOS waits for a dead peer follows from its retries, not from a time-out"
    found.gap(phase1.line, said, "DpdTimeoutSeconds")
    return found.peer(f"phase 1 (line {phase1.line})", addresses)


def _where(entry: _Entry, key: str, default: str) -> str:
    stated = entry.values.get(key)
    return f"{key} (line {stated[1]})" if stated else f"no {key} (line {entry.line}), {default}"


def _number(found: Findings, entry: _Entry, key: str, option: str, default: int) -> None:
    said = entry.word(key) if key in entry.values else str(default)
    if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII):
        found.number(option, int(said), _where(entry, key, f"which is {default} s"))
    else:
        found.gap(entry.line, f"this {key} is not understood", option)


def _groups(found: Findings, entry: _Entry, option: str) -> None:
    words, line = entry.values.get("dhgrp", ((), entry.line))
    if words and all(re.fullmatch(r"[1-9][0-9]?", word, re.ASCII) for word in words):
        found.words(option, words, f"dhgrp (line {line})")
    else:
        found.gap(line, "has no dhgrp: the default depends on the release", option)


def _proposals(found: Findings, entry: _Entry, options: tuple[str, ...]) -> None:
    """States `aes128-sha1 aes256gcm-prfsha384`: ciphers, each with a hash, or with GCM a PRF or nothing."""
    words, line = entry.values.get("proposal", ((), entry.line))
    if not words:
        found.gap(line, "has no proposal: the default depends on the release", *options[:2])
    for word in words:
        cipher, _, check = word.lower().partition("-")
        if cipher in _AEAD:
            found.words(options[0], [_AEAD[cipher]], f"proposal (line {line})")
        elif cipher in _ENCRYPTION and check in _INTEGRITY:
            found.words(options[0], [_ENCRYPTION[cipher]], f"proposal (line {line})")
            found.words(options[1], [_INTEGRITY[check]], f"proposal (line {line})")
        else:
            found.gap(line, "a proposal is not understood", *options[:2])


READER = Reader(
    "FortiGate",
    recognises,
    read,
    reads="`vpn ipsec phase1-interface` with its `phase2-interface`, in each VDOM, unless the tunnel interface is down",
    defaults="IKE version 1, 86400 s for phase 1, 43200 s for phase 2; others depend on the release and stay unknown",
)
