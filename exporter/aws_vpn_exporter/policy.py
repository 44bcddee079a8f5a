"""What the customer wants of which connections, and both sides' values of a tunnel option."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aws_vpn_exporter.differences import (
    ANY_CIRCUMSTANCES,
    SAME,
    Circumstances,
    Difference,
    Harm,
    aead_only,
    difference,
    ike_version,
    integrity_without_meaning,
)
from aws_vpn_exporter.model import Connection, Tunnel
from aws_vpn_exporter.options import BY_NAME, OPTIONS, Option, OptionValue, OptionValues, text

ALL_TUNNELS = "all"


def tag_label(key: str) -> str:
    """The label of aws_vpn_connection_info that carries the tag: `Cost Centre` is tag_Cost_Centre."""
    return "tag_" + re.sub(r"[^a-zA-Z0-9_]", "_", key)


@dataclass(frozen=True, slots=True)
class OptionSides:
    """An option's value at AWS and at the customer gateway.

    `source` is that of AWS's value, "configured" or "default"; `at_gateway` is None where nobody states it.
    `from_file` is whether the gateway's value was read in its configuration file, and no policy states it.
    """

    option: Option
    at_aws: OptionValue
    source: str
    at_gateway: OptionValue | None
    circumstances: Circumstances = ANY_CIRCUMSTANCES
    from_file: bool = False

    @property
    def difference(self) -> Difference:
        """What the difference can do; none where the customer gateway's value is not stated."""
        if self.at_gateway is None:
            return SAME
        return difference(self.option, self.at_aws, self.at_gateway, self.circumstances)

    @property
    def differ(self) -> bool:
        """Whether the two sides disagree in a way that can hurt."""
        return self.difference.harm is Harm.HARMFUL

    @property
    def at_gateway_text(self) -> str:
        """The customer gateway's value as text; "" where nobody states it."""
        return "" if self.at_gateway is None else text(self.at_gateway)


class Muted(StrEnum):
    """Why a connection raises no alert."""

    IGNORED = "ignored"
    PLANNED = "planned"


