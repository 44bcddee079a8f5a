"""AWS's side and the device's side by side, option by option."""

from dataclasses import dataclass
from enum import StrEnum

from aws_vpn_exporter.devices.settings import READABLE, Peer
from aws_vpn_exporter.model import Tunnel
from aws_vpn_exporter.options import OPTIONS, Option, OptionValue, ordered
from aws_vpn_exporter.policy import OptionSides, Settings


class Verdict(StrEnum):
    """The result of comparing an option."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_STATED = "not_stated"


@dataclass(frozen=True, slots=True)
class Row:
    """One option on both sides.

    `note` says where the device's value comes from, what two differing sets have in common, or why the device's value
    is not known.
    """

    sides: OptionSides
    note: str

    @property
    def verdict(self) -> Verdict:
        """The result of the comparison."""
        if self.sides.at_gateway is None:
            return Verdict.NOT_STATED
        return Verdict.DIFFERS if self.sides.differ else Verdict.SAME


def compare(peer: Peer, tunnel: Tunnel, settings: Settings) -> tuple[Row, ...]:
    """A row for each option that a reader looks for, in the order of AWS's options."""
    return tuple(_row(peer, tunnel, settings, option) for option in OPTIONS if option.name in READABLE)


def _row(peer: Peer, tunnel: Tunnel, settings: Settings, option: Option) -> Row:
    stated = peer.stated.get(option.name)
    sides = settings.option_sides(tunnel, option, stated.value if stated else None)
    if stated is None:
        why = "; ".join(str(gap) for gap in peer.gaps if option.name in gap.options)
        return Row(sides, why or "the file does not say")
    common = _common(sides.at_aws, stated.value) if sides.differ else ""
    return Row(sides, "; ".join(part for part in (stated.origin, common) if part))


def _common(at_aws: OptionValue, at_gateway: OptionValue) -> str:
    """The members that both sides' sets share: with at least one, negotiation can succeed."""
    if not isinstance(at_aws, tuple) or not isinstance(at_gateway, tuple):
        return ""
    common = ordered(set(at_aws) & set(at_gateway))
    return f"both have {', '.join(common)}" if common else "the two have nothing in common"
