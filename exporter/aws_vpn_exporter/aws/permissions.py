"""The least permissions that a configuration needs."""

from collections.abc import Mapping

from aws_vpn_exporter.config import Config
from aws_vpn_exporter.model import ALL_REGIONS


def policy(config: Config) -> Mapping[str, object]:
    """The IAM policy document, as JSON's types. GetCallerIdentity needs no permission."""
    actions = ["ec2:DescribeVpnConnections"]
    if config.regions == ALL_REGIONS:
        actions.append("ec2:DescribeRegions")
    # Neither action can be narrowed to a resource: see "Actions, resources, and condition keys for Amazon EC2".
    statement = {"Sid": "AwsVpnExporter", "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
