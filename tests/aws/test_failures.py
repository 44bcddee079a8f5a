"""Each way in which AWS can fail, provoked on the wire: the failure is named, data is held, dropped and recovered."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.fleet import DEMO_SECRET, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.target import Target
from testbed.exposition import samples, values
from tests.support.stepped_exporter import TARGET, SteppedExporter

CAUSES: dict[FaultName, str] = {
    "denied": "denied",
    "throttled": "throttled",
    "server_error": "server_error",
    "server_error_html": "server_error",
    "proxy_html": "malformed",
    "portal_html": "malformed",
    "hang": "timeout",
    "slow": "timeout",
    "reset": "network",
    "expired_token": "credentials",
    "clock_skew": "clock_skew",
    "truncated": "malformed",
    "short": "malformed",
    "empty": "malformed",
    "opt_in_region": "credentials",
    "opt_in_required": "region",
}


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedAws]:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


def quick() -> Aws:
    return Aws(connect_timeout=0.5, read_timeout=0.5, tries=1)


def test_every_fault_that_can_be_simulated_has_a_cause() -> None:
    assert set(CAUSES) == set(FAULT_NAMES)


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_a_failure_is_named_and_costs_no_data(
    fault: FaultName, simulated: SimulatedAws, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    exporter = SteppedExporter(quick())
    good = exporter.after(0)
    assert values(good, "aws_vpn_target_up") == [1.0]
    tunnels = samples(good, "aws_vpn_tunnel_up")

    simulated.fail("DescribeVpnConnections", fault)
    held = exporter.after(30)
    assert values(held, "aws_vpn_target_up") == [0.0]
    failures = samples(held, "aws_vpn_target_poll_failures_total")
    assert {labels: count for labels, count in failures.items() if count} == {
        frozenset({"account_id": TARGET.account_id, "region": TARGET.region, "cause": CAUSES[fault]}.items()): 1.0
    }
    assert set(samples(good, "aws_vpn_target_poll_failures_total")) == set(failures), "a counter begins at 0"
    assert samples(held, "aws_vpn_tunnel_up") == tunnels

    dropped = exporter.after(301)
    assert values(dropped, "aws_vpn_target_up") == [0.0]
    assert not samples(dropped, "aws_vpn_tunnel_up")
    assert not samples(dropped, "aws_vpn_connection_info")

    simulated.heal()
    recovered = exporter.after(120)
    assert values(recovered, "aws_vpn_target_up") == [1.0]
    assert samples(recovered, "aws_vpn_tunnel_up") == tunnels
    assert DEMO_SECRET not in caplog.text


def test_an_unreachable_endpoint_is_a_network_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    page = SteppedExporter(quick()).after(0)
    assert values(page, "aws_vpn_target_up") == [0.0]
    assert values(page, "aws_vpn_target_poll_failures_total", cause="network") == [1.0]
    assert values(page, "aws_vpn_target_last_success_timestamp_seconds") == [0.0]


def test_each_target_has_its_series_before_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    targets = [Target("123456789012", region) for region in ("eu-west-1", "us-east-1")]
    exporter = SteppedExporter(quick(), targets=targets)
    for name in ("up", "last_success_timestamp_seconds", "poll_duration_seconds", "polls_total"):
        assert values(exporter.page(), f"aws_vpn_target_{name}") == [0.0, 0.0]
    assert not exporter.poller.ready


def test_one_failing_region_leaves_the_others_alone(simulated: SimulatedAws) -> None:
    targets = [Target("123456789012", region) for region in ("eu-west-1", "us-east-1", "eu-central-1")]
    exporter = SteppedExporter(quick(), targets=targets)
    simulated.fail("DescribeVpnConnections", "denied", region="us-east-1")
    page = exporter.after(0)
    assert values(page, "aws_vpn_target_up", region="us-east-1") == [0.0]
    assert values(page, "aws_vpn_target_up", region="eu-west-1") == [1.0]
    assert values(page, "aws_vpn_target_up", region="eu-central-1") == [1.0]
    assert exporter.poller.ready


def test_a_deleted_connection_is_gone_at_the_next_good_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict[str, object]] = [
        {"VpnConnections": [{"VpnConnectionId": "vpn-1", "State": "available"}]},
        {"VpnConnections": []},
    ]
    with SimulatedAws(lambda _region: answers[0]) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        exporter = SteppedExporter(quick())
        assert samples(exporter.after(0), "aws_vpn_connection_info")
        answers.pop(0)
        assert not samples(exporter.after(30), "aws_vpn_connection_info")


def test_a_failing_target_is_asked_less_often_but_again_within_two_minutes(simulated: SimulatedAws) -> None:
    exporter = SteppedExporter(quick())
    simulated.fail("DescribeVpnConnections", "denied")
    asked = []
    for _ in range(600):
        before = simulated.calls.get(("DescribeVpnConnections", "eu-west-1"), 0)
        exporter.after(1)
        if simulated.calls[("DescribeVpnConnections", "eu-west-1")] > before:
            asked.append(exporter.clock.now)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses == [30.0, 60.0, 120.0, 120.0, 120.0, 120.0]
