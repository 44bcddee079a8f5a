"""The configuration file: its schema, how it is read strictly, and the device files that its policies name."""

from aws_vpn_exporter.config.loading import load, load_as, read
from aws_vpn_exporter.config.schema import AccountBlock, Config, OrganizationBlock, Selection
from aws_vpn_exporter.config.strict_yaml import ConfigError
from aws_vpn_exporter.config.values import REGION_PATTERN

__all__ = [
    "REGION_PATTERN",
    "AccountBlock",
    "Config",
    "ConfigError",
    "OrganizationBlock",
    "Selection",
    "load",
    "load_as",
    "read",
]
