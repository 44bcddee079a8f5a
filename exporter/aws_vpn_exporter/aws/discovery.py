"""Which targets there are: the account behind the credentials, in the regions that the configuration names."""

import logging
from collections.abc import Mapping, Sequence

from aws_vpn_exporter.aws.errors import translated
from aws_vpn_exporter.aws.session import Aws, CannotStartError
from aws_vpn_exporter.model import UNKNOWN_ACCOUNT, PollError, Target

Regions = Sequence[str] | str
"""Regions by name, or ALL_REGIONS."""

log = logging.getLogger(__name__)

ALL_REGIONS = "all"
"""In the configuration, every enabled region; as a target's region, those that could not be listed."""


def regions_of(aws: Aws, configured: Regions | None) -> Regions:
    """The regions to watch, or ALL_REGIONS. Raises CannotStartError where neither file nor AWS settings name one."""
    if configured:
        return configured
    if aws.region:
        return (aws.region,)
    raise CannotStartError("no region: name `regions` in the configuration file, or set AWS_REGION")


def targets(aws: Aws, regions: Regions) -> Mapping[Target, PollError | None]:
    """The targets, each with the reason why it cannot be polled, if any.

    Where STS cannot say whose credentials these are, the regions are watched all the same, under UNKNOWN_ACCOUNT.
    """
    home = aws.region or (regions[0] if regions != ALL_REGIONS else "us-east-1")
    account_id = _account_id(aws, home)
    if regions != ALL_REGIONS:
        return dict.fromkeys(Target(account_id, region) for region in regions)
    try:
        return dict.fromkeys(Target(account_id, region) for region in _enabled_regions(aws, home))
    except PollError as error:
        return {Target(account_id, ALL_REGIONS): error}


def complete(found: Mapping[Target, PollError | None]) -> bool:
    """Whether every target is known for what it is and can be polled."""
    return not any(error or target.account_id == UNKNOWN_ACCOUNT for target, error in found.items())


def _account_id(aws: Aws, region: str) -> str:
    try:
        with translated():
            return str(aws.client("sts", region).get_caller_identity()["Account"])
    except PollError as error:
        log.warning("the account's id is not known yet: %s: %s", error.cause, error)
        return UNKNOWN_ACCOUNT


def _enabled_regions(aws: Aws, region: str) -> Sequence[str]:
    with translated():
        answer = aws.client("ec2", region).describe_regions()
    return [item["RegionName"] for item in answer["Regions"]]
