"""DescribeVpnConnections: one call shows every connection of an account in a region. AWS charges nothing for it."""

from aws_vpn_exporter import parse
from aws_vpn_exporter.aws.errors import translated
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.model import Connection, Target

ACTIONS = ("ec2:DescribeVpnConnections",)


def connections(aws: Aws, target: Target) -> tuple[Connection, ...]:
    """The target's connections now. Raises PollError."""
    with translated(), aws.acting_in(target.account_id):
        return parse.connections(aws.client("ec2", target.region).describe_vpn_connections())