class Window(NamedTuple):
    """A planned time, from and until Unix times in seconds, during which a connection raises no alert."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Policy:
    """What the customer wants of the connections it matches.

    `ids` and `tags` both have to fit where both are given. `customer_gateway` is what the other side is set to
    for all tunnels, `device` what its own configuration file says, by the tunnel's outside address;
    `standby_tunnels` are outside addresses, or ALL_TUNNELS. A connection of which 0 tunnels are expected is parked.
    `availability_objective` is the share of time, from 0 to 1, that the connection should have a tunnel up.
    """

    ids: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    expected_tunnels: int | None = None
    customer_gateway: OptionValues = field(default_factory=dict)
    device: Mapping[str, OptionValues] = field(default_factory=dict)
    standby_tunnels: tuple[str, ...] | str = ()
    ignore: bool | None = None
    planned: tuple[Window, ...] = ()
    availability_objective: float | None = None

    def covers(self, connection: Connection) -> bool:
        """Whether the policy is about this connection."""
        return (not self.ids or connection.id in self.ids) and all(
            connection.tags.get(key) == value for key, value in self.tags.items()
        )


@dataclass(frozen=True, slots=True)
class Sites:
    """How connections are told to serve the same site: by the value of the tag, else by their customer gateway.

    `tag` is "" where none says it. `direct_connect` are the sites that AWS Direct Connect leads to as well.
    """

    tag: str = ""
    direct_connect: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says about how answers are read and published.

    `tags` are tag keys copied onto aws_vpn_connection_info; `team_tag` is the one that becomes the label team there, ""
    for none. The first policy that covers a connection and
    states a thing decides it. `option_defaults` replace AWS's documented ones for options that AWS left out.
    `grafana_url` is where the dashboards are, "" for nowhere. With `lean`, series that neither alerts nor the fleet
    dashboard read are not published.
    `sites` is how connections are joined to sites; None where they are not. `headroom` is whether limits are published.
    `rekey_exchange` is for how many seconds two rekeys are in each other's way; None where risks are not asked for.
    """

    tags: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    option_defaults: OptionValues = field(default_factory=dict)
    team_tag: str = ""
    lean: bool = False
    grafana_url: str = ""
    rekey_exchange: float | None = None
    sites: Sites | None = None
    headroom: bool = False

    def expected_tunnels(self, connection: Connection) -> int:
        """How many tunnels are meant to be up: 2 unless a policy says otherwise."""
        stated = (policy.expected_tunnels for policy in self.policies if policy.covers(connection))
        return next((number for number in stated if number is not None), 2)

    def is_ignored(self, connection: Connection) -> bool:
        """Whether a policy says that the connection is published and never alarmed."""
        stated = (policy.ignore for policy in self.policies if policy.covers(connection))
        return next((ignore for ignore in stated if ignore is not None), False)

    def site(self, connection: Connection) -> str:
        """The site that the connection is a way to; "" where nobody asks, or it is ignored, parked or has no name."""
        if self.sites is None or self.is_ignored(connection) or self.expected_tunnels(connection) == 0:
            return ""
        return connection.tags.get(self.sites.tag, "") or connection.customer_gateway_id

    def availability_objective(self, connection: Connection) -> float | None:
        """The share of time that the connection should have a tunnel up; None where no policy says."""
        stated = (policy.availability_objective for policy in self.policies if policy.covers(connection))
        return next((objective for objective in stated if objective is not None), None)

    def muted(self, connection: Connection, now: float) -> Mapping[Muted, bool]:
        """For each reason that a policy gives for silence, whether it holds at the Unix time `now`."""
        reasons = {Muted.IGNORED: True} if self.is_ignored(connection) else {}
        windows = self.planned(connection)
        if windows:
            reasons[Muted.PLANNED] = any(window.start <= now < window.end for window in windows)
        return reasons

    def planned(self, connection: Connection) -> tuple[Window, ...]:
        """The planned windows of the connection, past ones too; none where no policy gives any."""
        return next((p.planned for p in self.policies if p.planned and p.covers(connection)), ())

    def windows_begun(self, now: float) -> int:
        """How many starts and ends of planned windows have passed: a number that changes whenever `muted` does."""
        return sum((now >= window.start) + (now >= window.end) for policy in self.policies for window in policy.planned)

    def customer_gateway(self, connection: Connection, tunnel: Tunnel) -> OptionValues:
        """What the customer gateway is set to for the tunnel, as far as policies and the device's file state it."""
        values: dict[str, OptionValue] = {}
        for policy in reversed([policy for policy in self.policies if policy.covers(connection)]):
            values |= {**policy.device.get(tunnel.outside_ip, {}), **policy.customer_gateway}
        return values

    def sides(self, connection: Connection, tunnel: Tunnel) -> Iterator[OptionSides]:
        """Both sides' values of each option that is stated of the customer gateway."""
        stated = self.customer_gateway(connection, tunnel)
        by_policy = self._stated_by_policy(connection)
        for option in OPTIONS:
            if option.name in stated:
                so = self._circumstances(connection, tunnel, option, stated)
                from_file = option.name not in by_policy
                yield OptionSides(option, *self.option(tunnel, option), stated[option.name], so, from_file)

    def option_sides(self, tunnel: Tunnel, option: Option, at_gateway: OptionValue | None) -> OptionSides:
        """AWS's value of the option beside the customer gateway's, where nothing else is known of the gateway."""
        return OptionSides(option, *self.option(tunnel, option), at_gateway, self._circumstances(None, tunnel, option))

    def _circumstances(
        self, connection: Connection | None, tunnel: Tunnel, option: Option, stated: OptionValues | None = None
    ) -> Circumstances:
        stated = stated or {}
        encryption = BY_NAME.get(option.name.replace("Integrity", "Encryption"), option)
        return Circumstances(
            ike_version=ike_version(self.option(tunnel, BY_NAME["IkeVersions"])[0], stated.get("IkeVersions")),
            accelerated=bool(connection and connection.accelerated),
            aead_only=aead_only(self.option(tunnel, encryption)[0]) or aead_only(stated.get(encryption.name)),
        )

    def _stated_by_policy(self, connection: Connection) -> set[str]:
        return {name for policy in self.policies if policy.covers(connection) for name in policy.customer_gateway}

    def is_standby(self, connection: Connection, tunnel: Tunnel) -> bool:
        """Whether the tunnel may be idle: a policy says that it only stands by."""
        stated = (policy.standby_tunnels for policy in self.policies if policy.covers(connection))
        standby = next((tunnels for tunnels in stated if tunnels), ())
        return standby == ALL_TUNNELS or tunnel.outside_ip in standby

    def option(self, tunnel: Tunnel, option: Option) -> tuple[OptionValue, str]:
        """The option's value at AWS, and its source: "configured" (AWS reported it) or "default".

        An integrity list that AWS leaves out has no meaning with GCM only, and is empty then.
        """
        if option.name in tunnel.options:
            return tunnel.options[option.name], "configured"
        if integrity_without_meaning(option, tunnel.options):
            return (), "default"
        return self.option_defaults.get(option.name, option.default), "default"
