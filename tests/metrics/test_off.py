"""Whoever turns nothing on sees nothing of it: no series, no call to AWS, no word on the README's first screen."""

import re
import time
from pathlib import Path

import pytest

from aws_vpn_exporter.config.schema import Config
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import REPOSITORY

FEATURES = {
    "sites": r"aws_vpn_(connection_)?site",
    "headroom": r"_limit",
    "risks": r"_risk|rekey_due",
    "quotas": r"connections_limit",
    "traffic": r"_bytes_per_second|traffic",
    "maintenance": r"_maintenance",
    "negotiated": r"negotiated|provisioning",
    "logs": r"log_events|unmatched",
    "changes": r"last_change_timestamp",
}
"""The blocks of the configuration that are off, and what their metrics are called."""
ALWAYS = {"GetCallerIdentity", "DescribeVpnConnections", "DescribeCustomerGateways"}


def test_each_block_that_is_off_is_among_these() -> None:
    off = {name for name, field in Config.model_fields.items() if field.annotation and field.default is None}
    assert off - {"team_tag", "grafana_url", "organization", "accounts", "regions"} == set(FEATURES)


def test_turned_off_there_is_no_series_and_no_call(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("regions: [eu-west-1]\npoll_interval: 1s\n")
    fleet = Fleet(time.time, "causes")
    with (
        SimulatedAws(fleet.describe, sources=fleet) as aws,
        ExporterProcess(("serve", f"--config.file={config}"), with_credentials(aws.url), tmp_path / "log") as exporter,
    ):
        exporter.until(lambda: aws.calls["DescribeVpnConnections", "eu-west-1"] > 4, "some polls")
        names = set(re.findall(r"^(aws_vpn_\w+)", exporter.metrics(), re.MULTILINE))
        assert {operation for operation, _ in aws.calls} == ALWAYS
    assert "aws_vpn_source_up" not in names
    for feature, pattern in FEATURES.items():
        assert not {name for name in names if re.search(pattern, name)}, feature


@pytest.mark.parametrize("feature", [one for one in FEATURES if one not in ("maintenance", "changes", "logs")])
def test_the_first_screen_of_the_readme_speaks_of_none(feature: str) -> None:
    screen = "\n".join((REPOSITORY / "README.md").read_text().splitlines()[:40])
    assert not re.search(rf"\b{feature}\b", screen, re.IGNORECASE)
