"""The tunnel options of AWS Site-to-Site VPN: one row each, and nothing that knows AWS's API beyond their names.

Source of names, ranges and defaults: the EC2 API reference (ModifyVpnTunnelOptionsSpecification, TunnelOption) and the
Site-to-Site VPN user guide ("Tunnel options"). AWS leaves options out of its answer while they are at their
default, so a row carries the default that AWS documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

OptionValue = int | str | bool | tuple[str, ...]
"""A number in AWS's own unit, a word, a switch, or a sorted set of words."""

OptionValues = Mapping[str, OptionValue]
"""AWS's name of an option (a row's `name`) to its value; only what was really said."""


@dataclass(frozen=True)
class Option:
    """One tunnel option.

    `default` is AWS's documented default and its type is the option's type. `allowed` is what AWS accepts: a
    range for a number, the members for a word or a set, nothing for a switch. `published_as` is a metric's name
    for numbers and switches and a label of aws_vpn_tunnel_options_info for words and sets. A number is multiplied
    by `scale` to reach the metric's base unit. `within` names the structures around the value in AWS's answer.
    """

    name: str
    help: str
    published_as: str
    default: OptionValue
    allowed: range | tuple[str, ...] = ()
    scale: float = 1
    within: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """The option's name in configuration files and in the label `option`: snake_case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower()

    @property
    def is_switch(self) -> bool:
        """Whether the option is on or off."""
        return isinstance(self.default, bool)

    @property
    def is_number(self) -> bool:
        """Whether the option is a quantity."""
        return isinstance(self.default, int) and not self.is_switch

    @property
    def is_set(self) -> bool:
        """Whether the option holds several words at once."""
        return isinstance(self.default, tuple)


def text(value: OptionValue) -> str:
    """The value as one label or table cell: sets comma-joined, switches as true or false."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def ordered(words: set[str]) -> tuple[str, ...]:
    """The words sorted, group numbers by size: ("2", "14", "24")."""
    return tuple(sorted(words, key=lambda word: (int(word), "") if word.isdecimal() else (-1, word)))


_ENCRYPTION = ordered({"AES128", "AES256", "AES128-GCM-16", "AES256-GCM-16"})
_INTEGRITY = ordered({"SHA1", "SHA2-256", "SHA2-384", "SHA2-512"})
_PHASE1_GROUPS = ordered({"2", *map(str, range(14, 25))})
_PHASE2_GROUPS = ordered({"2", "5", *map(str, range(14, 25))})
_UNBOUNDED = 2**31

OPTIONS: tuple[Option, ...] = (
    Option(
        "Phase1LifetimeSeconds",
        "Lifetime of the phase 1 (IKE) security association.",
        "aws_vpn_tunnel_phase1_lifetime_seconds",
        28800,
        range(900, 28801),
    ),
    Option(
        "Phase2LifetimeSeconds",
        "Lifetime of the phase 2 (IPsec) security association.",
        "aws_vpn_tunnel_phase2_lifetime_seconds",
        3600,
        range(900, 3601),
    ),
    Option(
        "RekeyMarginTimeSeconds",
        "Time before the phase 2 lifetime ends within which AWS rekeys.",
        "aws_vpn_tunnel_rekey_margin_time_seconds",
        270,
        range(60, 1801),
    ),
    Option(
        "RekeyFuzzPercentage",
        "Share of the rekey margin within which the moment of the rekey is drawn at random.",
        "aws_vpn_tunnel_rekey_fuzz_ratio",
        100,
        range(101),
        scale=0.01,
    ),
    Option(
        "ReplayWindowSize",
        "Packets in the IKE replay window.",
        "aws_vpn_tunnel_replay_window_size_packets",
        1024,
        range(64, 2049),
    ),
    Option(
        "DpdTimeoutSeconds",
        "Time after which an unanswered dead peer detection counts as a dead peer.",
        "aws_vpn_tunnel_dpd_timeout_seconds",
        30,  # what CreateVpnConnection documents; ModifyVpnTunnelOptions documents 40
        range(30, _UNBOUNDED),
    ),
    Option(
        "DpdTimeoutAction",
        "What AWS does with a dead peer: end the session, nothing, or negotiate again.",
        "dpd_timeout_action",
        "clear",
        ("clear", "none", "restart"),
    ),
    Option(
        "StartupAction",
        "Which side starts the negotiation: the customer gateway (add) or AWS (start).",
        "startup_action",
        "add",
        ("add", "start"),
    ),
    Option(
        "IkeVersions",
        "IKE versions that AWS permits.",
        "ike_versions",
        ("ikev1", "ikev2"),
        ("ikev1", "ikev2"),
    ),
    Option(
        "Phase1EncryptionAlgorithms",
        "Encryption algorithms that AWS permits in phase 1.",
        "phase1_encryption",
        _ENCRYPTION,
        _ENCRYPTION,
    ),
    Option(
        "Phase1IntegrityAlgorithms",
        "Integrity algorithms that AWS permits in phase 1.",
        "phase1_integrity",
        _INTEGRITY,
        _INTEGRITY,
    ),
    Option(
        "Phase1DHGroupNumbers",
        "Diffie-Hellman groups that AWS permits in phase 1.",
        "phase1_dh_groups",
        _PHASE1_GROUPS,
        (*_PHASE1_GROUPS, "35"),
    ),
    Option(
        "Phase2EncryptionAlgorithms",
        "Encryption algorithms that AWS permits in phase 2.",
        "phase2_encryption",
        _ENCRYPTION,
        _ENCRYPTION,
    ),
    Option(
        "Phase2IntegrityAlgorithms",
        "Integrity algorithms that AWS permits in phase 2.",
        "phase2_integrity",
        _INTEGRITY,
        _INTEGRITY,
    ),
    Option(
        "Phase2DHGroupNumbers",
        "Diffie-Hellman groups that AWS permits in phase 2.",
        "phase2_dh_groups",
        _PHASE2_GROUPS,
        (*_PHASE2_GROUPS, "35", "36", "37"),
    ),
    Option(
        "Phase1AdditionalKeyExchanges",
        "Further key exchanges of phase 1, each as round:groups:requirement (post-quantum tunnels).",
        "phase1_additional_key_exchanges",
        (),
    ),
    Option(
        "Phase2AdditionalKeyExchanges",
        "Further key exchanges of phase 2, each as round:groups:requirement (post-quantum tunnels).",
        "phase2_additional_key_exchanges",
        (),
    ),
    Option(
        "EnableTunnelLifecycleControl",
        "Whether the customer decides when AWS replaces the tunnel's endpoint.",
        "aws_vpn_tunnel_lifecycle_control_enabled",
        False,
    ),
    Option(
        "LogEnabled",
        "Whether the tunnel's IKE and IPsec activity is logged to CloudWatch Logs.",
        "aws_vpn_tunnel_log_enabled",
        False,
        within=("LogOptions", "CloudWatchLogOptions"),
    ),
    Option(
        "BgpLogEnabled",
        "Whether the tunnel's BGP activity is logged to CloudWatch Logs.",
        "aws_vpn_tunnel_bgp_log_enabled",
        False,
        within=("LogOptions", "CloudWatchLogOptions"),
    ),
)

BY_KEY: Mapping[str, Option] = {option.key: option for option in OPTIONS}
BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}
