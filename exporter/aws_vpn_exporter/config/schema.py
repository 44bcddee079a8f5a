"""The configuration's schema: one class for each block of the file, and what the blocks mean."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator, model_validator

from aws_vpn_exporter.config import device_files
from aws_vpn_exporter.config.option_block import GatewayBlock, OptionBlock, stated
from aws_vpn_exporter.config.values import (
    BLOCK,
    BY_FORM,
    WORD,
    AccountId,
    AllOr,
    ConnectionId,
    ExternalId,
    Moment,
    PageUrl,
    Regions,
    RoleArn,
    RoleName,
    SiteName,
    Switch,
    TagKey,
    Tunnels,
    UnitId,
    distinct,
    distinct_labels,
)
from aws_vpn_exporter.fields import Block, Duration
from aws_vpn_exporter.policy import Policy, Settings, Sites, Window
from aws_vpn_exporter.sources import SOURCES, SourceBlock
from aws_vpn_exporter.target import UNKNOWN_ACCOUNT, Account
from aws_vpn_exporter.target import Regions as AccountRegions
from aws_vpn_exporter.wording import duration


class Match(Block):
    """Which connections a policy applies to. Where both `ids` and `tags` are given, a connection has to match both."""

    ids: tuple[ConnectionId, ...] = Field((), description="Connections by id.")
    tags: dict[TagKey, str] = Field({}, description="Tags that a connection needs to have, each with this value.")

    @model_validator(mode="after")
    def _names_something(self) -> "Match":
        if not self.ids and not self.tags:
            raise ValueError("should name ids or tags; write `match: all` for every connection")
        return self


_AllOrMatch = Annotated[
    Annotated[Literal["all"], AllOr("a block of `ids` and `tags`"), WORD] | Annotated[Match, BLOCK], BY_FORM
]


class WindowBlock(Block):
    """A planned time, such as a maintenance of your own."""

    start: Moment = Field(description="When it begins, such as 2026-03-08T01:00:00+01:00.")
    end: Moment = Field(description="When it ends.")

    @model_validator(mode="after")
    def _lasts(self) -> "WindowBlock":
        if self.end <= self.start:
            raise ValueError("`end` should be later than `start`")
        return self


class PolicyBlock(Block):
    """What you expect of some connections. Where several policies match one, the first that sets a value decides it."""

    match: _AllOrMatch = Field(description="Which connections: `all`, or `ids` and `tags`.")
    expected_tunnels: int | None = Field(
        None,
        ge=0,
        le=2,
        description="Tunnels that should be UP: 1 where a single tunnel is intended, 0 for a parked connection.",
    )
    ignore: Switch | None = Field(
        None, description="`true` for connections that are published and never alarmed, whatever happens."
    )
    planned: tuple[WindowBlock, ...] = Field((), description="Times during which these connections raise no alert.")
    availability_objective: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of time that a tunnel should be UP, such as 0.9995: AwsVpnConnectionBudgetSpent watches it.",
    )
    customer_gateway: GatewayBlock = Field(
        default_factory=GatewayBlock, description="The customer gateway's settings, to compare with AWS's."
    )
    device_file: Path | None = Field(
        None,
        description="The customer gateway's own configuration file, relative to this file; DEVICES.md has the formats. "
        "It supplies what `customer_gateway` does not set; `check-config` lists what could not be read.",
    )
    standby_tunnels: Tunnels = Field(
        (), description="Tunnels that may be idle, by outside address, or `all`: AwsVpnTunnelIdle ignores them."
    )

    def policy(self, file: Path | None) -> Policy:
        """The policy with what the device's file says; `file` is the configuration file. Raises ConfigError."""
        match = Match.model_construct() if self.match == "all" else self.match
        return Policy(
            ids=frozenset(match.ids),
            tags=match.tags,
            expected_tunnels=self.expected_tunnels,
            customer_gateway=stated(self.customer_gateway),
            device=device_files.options_by_address(self.device_file, file),
            standby_tunnels=self.standby_tunnels,
            ignore=self.ignore,
            planned=tuple(Window(window.start, window.end) for window in self.planned),
            availability_objective=self.availability_objective,
        )


