"""What a policy of the organization refuses is one finding for each account, and no outage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.faults import Refusal, RefusedError
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, run, with_credentials
from testbed.exposition import values

ALLOWED = ("eu-central-1", "eu-west-1")
REFUSED = ("ap-south-1", "sa-east-1", "us-east-1")
DENY = Refusal(
    403,
    "UnauthorizedOperation",
    "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/vpn/x is not "
    "authorized to perform: ec2:DescribeVpnConnections with an explicit deny in a service control policy",
)


def describe(region: str) -> dict[str, object]:
    if region not in ALLOWED:
        raise RefusedError(DENY)
    return Fleet(lambda: 1_800_000_000.0, "all-healthy").describe(region)


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(describe, regions=(*ALLOWED, *REFUSED)) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "config.yaml"
    file.write_text("regions: all\n")
    return f"--config.file={file}"


def test_diagnose_says_it_in_one_line_and_ends_by_the_connections(aws: SimulatedAws, config: str) -> None:
    done = run("diagnose", config, **with_credentials(aws.url))
    assert done.returncode == 0, done.stdout
    [line] = [line for line in done.stdout.splitlines() if "policy of the organization" in line]
    assert line == (
        "123456789012: a policy of the organization refuses 3 regions: ap-south-1, sa-east-1, us-east-1. "
        "To leave them out, name those that answer: `regions: [eu-central-1, eu-west-1]`."
    )
    assert "allow the action" not in done.stdout


def test_check_config_says_it_in_one_line(aws: SimulatedAws, config: str) -> None:
    done = run("check-config", config, "--live", **with_credentials(aws.url))
    assert done.returncode == 0, done.stdout
    assert len([line for line in done.stdout.splitlines() if "ap-south-1" in line]) == 1


def test_metrics_name_the_cause(aws: SimulatedAws, config: str, tmp_path: Path) -> None:
    with ExporterProcess(("serve", config), with_credentials(aws.url), tmp_path / "log") as exporter:
        exporter.until_ready()
        page = exporter.metrics()
    failures = values(page, "aws_vpn_target_poll_failures_total")
    refused = values(page, "aws_vpn_target_poll_failures_total", cause="refused_by_policy")
    assert sum(map(bool, failures)) == sum(map(bool, refused)) == 3


def test_where_regions_may_not_be_listed_it_says_what_is_watched_instead(aws: SimulatedAws, config: str) -> None:
    aws.fail("DescribeRegions", "denied")
    done = run("diagnose", config, **with_credentials(aws.url))
    assert "watched instead: the regions that every account has enabled" in done.stdout
    assert "No connections found" not in done.stdout
    assert "in 123456789012/eu-west-1: All expected tunnels up" in done.stdout


def test_where_nothing_answers_nothing_is_said_about_connections(aws: SimulatedAws, config: str) -> None:
    aws.fail("DescribeVpnConnections", "denied")
    done = run("diagnose", config, **with_credentials(aws.url))
    assert done.returncode == 2
    assert "No connections found" not in done.stdout
