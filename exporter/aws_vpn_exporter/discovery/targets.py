"""Which targets there are: accounts, from the configuration and the organization, times regions.

What was learnt once stays: an account or a region that cannot be listed this time is still watched, because a gap would
look like "all is well", and its own polls say what is wrong.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from aws_vpn_exporter.aws.credentials import RoleSession
from aws_vpn_exporter.aws.errors import poll_errors
from aws_vpn_exporter.aws.session import Aws, CannotStartError
from aws_vpn_exporter.config import AccountBlock, Config, OrganizationBlock
from aws_vpn_exporter.discovery import organization
from aws_vpn_exporter.target import (
    ALL_REGIONS,
    UNKNOWN_ACCOUNT,
    Account,
    Discovered,
    FailureCause,
    PollError,
    PollStatus,
    Regions,
    Target,
)

log = logging.getLogger(__name__)

REGION_ACTIONS = ("ec2:DescribeRegions",)

_ACCOUNTS_LISTED_EVERY = 3600.0

_LISTING_LIMIT = 600.0
"""Seconds for all pages of an organization's list: a large one has hundreds, and AWS throttles them."""

_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""By partition, a region that every account has; there the Organizations API is asked, too."""


_EVERY_ACCOUNT_HAS: Mapping[str, tuple[str, ...]] = {
    "aws": (
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    ),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
"""By partition, the regions that need not be enabled: watched where a policy refuses to list the enabled ones."""

_REFUSED = (FailureCause.DENIED, FailureCause.REFUSED_BY_POLICY)


def enabled_regions(aws: Aws, target: Target, home: str) -> tuple[str, ...]:
    """The regions that are enabled in the target's account. Raises PollError."""
    with poll_errors(), aws.acting_in(target.account_id):
        return tuple(sorted(item["RegionName"] for item in aws.client("ec2", home).describe_regions()["Regions"]))