class SitesBlock(Block):
    """Connections that lead to the same site, watched as one: a page when its last way is gone, not before."""

    tag: TagKey | None = Field(
        None, description="The tag that names the site; connections without it are joined by their customer gateway."
    )
    direct_connect: Annotated[tuple[SiteName, ...], AfterValidator(distinct)] = Field(
        (),
        description="Sites that Direct Connect leads to as well. Whether it works is not read: losing all connections "
        "of such a site warns and does not page.",
    )

    def sites(self) -> Sites:
        """How connections are joined."""
        return Sites(self.tag or "", frozenset(self.direct_connect))


class HeadroomBlock(Block):
    """What AWS lets a tunnel carry, as metrics beside what it carries. No call to AWS is made for it."""


class RisksBlock(Block):
    """What the settings of tunnels that work today will do to them when keys are renewed: `aws_vpn_tunnel_risk`."""

    exchange: Duration = Field(
        5.0, description="For how long one rekey is in the way of another that the other side begins."
    )


class AccountBlock(Block):
    """An account to watch. Without `role_arn` it is the account of the default credentials."""

    role_arn: RoleArn | None = Field(None, description="The role to assume in the account.")
    external_id: ExternalId | None = Field(None, description="The external id that the role's trust policy asks for.")
    name: Annotated[str, Field(max_length=50)] = Field(
        "", description="A name for the account, on aws_vpn_target_info."
    )
    regions: Regions | None = Field(
        None, description="Regions of this account; the default is `regions` at the top of the file."
    )

    def as_account(self, regions: AccountRegions) -> Account:
        """The account; `regions` are its regions where the block has none."""
        role_arn = self.role_arn or ""
        account_id = role_arn.split(":")[4] if role_arn else UNKNOWN_ACCOUNT
        return Account(account_id, self.name, role_arn, self.external_id or "", self.regions or regions)


class Selection(Block):
    """Accounts of the organization. An account is selected where any of the three keys matches it."""

    ids: tuple[AccountId, ...] = Field((), description="Accounts by id.")
    names: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Accounts by name; `*` stands for any characters."
    )
    organizational_units: tuple[UnitId, ...] = Field(
        (), description="Accounts by organizational unit or root, including those in nested units."
    )


class OrganizationBlock(Block):
    """Every active account of the organization, through a role that each of them has."""

    role_name: RoleName = Field(
        description="The role to assume in each account; `{account_id}` in it stands for the account's id."
    )
    external_id: ExternalId | None = Field(None, description="The external id that the roles' trust policies ask for.")
    list_role_arn: RoleArn | None = Field(
        None,
        description="A role to list the accounts with, where the default credentials belong to neither the management "
        "account nor a delegated administrator.",
    )
    include: Selection | None = Field(None, description="Watch these accounts only.")
    exclude: Selection | None = Field(None, description="Leave these accounts out, even if `include` selects them.")
    regions: Regions | None = Field(
        None, description="Regions of these accounts; the default is `regions` at the top of the file."
    )


def _each_account_once(accounts: tuple[AccountBlock, ...]) -> tuple[AccountBlock, ...]:
    ids = [
        account.role_arn.split(":")[4] if account.role_arn else "the default credentials' account"
        for account in accounts
    ]
    distinct(tuple(ids))
    return accounts


