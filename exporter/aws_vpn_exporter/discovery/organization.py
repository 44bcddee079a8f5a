"""The accounts of an AWS organization, with the organization's names for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from aws_vpn_exporter.config import OrganizationBlock, Selection
from aws_vpn_exporter.target import Account, FailureCause, PollError, Regions

ACTIONS = ("organizations:ListAccounts",)
UNIT_ACTIONS = ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent")

ORGANIZATION = "organization"
"""Stands for the account id of a target where the organization's accounts could not be listed."""


@dataclass(frozen=True)
class Members:
    """What AWS said of an organization: the names of its active accounts by id, and the accounts below each unit."""

    names: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, frozenset[str]] = field(default_factory=dict)


def members(client: Any, block: OrganizationBlock) -> Members:
    """The organization's active accounts, and which of them lie below the units that the configuration names.

    `client` is one of the Organizations API. Raises what boto3 raises.
    """
    listed = _pages(client, "list_accounts", "Accounts")
    active = [item for item in listed if item.get("State", item.get("Status")) == "ACTIVE"]
    units = {unit for one in (block.include, block.exclude) if one for unit in one.organizational_units}
    return Members(
        {str(item["Id"]): str(item.get("Name", "")) for item in active},
        {unit: frozenset(_below(client, unit)) for unit in sorted(units)},
    )


def accounts(known: Members, block: OrganizationBlock, partition: str, regions: Regions) -> Mapping[str, Account]:
    """The accounts that the configuration selects of those that are known, by id.

    Of a unit that has not been listed yet no account is known: none is included by it, and none is left out. Raises
    PollError where no account is selected: nobody configures an organization to watch none of it.
    """
    included = _selected(known, block.include) if block.include else set(known.names)
    excluded = _selected(known, block.exclude) if block.exclude else set()
    if not included - excluded:
        raise PollError(
            FailureCause.NOT_FOUND,
            f"the organization has {len(known.names)} active accounts, and `include` and `exclude` select none of them",
        )
    return {
        account_id: Account(
            id=account_id,
            name=known.names[account_id],
            role_arn=f"arn:{partition}:iam::{account_id}:role/{block.role_name.format(account_id=account_id)}",
            external_id=block.external_id or "",
            regions=block.regions or regions,
        )
        for account_id in sorted(included - excluded)
    }


def _selected(known: Members, selection: Selection) -> set[str]:
    named = {
        account_id
        for account_id, name in known.names.items()
        if any(fnmatchcase(name, pattern) for pattern in selection.names)
    }
    units = {account_id for unit in selection.organizational_units for account_id in known.below.get(unit, ())}
    return (set(selection.ids) | named | units) & set(known.names)


def _below(client: Any, unit: str) -> Iterator[str]:
    for account in _pages(client, "list_accounts_for_parent", "Accounts", ParentId=unit):
        yield account["Id"]
    for child in _pages(client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit):
        yield from _below(client, child["Id"])


def _pages(client: Any, operation: str, key: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]
