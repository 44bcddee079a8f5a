"""Traffic over the wire: right values, complete periods only, every metric paid for once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import Traffic, TrafficPoint
from aws_vpn_exporter.model import Connection, Telemetry, TunnelId, TunnelState
from aws_vpn_exporter.sources.traffic import HISTORY, MOST_METRICS, TrafficBlock, TrafficSource
from aws_vpn_exporter.target import PollError
from tests.sources.accounts import NOW, Account, connections_of, tunnels
from tests.sources.conftest import CAUSES
from tests.support.aws_clients import ClientMaker

FULL = 1_800_000_000.0
LAST = FULL - 300
"""The end of the newest settled period of 300 seconds, given that the one that ended 10 seconds ago is not."""


def traffic(client: Any, known: list[TunnelId], now: float) -> Mapping[TunnelId, Traffic]:
    return TrafficSource(TrafficBlock(interval="5m", period="5m")).fetch(client, connections_of(known), now).values


def counting(client: Any) -> tuple[Any, list[int]]:
    """The client, and how many metrics each of its requests will have asked for."""
    requested: list[int] = []
    client.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: requested.append(len(params["MetricDataQueries"])) if "NextToken" not in params else None,
    )
    return client, requested


def test_bytes_per_second_of_complete_periods(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    one, other, silent = tunnels(3)
    account.carry(one, [LAST - 600, LAST - 300, LAST, FULL], 300_000, 75_000)
    account.data[other, "TunnelDataOut", LAST - 300] = 0.0
    found = traffic(client("cloudwatch", aws.url), [one, other, silent], NOW)
    assert found[one].points == (TrafficPoint(LAST - 300, 1000, 250), TrafficPoint(LAST, 1000, 250))
    assert found[other].points == (TrafficPoint(LAST, None, 0),)
    assert silent not in found


def test_a_period_counts_once_it_has_settled(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    (one,) = tunnels(1)
    account.carry(one, [FULL - 300], 300, 300)
    cloudwatch = client("cloudwatch", aws.url)
    assert traffic(cloudwatch, [one], FULL + 59) == {}
    assert traffic(cloudwatch, [one], FULL + 60)[one].points == (TrafficPoint(FULL, 1, 1),)


def test_an_hour_of_history_at_five_minutes(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    (one,) = tunnels(1)
    account.carry(one, [FULL - 300 * number for number in range(100)], 300, 300)
    points = traffic(client("cloudwatch", aws.url), [one], NOW)[one].points
    assert [point.time for point in points] == [LAST - 300 * number for number in reversed(range(HISTORY))]


def test_at_most_500_metrics_a_request(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    many = tunnels(501)
    for number, tunnel in enumerate(many):
        account.carry(tunnel, [LAST - 300], 300 * number, 0)
    cloudwatch, requested = counting(client("cloudwatch", aws.url))
    found = traffic(cloudwatch, many, NOW)
    assert requested == [MOST_METRICS, MOST_METRICS, 2]
    assert aws.calls[("GetMetricData", "eu-west-1")] == 3
    assert [found[tunnel].points[0].receive for tunnel in many] == [float(number) for number in range(501)]


def test_pages_are_put_together(account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker) -> None:
    many = tunnels(4)
    starts = [LAST - 300 * number for number in range(1, 11)]
    for tunnel in many:
        account.carry(tunnel, starts, 300, 600)
    aws = simulate(7)
    cloudwatch, requested = counting(client("cloudwatch", aws.url))
    found = traffic(cloudwatch, many, NOW)
    assert aws.calls[("GetMetricData", "eu-west-1")] == 12
    assert requested == [8]
    expected = tuple(TrafficPoint(start + 300, 1, 2) for start in reversed(starts))
    assert {tunnel: one.points for tunnel, one in found.items()} == dict.fromkeys(many, expected)


def test_no_tunnel_costs_no_request(aws: SimulatedAws, client: ClientMaker) -> None:
    assert traffic(client("cloudwatch", aws.url), [], NOW) == {}
    assert not aws.calls


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_each_failure_has_its_cause(fault: FaultName, aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail("GetMetricData", fault)
    with pytest.raises(PollError) as caught:
        traffic(client("cloudwatch", aws.url, timeout=0.4), tunnels(1), NOW)
    assert caught.value.cause == CAUSES[fault]


def test_the_monthly_cost_is_that_of_the_price_list() -> None:
    assert TrafficSource.dollars_per_month(TrafficBlock(interval="1m"), 100) == pytest.approx(86.4)
    assert TrafficSource.dollars_per_month(TrafficBlock(), 100) == pytest.approx(17.28)


@pytest.mark.parametrize(("status", "cause"), [("Forbidden", "denied"), ("InternalError", "server_error")])
def test_a_metric_that_is_withheld_is_a_failure(status: str, cause: str) -> None:
    """CloudWatch can answer the request with success and withhold one metric; its answer is written by hand here."""

    class Withholding:
        def get_metric_data(self, **_: object) -> object:
            result = {"Id": "m0", "StatusCode": status, "Messages": [{"Code": "c", "Value": "not yours"}]}
            return {"MetricDataResults": [result]}

    with pytest.raises(PollError, match="not yours") as caught:
        traffic(Withholding(), tunnels(1), NOW)
    assert caught.value.cause == cause


def test_an_answer_without_an_end_is_given_up() -> None:
    class Endless:
        def get_metric_data(self, **_: object) -> object:
            return {"MetricDataResults": [], "NextToken": "again"}

    with pytest.raises(PollError, match="without an end"):
        traffic(Endless(), tunnels(1), NOW)


class CloudWatch:
    """Has a value for each tunnel, under the dimensions of one form only; notes the dimensions that it is asked for."""

    def __init__(self, *dimensions: str) -> None:
        self.kept_under = set(dimensions)
        self.asked: list[set[str]] = []

    def get_metric_data(self, **request: Any) -> Mapping[str, object]:
        results = []
        for query in request["MetricDataQueries"]:
            names = {one["Name"] for one in query["MetricStat"]["Metric"]["Dimensions"]}
            if names == self.kept_under:
                moments = [datetime.fromtimestamp(LAST - 300, UTC)]
                results.append({"Id": query["Id"], "Timestamps": moments, "Values": [600.0]})
        self.asked.append(names)
        return {"MetricDataResults": results}


def up_tunnels(count: int) -> list[Connection]:
    up = Telemetry(True, TunnelState.UP, "", NOW - 86400, 1)
    return [
        replace(one, tunnels=tuple(replace(tunnel, telemetry=up) for tunnel in one.tunnels))
        for one in connections_of(tunnels(count))
    ]


PAIR, ALONE = {"VpnId", "TunnelIpAddress"}, {"TunnelIpAddress"}


def test_the_other_form_of_dimensions_is_tried_once_and_the_one_that_holds_is_remembered() -> None:
    cloudwatch, source = CloudWatch(*ALONE), TrafficSource(TrafficBlock())
    for _ in range(3):
        assert len(source.fetch(cloudwatch, up_tunnels(2), NOW).values) == 2
    assert cloudwatch.asked == [PAIR, ALONE, ALONE, ALONE]


def test_an_answer_without_any_tunnel_that_is_up_is_no_success() -> None:
    cloudwatch, source = CloudWatch(), TrafficSource(TrafficBlock())
    for _ in range(3):
        with pytest.raises(PollError, match="CloudWatch has no TunnelDataIn and TunnelDataOut of any tunnel") as caught:
            source.fetch(cloudwatch, up_tunnels(2), NOW)
        assert caught.value.cause == "not_found"
    assert cloudwatch.asked == [PAIR, ALONE, ALONE, PAIR], "after the first time one form a poll, in turn"


def test_where_no_tunnel_is_up_silence_is_an_answer() -> None:
    cloudwatch = CloudWatch()
    assert TrafficSource(TrafficBlock()).fetch(cloudwatch, connections_of(tunnels(2)), NOW).values == {}
    assert cloudwatch.asked == [PAIR]
