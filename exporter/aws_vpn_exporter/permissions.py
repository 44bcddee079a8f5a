"""The least permissions that a configuration needs, as IAM policy documents.

The hub is the account in which the exporter runs; a member is an account that it watches through a role. EC2's Describe
actions cannot be narrowed to resources: see "Actions, resources, and condition keys for Amazon EC2" in AWS's
documentation. Those of optional sources are, where AWS allows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.config import Config
from aws_vpn_exporter.discovery import organization, targets
from aws_vpn_exporter.sources import SOURCES
from aws_vpn_exporter.target import ALL_REGIONS

Json = dict[str, Any]

HUB_ROLE_ARN = "arn:aws:iam::HUB_ACCOUNT_ID:role/HUB_ROLE_NAME"
ORGANIZATION_ID = "o-ORGANIZATION_ID"
"""Placeholders in the output for what neither the configuration nor the command line says."""


@dataclass(frozen=True)
class MemberRole:
    """A role to create in member accounts."""

    name: str
    policy: Json
    trust: Json


@dataclass(frozen=True)
class Permissions:
    """The policy of the exporter's own role, and the roles of members, each with its policy and its trust policy."""

    hub: Json
    members: tuple[MemberRole, ...]


def needed(config: Config, hub_role_arn: str = HUB_ROLE_ARN, organization_id: str = ORGANIZATION_ID) -> Permissions:
    """The permissions for exactly what the configuration turns on."""
    accounts, org = config.accounts or (), config.organization
    hub: list[Json] = []
    own = [block for block in accounts if not block.role_arn]
    if own or (not accounts and not org):
        hub += _watching(config, own or [config])
    members = []
    assumed = [block for block in accounts if block.role_arn]
    if assumed:
        hub.append(_allow("AssumeMemberRoles", ["sts:AssumeRole"], sorted(str(block.role_arn) for block in assumed)))
    for name, external_id in dict.fromkeys((str(b.role_arn).rpartition("/")[2], b.external_id) for b in assumed):
        alike = [b for b in assumed if str(b.role_arn).endswith(f"/{name}")]
        policy = _document(_watching(config, alike))
        members.append(MemberRole(name, policy, _trust(hub_role_arn, external_id)))
    if org:
        name = org.role_name.format(account_id="*")
        assume = _allow(
            "AssumeOrganizationRoles", ["sts:AssumeRole"], f"arn:{targets.partition(config)}:iam::*:role/{name}"
        )
        assume["Condition"] = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
        hub.append(assume)
        if org.list_role_arn:
            hub.append(_allow("AssumeListRole", ["sts:AssumeRole"], org.list_role_arn))
            lister = org.list_role_arn.rpartition("/")[2]
            policy = _document([_allow("ListAccounts", _listing(config))])
            members.append(MemberRole(lister, policy, _trust(hub_role_arn, None, organization_id)))
        else:
            hub.append(_allow("ListAccounts", _listing(config)))
        trust = _trust(hub_role_arn, org.external_id, organization_id)
        members.append(MemberRole(org.role_name, _document(_watching(config, [org])), trust))
    return Permissions(_document(hub), tuple(members))


def _watching(config: Config, blocks: Iterable[Any]) -> list[Json]:
    every = any((block.regions or config.regions) == ALL_REGIONS for block in blocks)
    statements = [_allow("WatchVpn", sorted((*connections.ACTIONS, *(targets.REGION_ACTIONS if every else ()))))]
    for name, block in config.sources().items():
        source = SOURCES[name]
        resources = source.resources(block, targets.partition(config))
        sid = "Read" + "".join(word.capitalize() for word in name.split("_"))
        statements.append(_allow(sid, source.actions, resources))
    return statements


def _listing(config: Config) -> list[str]:
    org = config.organization
    selections = [selection for selection in (org.include, org.exclude) if selection] if org else []
    by_unit = any(selection.organizational_units for selection in selections)
    return sorted((*organization.ACTIONS, *(organization.UNIT_ACTIONS if by_unit else ())))


def _allow(sid: str, actions: Sequence[str], resource: str | list[str] = "*") -> Json:
    if isinstance(resource, list) and len(resource) == 1:
        resource = resource[0]
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _document(statements: Sequence[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _trust(hub_role_arn: str, external_id: str | None, organization_id: str = "") -> Json:
    conditions = {"sts:ExternalId": external_id, "aws:PrincipalOrgID": organization_id}
    stated = {key: value for key, value in conditions.items() if value}
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": hub_role_arn}, "Action": "sts:AssumeRole"}
    return _document([{**statement, **({"Condition": {"StringEquals": stated}} if stated else {})}])
