"""AWS's side and the device's side by side, option by option."""

from dataclasses import dataclass
from enum import StrEnum

from aws_vpn_exporter.devices.settings import READABLE, Peer
from aws_vpn_exporter.model import Settings, Tunnel
from aws_vpn_exporter.options import OPTIONS, Option, OptionValue, differs, ordered


class Verdict(StrEnum):
    """How the two sides of an option stand."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_STATED = "not_stated"


@dataclass(frozen=True, slots=True)
class Row:
    """One option on both sides.

    `source` is that of AWS's value: configured or default. `note` says where the device's value comes from, what two
    differing sets have in common, or why the device's value is not known.
    """

    option: Option
    at_aws: OptionValue
    source: str
    at_gateway: OptionValue | None
    verdict: Verdict
    note: str


def compare(peer: Peer, tunnel: Tunnel, settings: Settings) -> tuple[Row, ...]:
    """A row for each option that a reader looks for, in the order of AWS's options."""
    return tuple(_row(peer, tunnel, settings, option) for option in OPTIONS if option.name in READABLE)


def _row(peer: Peer, tunnel: Tunnel, settings: Settings, option: Option) -> Row:
    at_aws, source = settings.option(tunnel, option)
    stated = peer.stated.get(option.name)
    if stated is None:
        why = "; ".join(str(gap) for gap in peer.gaps if option.name in gap.options)
        return Row(option, at_aws, source, None, Verdict.NOT_STATED, why or "the file does not say")
    if not differs(at_aws, stated.value):
        return Row(option, at_aws, source, stated.value, Verdict.SAME, stated.origin)
    note = "; ".join(part for part in (stated.origin, _common(at_aws, stated.value)) if part)
    return Row(option, at_aws, source, stated.value, Verdict.DIFFERS, note)


def _common(at_aws: OptionValue, at_gateway: OptionValue) -> str:
    """What both sides have of a set: while there is something, they may still agree."""
    if not isinstance(at_aws, tuple) or not isinstance(at_gateway, tuple):
        return ""
    common = ordered(set(at_aws) & set(at_gateway))
    return f"both have {', '.join(common)}" if common else "the two have nothing in common"
