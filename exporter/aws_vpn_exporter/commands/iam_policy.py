"""`iam-policy`: prints the least IAM policies that a configuration needs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from aws_vpn_exporter import config
from aws_vpn_exporter.config import Config
from aws_vpn_exporter.permissions import HUB_ROLE_ARN, ORGANIZATION_ID, Json, Permissions, needed


def iam_policy(
    config_file: Path | None,
    output: str = "json",
    hub_role_arn: str = HUB_ROLE_ARN,
    organization_id: str = ORGANIZATION_ID,
) -> int:
    """Prints the policies as `output`, one of FORMATS. Raises ConfigError.

    `hub_role_arn` is the exporter's own role, which the members' roles trust if its account is in `organization_id`.
    """
    loaded = config.load(config_file) if config_file else Config()
    print(_FORMATS[output](needed(loaded, hub_role_arn, organization_id)))
    return 0


def _json(permissions: Permissions) -> str:
    """Only the policy if there are no members, so that it can be piped into the AWS CLI."""
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
    """The document as an HCL expression: JSON, except that `${` starts an interpolation and is escaped."""
    return json.dumps(document, indent=2).replace("${", "$${").replace("\n", "\n  ")


def _cloudformation(permissions: Permissions) -> str:
    """The members' roles, for a StackSet; the hub's policy if there are no members."""
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


_FORMATS: Mapping[str, Callable[[Permissions], str]] = {
    "json": _json,
    "terraform": _terraform,
    "cloudformation": _cloudformation,
}
FORMATS = tuple(_FORMATS)
