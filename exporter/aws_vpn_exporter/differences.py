"""What a difference between AWS's value of an option and the customer gateway's can do. Pure.

Sources: the Site-to-Site VPN user guide ("Tunnel options", "Tunnel initiation"), RFC 7296 (in IKEv2 each side keeps its
own lifetimes, and whoever reaches its end first rekeys), and tunnels of real daemons, which differing lifetimes alone
did not bring down.
"""

from dataclasses import dataclass
from enum import IntEnum

from aws_vpn_exporter.options import Option, OptionValue, OptionValues, ordered

_AEAD = frozenset({"AES128-GCM-16", "AES256-GCM-16"})
_SLACK = 1.1
"""Devices close an association up to a tenth later than they rekey it."""


class Harm(IntEnum):
    """What a difference can do, the least first."""

    NONE = 0
    """There is no difference."""
    HARMLESS = 1
    """The values differ, and nothing follows from it."""
    DOUBTFUL = 2
    """It may matter, for all that is known; it is worth a word, and no alarm."""
    HARMFUL = 3
    """The two sides cannot agree, or one of them may not renew its keys in time."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a difference can do, and why, as a sentence; "" where there is none."""

    harm: Harm
    why: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides whether a difference matters. `ike_version` is the one in use, "" where nobody knows."""

    ike_version: str = ""
    accelerated: bool = False
    aead_only: bool = False


ANY_CIRCUMSTANCES = Circumstances()
SAME = Difference(Harm.NONE)


def difference(option: Option, at_aws: OptionValue, at_gateway: OptionValue, so: Circumstances) -> Difference:
    """What the difference between the two values can do; SAME where there is none."""
    if at_aws == at_gateway:
        return SAME
    if isinstance(at_aws, tuple) and isinstance(at_gateway, tuple):
        return _sets(option, set(at_aws), set(at_gateway), so)
    if option.name in ("Phase1LifetimeSeconds", "Phase2LifetimeSeconds"):
        return _lifetimes(at_aws, at_gateway, so)
    return Difference(Harm.HARMLESS, "Each side goes by its own value; it is not negotiated.")


def _sets(option: Option, at_aws: set[str], at_gateway: set[str], so: Circumstances) -> Difference:
    if option.name.endswith("IntegrityAlgorithms") and (so.aead_only or not at_aws or not at_gateway):
        return Difference(Harm.HARMLESS, "With GCM there is no integrity algorithm to agree on.")
    if at_gateway <= at_aws:
        return SAME
    common = at_gateway & at_aws
    if common:
        return Difference(Harm.DOUBTFUL, f"Both have {', '.join(ordered(common))}, on which they can agree.")
    return Difference(Harm.HARMFUL, "The two sides have nothing in common to agree on.")


def _lifetimes(at_aws: OptionValue, at_gateway: OptionValue, so: Circumstances) -> Difference:
    assert isinstance(at_aws, int)  # noqa: S101 - lifetimes are numbers  # nosec B101
    assert isinstance(at_gateway, int)  # noqa: S101  # nosec B101
    if at_gateway <= at_aws * _SLACK:
        return Difference(Harm.HARMLESS, "The customer gateway renews the keys first, as is recommended.")
    if so.accelerated:
        return Difference(Harm.HARMFUL, "On an accelerated connection the customer gateway must renew the keys first.")
    if so.ike_version == "ikev2":
        return Difference(Harm.HARMLESS, "In IKEv2 each side has its own lifetime: AWS renews the keys first.")
    if so.ike_version == "ikev1":
        return Difference(Harm.HARMFUL, "With IKEv1 AWS asks for equal lifetimes, and the device's is longer.")
    return Difference(Harm.DOUBTFUL, "With IKEv1 AWS asks for equal lifetimes; with IKEv2 it would not matter.")


def ike_version(at_aws: OptionValue, at_gateway: OptionValue | None, negotiated: str = "") -> str:
    """The IKE version that is in use or the only one possible; "" where nobody knows."""
    if negotiated:
        return negotiated.lower()
    possible = set(at_aws) if isinstance(at_aws, tuple) else set()
    if isinstance(at_gateway, tuple):
        possible &= set(at_gateway)
    return possible.pop() if len(possible) == 1 else ""


def aead_only(encryption: OptionValue | None) -> bool:
    """Whether a set of encryption algorithms leaves an integrity algorithm without a meaning."""
    return isinstance(encryption, tuple) and bool(encryption) and set(encryption) <= _AEAD


def integrity_without_meaning(option: Option, stated: OptionValues) -> bool:
    """Whether the option is an integrity list without a meaning: its phase has GCM only, and AWS gives no list."""
    if not option.name.endswith("IntegrityAlgorithms") or option.name in stated:
        return False
    return aead_only(stated.get(option.name.replace("Integrity", "Encryption")))
