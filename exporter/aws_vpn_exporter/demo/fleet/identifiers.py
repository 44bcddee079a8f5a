"""Ids, addresses and the key of the simulated account: the same in every run, and none of them anybody's.

Addresses come from the ranges that RFC 5737 reserves for documentation.
"""

import hashlib

HOME_REGION = "eu-west-1"
"""The only region that has connections."""

LOG_GROUP_NAME = "/demo/vpn"
LOG_GROUP_ARN = f"arn:aws:logs:{HOME_REGION}:123456789012:log-group:{LOG_GROUP_NAME}"

DEMO_SECRET = "not-a-real-key.made-up-for-the-demo"  # noqa: S105 - it is not a real key  # nosec B105
"""Appears wherever AWS would show a pre-shared key. An output that contains it has leaked a secret."""


def resource_id(prefix: str, name: str) -> str:
    """Make an id in AWS's form, such as vpn-0123456789abcdef0, from its prefix and the resource's name."""
    return f"{prefix}-0{hashlib.sha256(f'{prefix} {name}'.encode()).hexdigest()[:16]}"


def outside_address(connection_number: int, tunnel_index: int) -> str:
    """Make AWS's public address of a tunnel, unique among 254 connections; after that, addresses repeat."""
    return f"{('203.0.113', '198.51.100')[tunnel_index]}.{(connection_number - 1) % 254 + 1}"


def customer_gateway_address(connection_number: int) -> str:
    """Make the public address of a customer gateway, unique among 62 connections."""
    return f"192.0.2.{(connection_number - 1) % 62 + 1}"


def inside_cidr(connection_number: int, tunnel_index: int) -> str:
    """Make the /30 block of link-local addresses inside a tunnel."""
    block = (2 * connection_number + tunnel_index) % (64 * 256)
    return f"169.254.{block // 64}.{block % 64 * 4}/30"
