"""Documents that are written by hand name what exists: causes, alerts, flags, commands."""

import re

from aws_vpn_exporter import cli
from aws_vpn_exporter.target import FailureCause
from testbed.programs import REPOSITORY

NAMES = ("CONCEPTS", "OPERATING", "INSTALL", "COSTS")
PAGES = {
    name: (REPOSITORY / "docs" / f"{name}.md").read_text() for name in ("CONCEPTS", "OPERATING", "INSTALL", "COSTS")
}
ALL = "\n".join(PAGES.values())


def test_causes_and_alerts() -> None:
    causes = set(re.findall(r"cause `(\w+)`|`(\w+)` or `(\w+)` \| no way", PAGES["OPERATING"]))
    named = {name for found in causes for name in found if name}
    assert {"denied", "throttled"} <= named <= {cause.value for cause in FailureCause}
    rules = (REPOSITORY / "alerts" / "aws-vpn.rules.yaml").read_text()
    for alert in re.findall(r"\bAwsVpn\w+", ALL):
        assert f"alert: {alert}\n" in rules


def test_flags_and_commands() -> None:
    parsers = cli.parser().commands()
    flags = {flag for parser in parsers.values() for action in parser.flags() for flag in action.option_strings}
    for flag in re.findall(r"`(--(?:web|log|config|shard|output|overwrite|live)[\w.-]*)", ALL):
        assert flag in flags, flag
    for command in re.findall(r"`aws-vpn-exporter ([a-z][a-z-]+)", ALL):
        assert command in parsers, command
