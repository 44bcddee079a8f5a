"""The accounts of an AWS organization, with the organization's names for them."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from aws_vpn_exporter.config import OrganizationBlock, Selection
from aws_vpn_exporter.target import Account, FailureCause, PollError, Regions

ACTIONS = ("organizations:ListAccounts",)
UNIT_ACTIONS = ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent")

ORGANIZATION = "organization"
"""Stands for the account id of a target where the organization's accounts could not be listed."""


def accounts(client: Any, block: OrganizationBlock, partition: str, regions: Regions) -> Mapping[str, Account]:
    """The active accounts that the configuration selects, by id.

    `client` is one of the Organizations API. Raises PollError where no account is selected: nobody configures an
    organization to watch none of it.
    """
    listed = {item["Id"]: item for item in _pages(client, "list_accounts", "Accounts")}
    active = {key: item for key, item in listed.items() if item.get("State", item.get("Status")) == "ACTIVE"}
    included = _selected(client, block.include, active) if block.include else set(active)
    excluded = _selected(client, block.exclude, active) if block.exclude else set()
    if not included - excluded:
        raise PollError(
            FailureCause.NOT_FOUND,
            f"the organization has {len(active)} active accounts, and `include` and `exclude` select none of them",
        )
    return {
        account_id: Account(
            id=account_id,
            name=str(active[account_id].get("Name", "")),
            role_arn=f"arn:{partition}:iam::{account_id}:role/{block.role_name.format(account_id=account_id)}",
            external_id=block.external_id or "",
            regions=block.regions or regions,
        )
        for account_id in sorted(included - excluded)
    }


def _selected(client: Any, selection: Selection, active: Mapping[str, Any]) -> set[str]:
    named = {
        account_id
        for account_id, item in active.items()
        if any(fnmatchcase(str(item.get("Name", "")), pattern) for pattern in selection.names)
    }
    units = {account_id for unit in selection.organizational_units for account_id in _below(client, unit)}
    return (set(selection.ids) | named | units) & set(active)


def _below(client: Any, unit: str) -> Iterator[str]:
    for account in _pages(client, "list_accounts_for_parent", "Accounts", ParentId=unit):
        yield account["Id"]
    for child in _pages(client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit):
        yield from _below(client, child["Id"])


def _pages(client: Any, operation: str, key: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]
