"""What a customer gateway's own configuration file says, in AWS's words, and what could not be read in it.

Nothing here holds a secret, and no text of the file is repeated but the names of its sections and numbers: a gap names
its line in the file.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

from aws_vpn_exporter.devices.source import Source
from aws_vpn_exporter.options import BY_NAME, OptionValue, OptionValues, ordered

PHASE1_SETS = ("Phase1EncryptionAlgorithms", "Phase1IntegrityAlgorithms", "Phase1DHGroupNumbers")
PHASE2_SETS = ("Phase2EncryptionAlgorithms", "Phase2IntegrityAlgorithms", "Phase2DHGroupNumbers")
READABLE = (
    "Phase1LifetimeSeconds",
    "Phase2LifetimeSeconds",
    "DpdTimeoutSeconds",
    "IkeVersions",
    *PHASE1_SETS,
    *PHASE2_SETS,
)
"""The options, by AWS's name, that a reader looks for."""

NO_GROUP = "none"
"""Takes the place of a Diffie-Hellman group where the device rekeys phase 2 without one, which AWS does not permit."""

_MOST_GAPS, _MOST_ORIGINS = 40, 4


class Gap(NamedTuple):
    """Something that could not be read, or that AWS has no counterpart of: its line, the reason, and the options."""

    line: int | None
    about: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"line {self.line}: {self.about}" if self.line else self.about


class Stated(NamedTuple):
    """An option's value at the device, and where in the file it comes from."""

    value: OptionValue
    origin: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer of the device that is in force: what is set for it, by AWS's name of the option, and what is unknown."""

    name: str
    addresses: tuple[str, ...]
    stated: Mapping[str, Stated]
    gaps: tuple[Gap, ...] = ()

    @property
    def options(self) -> OptionValues:
        """The values alone, as a policy's `customer_gateway` holds them."""
        return {name: stated.value for name, stated in self.stated.items()}


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """A device's configuration file. `format` is the reader's title; `gaps` are those of the whole file.

    `peers` holds those in force only. One that is not (applied nowhere, shut down) is a gap of the whole file.
    """

    format: str
    peers: tuple[Peer, ...]
    gaps: tuple[Gap, ...] = ()

    def by_address(self) -> Mapping[str, Peer]:
        """The peer at each address; several at one address are one peer, with what all of them agree on."""
        found: dict[str, list[Peer]] = {}
        for peer in self.peers:
            for at in dict.fromkeys(peer.addresses):
                found.setdefault(at, []).append(peer)
        return {at: peers[0] if len(peers) == 1 else _agreed(at, peers) for at, peers in sorted(found.items())}

    def peer(self, outside_ip: str) -> Peer | None:
        """The peer at this outside address of a tunnel; None where none is in force."""
        return self.by_address().get(address(outside_ip) or "")


def _agreed(at: str, peers: list[Peer]) -> Peer:
    """What all the peers say alike; nothing where two of them state different values."""
    names = ", ".join(peer.name for peer in peers[:4]) + (f" and {len(peers) - 4} more" if len(peers) > 4 else "")
    several = f"the file has {len(peers)} peers at this address ({names})"
    stated = {name for peer in peers for name in peer.stated}
    values = {name: {peer.stated[name].value for peer in peers if name in peer.stated} for name in stated}
    apart = tuple(name for name in READABLE if len(values.get(name, ())) > 1)
    gaps = dict.fromkeys(gap for peer in peers for gap in peer.gaps)
    if apart:
        keys = ", ".join(BY_NAME[name].key for name in apart)
        said = Gap(
            None, f"{several}, which disagree on {keys}: which one holds is not known, so none is taken", READABLE
        )
        return Peer(names, (at,), {}, in_file_order([said, *gaps]))
    by_all = {name: value for name, value in peers[0].stated.items() if all(name in peer.stated for peer in peers)}
    unknown = tuple(name for name in READABLE if name in stated and name not in by_all)
    said = Gap(None, f"{several}; an option counts where all of them state it", unknown)
    return Peer(names, (at,), by_all, in_file_order([said, *gaps]))


@dataclass(frozen=True, slots=True)
class Reader:
    """A vendor's format.

    `title` names it to a person, `recognises` says whether a text is of it, and `read` reads such a text: it never
    raises, whatever the text. `reads` says in a sentence where it looks, `defaults` which values it takes for what the
    file leaves out, for the documentation.
    """

    title: str
    recognises: Callable[[str], bool]
    read: Callable[[Source], DeviceSettings]
    reads: str
    defaults: str


def address(text: str) -> str | None:
    """The address in canonical form; None for a name, a network or a wildcard."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def in_file_order(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The gaps by line, those about the whole file first; of very many the first, and how many there are more."""
    by_line = sorted(gaps, key=lambda gap: gap.line or 0)
    kept, rest = by_line[:_MOST_GAPS], by_line[_MOST_GAPS:]
    if rest:
        options = {option for gap in rest for option in gap.options}
        kept.append(Gap(None, f"{len(rest)} more such things", tuple(name for name in READABLE if name in options)))
    return tuple(kept)


class Findings:
    """Collects what is read about one peer; sets add up, and two different numbers are a gap."""

    def __init__(self) -> None:
        self._gaps: dict[Gap, None] = {}
        self._words: dict[str, set[str]] = {}
        self._numbers: dict[str, set[int]] = {}
        self._origins: dict[str, dict[str, None]] = {}
        self._known: dict[str, Stated] = {}

    def words(self, option: str, words: Iterable[str], origin: str) -> None:
        """Add members to an option that is a set."""
        self._words.setdefault(option, set()).update(words)
        self._note(option, origin)

    def number(self, option: str, number: int, origin: str) -> None:
        """State an option that is a number."""
        self._numbers.setdefault(option, set()).add(number)
        self._note(option, origin)

    def gap(self, line: int | None, about: str, *options: str) -> None:
        """Say what is not known; once."""
        self._gaps[Gap(line, about, options)] = None

    def share(self, part: Peer) -> None:
        """Take over what was found once for several peers."""
        self._known |= part.stated
        self._gaps |= dict.fromkeys(part.gaps)

    def peer(self, name: str, addresses: Iterable[str]) -> Peer:
        """The peer with all that was found; an option with a gap counts as not known, even where a part was read."""
        for option, numbers in self._numbers.items():
            if len(numbers) > 1:
                different = " and ".join(map(str, sorted(numbers)[:4]))
                self.gap(None, f"set to {different} in different places: which holds is not known", option)
        unknown = {option for gap in self._gaps for option in gap.options}
        values: dict[str, OptionValue] = {option: ordered(words) for option, words in self._words.items() if words}
        values |= {option: min(numbers) for option, numbers in self._numbers.items()}
        found = self._known | {option: Stated(value, self._origin(option)) for option, value in values.items()}
        stated = {option: found[option] for option in READABLE if option in found and option not in unknown}
        return Peer(name, tuple(addresses), stated, in_file_order(self._gaps))

    def _note(self, option: str, origin: str) -> None:
        self._origins.setdefault(option, {})[origin] = None

    def _origin(self, option: str) -> str:
        origins = list(self._origins[option])
        more = f"; and {len(origins) - _MOST_ORIGINS} more" if len(origins) > _MOST_ORIGINS else ""
        return "; ".join(origins[:_MOST_ORIGINS]) + more
