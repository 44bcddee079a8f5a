"""Reads ipsec.conf, the form of strongSwan's older `ipsec` command and of Libreswan: its `conn` sections.

In force is a conn that `auto` loads; `ignore`, the default of both programs, does not. A conn takes settings over by
`also=`, and what it does not set from `conn %default`. `right` is taken for the far side, as is the custom, and `left`
where `right` names no address.

The two programs differ in keys, words and defaults. Which one a file is for is told by keys that only one of them has.
strongSwan's defaults are its manual's: 3 h for the IKE SA, 1 h for the CHILD SA, either IKE version; and it offers its
own proposals after those in the file unless they end in `!`. Libreswan's depend on its release, and stay unknown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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

_STRONGSWAN_ONLY = frozenset({"charondebug", "installpolicy", "closeaction", "margintime", "leftupdown", "reauth"})
_LIBRESWAN_ONLY = frozenset(
    {"ikev2", "phase2", "phase2alg", "salifetime", "protostack", "virtual-private", "virtual_private", "plutodebug"}
    | {"vti-interface", "vti-routing", "ipsec-interface", "encapsulation", "nat_traversal", "dumpdir", "logfile"}
)
_KEPT = frozenset(
    {"left", "right", "auto", "keyexchange", "ikev2", "ike", "esp", "pfs", "rekey"}
    | {"ikelifetime", "lifetime", "dpddelay", "dpdtimeout", "dpdaction"}
)
"""The keys that are read; the values of all others are dropped where they stand."""

_SAME_KEY = {"keylife": "lifetime", "salifetime": "lifetime", "phase2alg": "esp"}
_TIME = re.compile(r"(\d{1,9})\s*([smhd]?)", re.ASCII)
_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NAME = re.compile(r"[\w@/+-]{1,64}", re.ASCII)
_LONGEST_CHAIN, _MOST_STEPS = 50, 200_000


def recognises(text: str) -> bool:
    """Whether the text has a section `conn` or `config setup` at the margin."""
    return re.search(r"^(conn[ \t]+\S+|config[ \t]+setup)[ \t]*(#.*)?$", text, re.MULTILINE) is not None


@dataclass
class _Conn:
    """A section as it stands in the file."""

    line: Line
    values: dict[str, tuple[str, Line]] = field(default_factory=dict)
    also: list[str] = field(default_factory=list)


class _File:
    """The conns by name, and which program the file is for."""

    def __init__(self, source: Source) -> None:
        self.conns: dict[str, _Conn] = {}
        self.strongswan = self.libreswan = False
        self._steps = 0
        here: _Conn | None = None
        for line, text in zip(source.lines, source.texts, strict=True):
            said = text.partition("#")[0].rstrip()
            words = said.split()
            if said[:1].strip() and words:
                here = self.conns.setdefault(words[1], _Conn(line)) if words[0] == "conn" and words[1:] else None
            self._take(here, line, said)

    def _take(self, here: _Conn | None, line: Line, said: str) -> None:
        written, equals, value = said.strip().partition("=")
        key = written.strip().lower()
        if not equals:
            return
        self.strongswan |= key in _STRONGSWAN_ONLY
        self.libreswan |= key in _LIBRESWAN_ONLY
        key, value = _SAME_KEY.get(key, key), value.strip().strip('"')
        if key in ("ike", "esp"):
            self.strongswan |= value.endswith("!")
            self.libreswan |= ";" in value or "+" in value
        if here and key == "also":
            here.also.append(value)
        elif here and key in _KEPT:
            here.values[key] = (value, line)

    def chain(self, conn: _Conn) -> tuple[list[_Conn], str]:
        """The conn with those that it takes settings over from, the ones that win first; why it is incomplete."""
        found: dict[int, _Conn] = {}
        todo, incomplete = [conn], ""
        while todo:
            here = todo.pop()
            self._steps += 1
            if len(found) == _LONGEST_CHAIN or self._steps > _MOST_STEPS:
                return list(found.values()), "it takes settings over from too many sections"
            if id(here) in found:
                continue
            found[id(here)] = here
            for name in reversed(here.also[:_LONGEST_CHAIN]):
                if name in self.conns:
                    todo.append(self.conns[name])
                else:
                    incomplete = "it takes settings over from a section that the file does not have"
        if "%default" in self.conns:
            found.setdefault(id(self.conns["%default"]), self.conns["%default"])
        return list(found.values()), incomplete


def read(source: Source) -> DeviceSettings:
    """The peers of conns that are loaded."""
    file = _File(source)
    gaps = [Gap(line, why) for line, why in source.unread]
    peers: list[Peer] = []
    for name, section in file.conns.items():
        if name == "%default":
            continue
        conn = _Settings(file, section, "something that the file includes is not read" if source.unread else "")
        addresses = [found for side in ("right", "left") if (found := address(conn.said(side)))][:1]
        if not addresses:
            gaps.append(Gap(section.line, "the conn names its peer by no address"))
        elif conn.said("auto") in ("", "ignore"):
            gaps.append(Gap(section.line, "`auto` does not load the conn: it is not in force"))
        else:
            peers.append(_Reading(conn).peer(name, addresses))
    return DeviceSettings(READER.title, tuple(peers), in_file_order(gaps))


class _Settings:
    """A conn with all that it takes over. `unknown` says why a key that is not there may be set all the same."""

    def __init__(self, file: _File, section: _Conn, unread: str) -> None:
        self._chain, incomplete = file.chain(section)
        self.unknown = unread or incomplete
        self.line = section.line
        self.is_strongswan = file.strongswan and not file.libreswan
        self.is_libreswan = file.libreswan and not file.strongswan

    def value(self, key: str) -> tuple[str, Line] | None:
        """What the key is set to, and its line; None where it is set nowhere."""
        return next((conn.values[key] for conn in self._chain if key in conn.values), None)

    def said(self, key: str) -> str:
        """What the key is set to; "" where it is set nowhere."""
        return (self.value(key) or ("",))[0]


class _Reading:
    """Reads one conn."""

    def __init__(self, conn: _Settings) -> None:
        self._conn = conn
        self._found = Findings()

    def peer(self, name: str, addresses: list[str]) -> Peer:
        """The peer with what the conn says."""
        self._version()
        self._lifetime("ikelifetime", "Phase1LifetimeSeconds", 3 * 3600)
        self._lifetime("lifetime", "Phase2LifetimeSeconds", 3600)
        self._dpd()
        self._proposals("ike", PHASE1_SETS)
        self._proposals("esp", PHASE2_SETS)
        shown = f"conn {name}" if _NAME.fullmatch(name) else "conn"
        return self._found.peer(f"{shown} (line {self._conn.line})", addresses)

    def _default_is_unknown(self, key: str, *options: str) -> bool:
        """Says why the key's default is not known, where that is so."""
        why = self._conn.unknown
        if not why and not self._conn.is_strongswan:
            program = "Libreswan's" if self._conn.is_libreswan else "the program's"
            why = f"{program} default depends on its release"
        if why:
            self._found.gap(self._conn.line, f"{key} is not set here, and {why}", *options)
        return bool(why)

    def _version(self) -> None:
        option = "IkeVersions"
        key = "ikev2" if self._conn.value("ikev2") else "keyexchange"
        stated = self._conn.value(key)
        if not stated or (key == "keyexchange" and stated[0] == "ike"):
            if not self._default_is_unknown(key, option):
                self._found.words(option, ("ikev1", "ikev2"), "no keyexchange, which accepts both")
            return
        known = {"ikev1": "ikev1", "ikev2": "ikev2", "no": "ikev1", "never": "ikev1", "insist": "ikev2", "yes": "ikev2"}
        if stated[0] in known:
            self._found.words(option, (known[stated[0]],), f"{key} (line {stated[1]})")
        else:
            self._found.gap(stated[1], f"what this {key} permits depends on the release", option)

    def _seconds(self, key: str, option: str) -> int | None:
        stated = self._conn.value(key)
        match = _TIME.fullmatch(stated[0]) if stated else None
        if stated and not match:
            self._found.gap(stated[1], f"the time of {key} is not understood", option)
        return int(match[1]) * _UNIT[match[2]] if match else None

    def _lifetime(self, key: str, option: str, default: int) -> None:
        stated = self._conn.value(key)
        seconds = self._seconds(key, option)
        if stated and seconds is not None:
            self._found.number(option, seconds, f"{key} (line {stated[1]})")
        elif not stated and not self._default_is_unknown(key, option):
            self._found.number(option, default, f"no {key}, which is {default} s with strongSwan")

    def _dpd(self) -> None:
        option = "DpdTimeoutSeconds"
        stated = self._conn.value("dpdtimeout")
        seconds = self._seconds("dpdtimeout", option)
        ikev1 = self._conn.said("keyexchange") == "ikev1" or self._conn.said("ikev2") in ("no", "never")
        if stated and seconds is not None and ikev1 and self._conn.said("dpdaction") not in ("", "none"):
            self._found.number(option, seconds, f"dpdtimeout (line {stated[1]})")
        else:
            said = "the time-out of dead peer detection follows from more than the file says (dpdtimeout is for IKEv1)"
            self._found.gap(stated[1] if stated else self._conn.line, said, option)

    def _proposals(self, key: str, options: tuple[str, ...]) -> None:
        stated = self._conn.value(key)
        if stated is None:
            said = f"has no {key}: the default depends on the release"
            self._found.gap(self._conn.line, said, *options)
            return
        said, line = stated
        if self._conn.is_strongswan and not said.endswith("!"):
            self._found.gap(line, f"{key} does not end in `!`: strongSwan offers its own proposals as well", *options)
        words = [list(_words(part)) for part in said.lower().removesuffix("!").split(",")]
        if not self._conn.is_strongswan and any("aes" in proposal for proposal in words):
            self._found.gap(
                line, f"{key} has aes without its size: which ones that is depends on the release", *options
            )
        plain = ",".join("-".join(proposal) for proposal in words)
        if key == "ike":
            strongswan.phase1(self._found, plain, line, key)
        else:
            self._no_group(words, line)
            strongswan.phase2(self._found, plain, line, key)

    def _no_group(self, words: list[list[str]], line: Line) -> None:
        """Libreswan rekeys phase 2 with the group of phase 1 where the proposal names none and `pfs` is not off."""
        if self._conn.is_strongswan or self._conn.said("pfs") == "no":
            return
        if not all(any(strongswan.is_group(word) for word in proposal) for proposal in words):
            said = "esp names no group: which one is used depends on the program and on phase 1"
            self._found.gap(line, said, "Phase2DHGroupNumbers")


def _words(proposal: str) -> Iterator[str]:
    """The words of a proposal in strongSwan's spelling; Libreswan's lists have `;` before groups and `+` between."""
    for word in re.split(r"[-;+]", proposal.strip()):
        gcm = re.fullmatch(r"aes_gcm(?:_16_|_c_|_)?(128|192|256)", word)
        if gcm:
            yield f"aes{gcm[1]}gcm16"
        elif word == "sha2":
            yield "sha256"
        elif group := re.fullmatch(r"dh_?(\d{1,2})", word, re.ASCII):
            yield strongswan.group_word(group[1])
        elif word != "null":
            yield word


READER = Reader(
    "ipsec.conf (strongSwan, Libreswan)",
    recognises,
    read,
    reads="`conn` sections that `auto` loads, with `also`, `conn %default` and the files that are included",
    defaults="strongSwan: IKE SA 3 h, CHILD SA 1 h, both IKE versions; Libreswan's depend on the release, unknown",
)
