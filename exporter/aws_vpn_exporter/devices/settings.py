"""What a customer gateway's own configuration file says, in AWS's words, and what could not be read in it.

Nothing here holds a secret, and no text of the file is repeated but the names of its sections and numbers: a gap names
its line in the file.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import NamedTuple

from aws_vpn_exporter.options import OptionValue, OptionValues, ordered

READABLE = (
    "Phase1LifetimeSeconds",
    "Phase2LifetimeSeconds",
    "DpdTimeoutSeconds",
    "IkeVersions",
    "Phase1EncryptionAlgorithms",
    "Phase1IntegrityAlgorithms",
    "Phase1DHGroupNumbers",
    "Phase2EncryptionAlgorithms",
    "Phase2IntegrityAlgorithms",
    "Phase2DHGroupNumbers",
)
"""The options, by AWS's name, that a reader looks for."""

NO_GROUP = "none"
"""Takes the place of a Diffie-Hellman group where the device rekeys phase 2 without one, which AWS does not permit."""


class DeviceError(Exception):
    """A file that cannot be read as a device's configuration. The message is for a person and holds no text of it."""


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
    """One peer of the device: what is set for it, by AWS's name of the option, and what is not known."""

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
    """A device's configuration file. `format` is the reader's title; `gaps` are those of the whole file."""

    format: str
    peers: tuple[Peer, ...]
    gaps: tuple[Gap, ...] = ()

    def peer(self, outside_ip: str) -> Peer | None:
        """The peer at this outside address of a tunnel, with the gaps of the whole file; None where there is none."""
        wanted = address(outside_ip)
        found = [peer for peer in self.peers if wanted in peer.addresses]
        if not found:
            return None
        several = (Gap(None, f"the file has {len(found)} peers at this address; {found[0].name} is taken"),)
        return replace(found[0], gaps=(*self.gaps, *(several if len(found) > 1 else ()), *found[0].gaps))


@dataclass(frozen=True, slots=True)
class Reader:
    """A vendor's format: its title, whether a text looks like it, and how it is read (never raises for such a text)."""

    title: str
    recognises: Callable[[str], bool]
    read: Callable[[str], DeviceSettings]


def address(text: str) -> str | None:
    """The address in canonical form; None for a name, a network or a wildcard."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def in_file_order(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The gaps by line, those about the whole file first."""
    return tuple(sorted(gaps, key=lambda gap: gap.line or 0))


class Findings:
    """Collects what is read about one peer; sets add up, and two different numbers are a gap."""

    def __init__(self) -> None:
        self._gaps: dict[Gap, None] = {}
        self._words: dict[str, set[str]] = {}
        self._numbers: dict[str, set[int]] = {}
        self._origins: dict[str, dict[str, None]] = {}

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

    def peer(self, name: str, addresses: Iterable[str]) -> Peer:
        """The peer with all that was found; an option with a gap counts as not known, even where a part was read."""
        for option, numbers in self._numbers.items():
            if len(numbers) > 1:
                different = " and ".join(map(str, sorted(numbers)))
                self.gap(None, f"set to {different} in different places: which holds is not known", option)
        unknown = {option for gap in self._gaps for option in gap.options}
        values: dict[str, OptionValue] = {option: ordered(words) for option, words in self._words.items() if words}
        values |= {option: min(numbers) for option, numbers in self._numbers.items()}
        stated = {
            option: Stated(values[option], "; ".join(self._origins[option]))
            for option in READABLE
            if option in values and option not in unknown
        }
        return Peer(name, tuple(addresses), stated, in_file_order(self._gaps))

    def _note(self, option: str, origin: str) -> None:
        self._origins.setdefault(option, {})[origin] = None