class _Config(Block):
    """The configuration file. Every key has a default, so that no file is needed."""

    regions: Regions | None = Field(
        None,
        description="Regions to watch: a list, or `all` for every region that is enabled in the account. "
        "The default is the default region of the AWS settings (AWS_REGION, profile).",
    )
    accounts: Annotated[tuple[AccountBlock, ...], Field(min_length=1), AfterValidator(_each_account_once)] | None = (
        Field(
            None,
            description="Accounts to watch; without it and `organization`, the account of the default credentials.",
        )
    )
    organization: OrganizationBlock | None = Field(None, description="Watch the accounts of an AWS organization.")
    poll_interval: Duration = Field(
        30.0, description="How often a target (an account in a region) with connections is polled."
    )
    discovery_interval: Duration = Field(
        600.0, description="How often a target without connections is polled, and regions are listed."
    )
    stale_after: Duration = Field(300.0, description="How long a failing target's last values are still published.")
    tags: Annotated[tuple[TagKey, ...], AfterValidator(distinct_labels)] = Field(
        (), description="Tag keys to copy to aws_vpn_connection_info, as labels tag_*."
    )
    team_tag: TagKey | None = Field(
        None, description="The tag whose value becomes the label `team` of the alerts, for Alertmanager to route by."
    )
    series: Literal["all", "lean"] = Field(
        "all", description="With `lean`, a third fewer series: those that the alerts and the fleet dashboard read."
    )
    grafana_url: PageUrl | None = Field(
        None, description="Where Grafana has this project's dashboards: the status page then leads to them."
    )
    policies: tuple[PolicyBlock, ...] = Field((), description="What you expect of which connections.")
    sites: SitesBlock | None = Field(
        None, description="Watch connections that lead to the same site as one; `{}` joins them by customer gateway."
    )
    headroom: HeadroomBlock | None = Field(
        None, description="Publish how many routes and bytes per second a tunnel may carry; `{}` turns it on."
    )
    risks: RisksBlock | None = Field(
        None, description="Judge how tunnels renew their keys, and say when they will; `{}` for its defaults."
    )
    option_defaults: OptionBlock = Field(
        default_factory=OptionBlock,
        description="Values for options that AWS leaves out of its answer, in place of its documented defaults.",
    )

    @field_validator("discovery_interval", "stale_after")
    @classmethod
    def _not_before_the_next_poll(cls, seconds: float, info: ValidationInfo) -> float:
        poll_interval = info.data.get("poll_interval", 0.0)
        if seconds < poll_interval:
            raise ValueError(f"should be at least poll_interval, {duration(poll_interval)}")
        return seconds

    def device_gaps(self, file: Path | None) -> Iterator[str]:
        """What could not be read in the devices' files; `file` is the configuration file. Raises ConfigError."""
        for policy in self.policies:
            if policy.device_file:
                yield from device_files.gaps(policy.device_file, file)

    def only_in(self, region: str) -> Self:
        """The same configuration for one region, whatever regions it names."""
        here = {"regions": (region,)}
        return self.model_copy(
            update={
                **here,
                "accounts": self.accounts and tuple(block.model_copy(update=here) for block in self.accounts),
                "organization": self.organization and self.organization.model_copy(update=here),
            }
        )

    def sources(self) -> Mapping[str, SourceBlock]:
        """The blocks of the optional sources that are on, by the source's name."""
        blocks = {name: getattr(self, name) for name in SOURCES}
        return {name: block for name, block in blocks.items() if block}

    def settings(self, file: Path | None) -> Settings:
        """How answers are read and published; `file` is the configuration file. Raises ConfigError."""
        return Settings(
            tags=self.tags,
            policies=tuple(block.policy(file) for block in self.policies),
            option_defaults=stated(self.option_defaults),
            team_tag=self.team_tag or "",
            lean=self.series == "lean",
            grafana_url=self.grafana_url or "",
            sites=self.sites.sites() if self.sites else None,
            headroom=self.headroom is not None,
            rekey_exchange=self.risks.exchange if self.risks else None,
        )


Config = create_model(
    "Config",
    __base__=_Config,
    __doc__=_Config.__doc__,
    **{
        name: (
            source.block | None,
            Field(
                source.block.model_validate({}) if source.always_on else None,
                description=f"{source.description}{'' if source.always_on else '; `{}` for its defaults'}.",
            ),
        )
        for name, source in SOURCES.items()
    },  # type: ignore[call-overload]
)
"""The configuration: the keys above, and one for each optional source."""
