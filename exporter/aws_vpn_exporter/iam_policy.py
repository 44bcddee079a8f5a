"""The least permissions that a configuration needs, as IAM policies, and ready to apply in two usual formats.

The hub is where the exporter runs; a member is an account that it watches through a role. None of the EC2 actions can
be narrowed to a resource: see "Actions, resources, and condition keys for Amazon EC2" in AWS's documentation.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.config import Config
from aws_vpn_exporter.discovery import organization, targets
from aws_vpn_exporter.sources import SOURCES
from aws_vpn_exporter.target import ALL_REGIONS

Json = dict[str, Any]

FORMATS = ("json", "terraform", "cloudformation")

HUB_ROLE_ARN = "arn:aws:iam::HUB_ACCOUNT_ID:role/HUB_ROLE_NAME"
ORGANIZATION_ID = "o-ORGANIZATION_ID"
"""Stand in output for what the configuration does not say, where the command line does not say it either."""


@dataclass(frozen=True)
class MemberRole:
    """A role to make in member accounts."""

    name: str
    policy: Json
    trust: Json


@dataclass(frozen=True)
class Permissions:
    """What is needed: at the hub, and one role for each kind of member."""

    hub: Json
    members: tuple[MemberRole, ...]


def needed(config: Config, hub_role_arn: str = HUB_ROLE_ARN, organization_id: str = ORGANIZATION_ID) -> Permissions:
    """The permissions for exactly what the configuration turns on."""
    accounts, org = config.accounts or (), config.organization
    hub: list[Json] = []
    own = [block for block in accounts if not block.role_arn]
    if own or (not accounts and not org):
        hub.append(_allow("WatchVpn", _watching(config, own or [config])))
    members = []
    assumed = [block for block in accounts if block.role_arn]
    if assumed:
        hub.append(_allow("AssumeMemberRoles", ["sts:AssumeRole"], sorted(str(block.role_arn) for block in assumed)))
    for name, external_id in dict.fromkeys((str(b.role_arn).rpartition("/")[2], b.external_id) for b in assumed):
        alike = [b for b in assumed if str(b.role_arn).endswith(f"/{name}")]
        members.append(_member(name, _watching(config, alike), _trust(hub_role_arn, external_id)))
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
            members.append(_member(lister, _listing(config), _trust(hub_role_arn, None, organization_id)))
        else:
            hub.append(_allow("ListAccounts", _listing(config)))
        trust = _trust(hub_role_arn, org.external_id, organization_id)
        members.append(_member(org.role_name, _watching(config, [org]), trust))
    return Permissions(_document(hub), tuple(members))


def written(permissions: Permissions, form: str) -> str:
    """The permissions as text in one of FORMATS."""
    return {"json": _json, "terraform": _terraform, "cloudformation": _cloudformation}[form](permissions)


def _watching(config: Config, blocks: Iterable[Any]) -> list[str]:
    every = any((block.regions or config.regions) == ALL_REGIONS for block in blocks)
    optional = [action for name in config.sources() for action in SOURCES[name].actions]
    return sorted((*connections.ACTIONS, *optional, *(targets.REGION_ACTIONS if every else ())))


def _listing(config: Config) -> list[str]:
    org = config.organization
    selections = [selection for selection in (org.include, org.exclude) if selection] if org else []
    by_unit = any(selection.organizational_units for selection in selections)
    return sorted((*organization.ACTIONS, *(organization.UNIT_ACTIONS if by_unit else ())))


def _allow(sid: str, actions: Sequence[str], resource: str | list[str] = "*") -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _document(statements: Sequence[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _member(name: str, actions: Sequence[str], trust: Json) -> MemberRole:
    return MemberRole(name, _document([_allow("AwsVpnExporter", actions)]), trust)


def _trust(hub_role_arn: str, external_id: str | None, organization_id: str = "") -> Json:
    conditions = {"sts:ExternalId": external_id, "aws:PrincipalOrgID": organization_id}
    stated = {key: value for key, value in conditions.items() if value}
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": hub_role_arn}, "Action": "sts:AssumeRole"}
    return _document([{**statement, **({"Condition": {"StringEquals": stated}} if stated else {})}])


def _json(permissions: Permissions) -> str:
    """The policy alone where there are no members, so that it can be piped into the AWS CLI."""
    if not permissions.members:
        return json.dumps(permissions.hub, indent=2)
    members = [{"role_name": m.name, "policy": m.policy, "trust_policy": m.trust} for m in permissions.members]
    return json.dumps({"hub": {"policy": permissions.hub}, "members": members}, indent=2)


def _terraform(permissions: Permissions) -> str:
    blocks = [
        "# Attach to the role that the exporter runs with.\n"
        'resource "aws_iam_policy" "aws_vpn_exporter_hub" {\n'
        '  name   = "aws-vpn-exporter"\n'
        f"  policy = jsonencode({_hcl(permissions.hub)})\n}}\n"
    ]
    for number, member in enumerate(permissions.members):
        name = f"aws_vpn_exporter_member_{number}"
        blocks.append(
            "# Apply in each member account.\n"
            f'resource "aws_iam_role" "{name}" {{\n'
            f"  name               = {json.dumps(member.name).replace('{account_id}', _TERRAFORM_ACCOUNT)}\n"
            f"  assume_role_policy = jsonencode({_hcl(member.trust)})\n}}\n\n"
            f'resource "aws_iam_role_policy" "{name}" {{\n'
            '  name   = "aws-vpn-exporter"\n'
            f"  role   = aws_iam_role.{name}.id\n"
            f"  policy = jsonencode({_hcl(member.policy)})\n}}\n"
        )
    if any("{account_id}" in member.name for member in permissions.members):
        blocks.append('data "aws_caller_identity" "current" {}\n')
    return "\n".join(blocks)


_TERRAFORM_ACCOUNT = "${data.aws_caller_identity.current.account_id}"


def _hcl(document: Json) -> str:
    """JSON is an expression of HCL, but for `${`, which begins an interpolation there."""
    return json.dumps(document, indent=2).replace("${", "$${").replace("\n", "\n  ")


def _cloudformation(permissions: Permissions) -> str:
    """The roles of the members, for a StackSet; the hub's policy where there are none."""
    resources: Mapping[str, Json] = {
        f"MemberRole{number or ''}": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Fn::Sub": member.name.replace("{account_id}", "${AWS::AccountId}")},
                "AssumeRolePolicyDocument": member.trust,
                "Policies": [{"PolicyName": "aws-vpn-exporter", "PolicyDocument": member.policy}],
            },
        }
        for number, member in enumerate(permissions.members)
    }
    hub = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": permissions.hub}}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read access for aws-vpn-exporter",
        "Resources": resources or {"Policy": hub},
    }
    return json.dumps(template, indent=2)