class Discovery:
    """The accounts and targets of one configuration."""

    def __init__(self, aws: Aws, config: Config, before: "Discovery | None" = None) -> None:
        """`before` is the discovery of the configuration before: what it learnt is kept until AWS says it anew.

        Raises CannotStartError where neither the file nor the AWS settings name a region.
        """
        self._aws = aws
        self._config = config
        self._regions = _default_regions(aws, config)
        self.home = aws.region or next(_named_regions(config), None) or _HOMES[partition(config)]
        self._caller: tuple[str, str] | None = None
        self._known_caller: tuple[str, str] | None = (before._caller or before._known_caller) if before else None
        same_lister = before is not None and before._lister == self._lister
        self._members: organization.Members = before._members if before and same_lister else organization.Members()
        self._listed: Mapping[str, Account] = {}
        self._failed: Mapping[Target, Discovered] = {}
        self._list_again_at = 0.0

    def configured(self) -> dict[Target, Discovered]:
        """The targets that follow from the configuration alone, until AWS has answered."""
        accounts = self._configured_accounts()
        self._aws.register_accounts(accounts, self.home)
        found = self.targets(accounts, {}, {})
        if self._config.organization:
            found[Target(organization.ORGANIZATION, ALL_REGIONS)] = Discovered(pollable=False)
        return found

    def accounts(self) -> tuple[Account, ...]:
        """The accounts as far as they are known; asks AWS for what is not known yet or is an hour old."""
        own_id, partition = self._who_calls()
        accounts = [replace(a, id=own_id) if a.id == UNKNOWN_ACCOUNT else a for a in self._configured_accounts()]
        if self._config.organization and time.monotonic() >= self._list_again_at:
            self._list_organization(self._config.organization, partition)
        named = {one.id for one in accounts}
        every = (*accounts, *(one for one in self._listed.values() if one.id not in named))
        self._aws.register_accounts(every, self.home)
        return every

    def _configured_accounts(self) -> tuple[Account, ...]:
        blocks = self._config.accounts or ()
        if not blocks and not self._config.organization:
            return (Account(UNKNOWN_ACCOUNT, regions=self._regions),)
        return tuple(block.as_account(self._regions) for block in blocks)

    def targets(
        self,
        accounts: tuple[Account, ...],
        roles: Mapping[str, PollStatus[RoleSession]],
        regions: Mapping[str, PollStatus[tuple[str, ...]]],
    ) -> dict[Target, Discovered]:
        """The targets. `roles` gives, by account id, the poll of the account's role, for accounts that need one.

        `regions` gives the poll of the account's regions, for accounts that want all of them.
        """
        found = dict(self._failed)
        for account in accounts:
            role, listed = roles.get(account.id), regions.get(account.id)
            if account.regions != ALL_REGIONS:
                names: tuple[str, ...] = tuple(account.regions)
            elif listed and listed.answer is not None:
                names = listed.answer
            else:
                names = ()
            error = role.failure if role and role.answer is None else None
            if not names:
                error = error or (listed.failure if listed else None)
            if not names and error and listed and listed.failure is error and error.cause in _REFUSED:
                names = _EVERY_ACCOUNT_HAS[partition(self._config)]
                found[Target(account.id, ALL_REGIONS)] = Discovered(account.name, False, _watched_instead(error))
            pollable = bool(names) and (role is None or role.answer is not None)
            for region in names or (ALL_REGIONS,):
                found[Target(account.id, region)] = Discovered(account.name, pollable, None if pollable else error)
        return found

    def settled(self, targets: Mapping[Target, Discovered]) -> bool:
        """Whether accounts and regions of all targets are known, so that discovery need not be repeated soon."""
        return all(finding.pollable and target.account_id != UNKNOWN_ACCOUNT for target, finding in targets.items())

    def _who_calls(self) -> tuple[str, str]:
        """Account id and partition of the default credentials; UNKNOWN_ACCOUNT where STS cannot say."""
        if self._caller is None:
            try:
                with poll_errors():
                    answer = self._aws.client("sts", self.home).get_caller_identity()
                self._caller = str(answer["Account"]), str(answer["Arn"]).split(":")[1]
            except PollError as error:
                if self._known_caller:
                    log.warning(
                        "the account's id could not be asked for, the known one stays: %s: %s", error.cause, error
                    )
                    return self._known_caller
                log.warning("the account's id is not known yet: %s: %s", error.cause, error)
                return UNKNOWN_ACCOUNT, partition(self._config)
        return self._caller

    def _list_organization(self, block: OrganizationBlock, partition: str) -> None:
        failure: PollError | None = None
        try:
            self._members = self._ask_for_members(block, partition)
        except PollError as error:
            failure = error
        try:
            self._listed = organization.accounts(self._members, block, partition, self._regions)
        except PollError as error:
            self._listed, failure = {}, failure or error
        if failure:
            self._failed = {Target(organization.ORGANIZATION, ALL_REGIONS): Discovered(pollable=False, error=failure)}
        else:
            self._failed = {}
            self._list_again_at = time.monotonic() + _ACCOUNTS_LISTED_EVERY

    def _ask_for_members(self, block: OrganizationBlock, partition: str) -> organization.Members:
        self._aws.register_accounts([self._lister], self.home)
        if not self._aws.has_session(self._lister.id) or self._aws.role_has_changed(self._lister.id):
            self._aws.assume_role(self._lister.id)
        with poll_errors(_LISTING_LIMIT), self._aws.acting_in(self._lister.id):
            return organization.members(self._aws.client("organizations", _HOMES[partition]), block)

    @property
    def _lister(self) -> Account:
        """In whose name the organization is listed."""
        block = self._config.organization
        return Account(organization.ORGANIZATION, role_arn=(block and block.list_role_arn) or "")


def _watched_instead(error: PollError) -> PollError:
    return PollError(error.cause, f"{error}; watched instead: the regions that every account has enabled", error.code)


def _blocks(config: Config) -> Sequence[AccountBlock | OrganizationBlock]:
    return (*(config.accounts or ()), *((config.organization,) if config.organization else ()))


def _default_regions(aws: Aws, config: Config) -> Regions:
    """For accounts that name no regions of their own."""
    if config.regions:
        named: Regions = config.regions
        return named
    if aws.region:
        return (aws.region,)
    blocks = _blocks(config)
    if blocks and all(block.regions for block in blocks):
        return ()
    raise CannotStartError("no region: name `regions` in the configuration file, or set AWS_REGION")


def _named_regions(config: Config) -> Iterator[str]:
    for block in (config, *_blocks(config)):
        if block.regions and block.regions != ALL_REGIONS:
            yield from block.regions


def partition(config: Config) -> str:
    """The AWS partition that the configuration's roles and regions lie in: aws, aws-cn or aws-us-gov."""
    arns = [block.role_arn for block in config.accounts or () if block.role_arn]
    if config.organization and config.organization.list_role_arn:
        arns.append(config.organization.list_role_arn)
    if arns:
        return str(arns[0]).split(":")[1]
    region = next(_named_regions(config), "")
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
