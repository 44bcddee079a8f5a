"""AWS's side and the device's side by side, option by option."""

from dataclasses import dataclass, replace
from enum import StrEnum

from aws_vpn_exporter.devices.settings import READABLE, Peer
from aws_vpn_exporter.differences import Harm
from aws_vpn_exporter.model import Connection, Tunnel
from aws_vpn_exporter.options import OPTIONS
from aws_vpn_exporter.policy import OptionSides, Policy, Settings


class Verdict(StrEnum):
    """The result of comparing an option."""

    SAME = "same"
    DIFFERS = "differs"
    """The two differ in a way that can hurt."""
    DOUBTFUL = "doubtful"
    """The two differ, and whether it can hurt depends on what is not known."""
    HARMLESS = "harmless"
    """The two differ in a way that cannot hurt."""
    NOT_STATED = "not_stated"


_VERDICTS = {
    Harm.NONE: Verdict.SAME,
    Harm.HARMLESS: Verdict.HARMLESS,
    Harm.DOUBTFUL: Verdict.DOUBTFUL,
    Harm.HARMFUL: Verdict.DIFFERS,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One option on both sides.

    `note` says where the device's value comes from, what a difference means and which side can be changed, or why the
    device's value is not known.
    """

    sides: OptionSides
    note: str

    @property
    def verdict(self) -> Verdict:
        """The result of the comparison."""
        if self.sides.at_gateway is None:
            return Verdict.NOT_STATED
        return _VERDICTS[self.sides.difference.harm]


def compare(peer: Peer, connection: Connection, tunnel: Tunnel, settings: Settings) -> tuple[Row, ...]:
    """A row for each option that a reader looks for, in the order of AWS's options."""
    of_file = replace(settings, policies=(Policy(device={tunnel.outside_ip: peer.options}),))
    stated = {sides.option.name: sides for sides in of_file.sides(connection, tunnel)}
    return tuple(
        _stated(peer, stated[option.name])
        if option.name in stated
        else Row(settings.option_sides(tunnel, option, None), _unknown(peer, option.name))
        for option in OPTIONS
        if option.name in READABLE
    )


def _unknown(peer: Peer, option: str) -> str:
    why = "; ".join(str(gap) for gap in peer.gaps if option in gap.options)
    return why or "the file does not say"


def _stated(peer: Peer, sides: OptionSides) -> Row:
    difference = sides.difference
    parts = [peer.stated[sides.option.name].origin, difference.why.rstrip(".")]
    if difference.harm is Harm.HARMFUL:
        parts.append(_who_can_move(sides))
    return Row(sides, "; ".join(part for part in parts if part))


def _who_can_move(sides: OptionSides) -> str:
    """Which side could take the other's value: AWS's limits bound AWS's options only."""
    allowed = sides.option.allowed
    if isinstance(allowed, range) and sides.at_gateway not in allowed:
        return f"AWS accepts {allowed.start} to {allowed.stop - 1}, so only the device can be changed"
    if isinstance(sides.at_gateway, tuple) and not set(sides.at_gateway) & set(allowed):
        return "AWS has none of these, so only the device can be changed"
    return "either side can be changed"
