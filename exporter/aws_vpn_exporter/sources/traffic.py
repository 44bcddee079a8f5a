"""TunnelDataIn and TunnelDataOut from CloudWatch: the one source of data that AWS charges for."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import SourceAnswer, Traffic, TrafficPoint
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids, tunnels_up
from aws_vpn_exporter.target import FailureCause, PollError
from aws_vpn_exporter.wording import remark

METRICS = ("TunnelDataIn", "TunnelDataOut")
"""Bytes that AWS received from the customer gateway, and bytes that it sent there."""

DOLLARS_PER_METRIC = 0.01 / 1000
"""CloudWatch's price for each metric of a GetMetricData request, however many of its values are asked for."""

MOST_METRICS = 500
"""How many metrics one GetMetricData request may ask for."""

HISTORY = 12
"""Periods asked for. Traffic before a fall is evidence, and CloudWatch charges several periods like one."""

SETTLING = 60.0
"""Seconds that CloudWatch is given to receive the last values of a period that is over."""

_LOOK_BACK = 86400.0
"""Seconds. For a tunnel that fell longer ago than this, the traffic before its fall is not read."""

_BEFORE_A_FALL = 7200.0
"""Seconds."""

_MOST_PAGES = 50
_MONTH = 30 * 86400.0

_Form = Callable[[TunnelId], Mapping[str, str]]
"""The dimensions that a tunnel's metrics have. AWS keeps sums over a connection, and over everything, beside them."""


def _by_connection_and_tunnel(tunnel: TunnelId) -> Mapping[str, str]:
    return {"VpnId": tunnel.vpn_connection_id, "TunnelIpAddress": tunnel.tunnel_ip}


def _by_tunnel_alone(tunnel: TunnelId) -> Mapping[str, str]:
    return {"TunnelIpAddress": tunnel.tunnel_ip}


_NOTHING_THERE = (
    "CloudWatch has no TunnelDataIn and TunnelDataOut of any tunnel that is up, neither by VpnId and TunnelIpAddress "
    "nor by TunnelIpAddress alone"
)

_Values = Mapping[float, float]
"""The start of a period to the bytes in it."""


def _whole_minutes(seconds: float) -> float:
    if seconds % 60:
        raise ValueError("should be whole minutes, such as 5m: CloudWatch has no others")
    return seconds


class TrafficBlock(SourceBlock):
    """Bytes through each tunnel, from CloudWatch. AWS charges for it; `check-config` says how much."""

    interval: Duration = Field(300.0, description="How often CloudWatch is asked.")
    period: Annotated[Duration, AfterValidator(_whole_minutes)] = Field(
        300.0, description="Over how long bytes are averaged; whole minutes."
    )


class TrafficSource(Source):
    """The source `traffic`."""

    name = "traffic"
    description = "Read each tunnel's traffic"
    block = TrafficBlock
    service = "cloudwatch"
    actions = ("cloudwatch:GetMetricData",)

    def __init__(self, block: TrafficBlock) -> None:
        """`block` gives the period."""
        self._period = int(block.period)
        self._forms = [_by_connection_and_tunnel, _by_tunnel_alone]
        self._form_is_known = self._asked_in_both = False

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Traffic]:
        """The traffic of the tunnels that CloudWatch has values for, asked for with a CloudWatch client."""
        period, tunnels = self._period, tunnel_ids(connections)
        end = math.floor((now - SETTLING) / period) * period
        start = min(end - HISTORY * period, math.floor(_before_recent_falls(connections, now) / period) * period)
        found = self._ask(client, tunnels, start, end)
        up = tunnels_up(connections)
        if up and not up & found.keys() and not self._form_is_known:
            self._forms.reverse()
            if not self._asked_in_both:
                self._asked_in_both = True
                found = self._ask(client, tunnels, start, end)
        if up & found.keys():
            self._form_is_known = True
        elif up:
            error = PollError(FailureCause.NOT_FOUND, _NOTHING_THERE)
            if not found:
                raise error
            return SourceAnswer(found, error)
        return SourceAnswer(found)

    def _ask(self, client: Any, tunnels: Sequence[TunnelId], start: float, end: float) -> Mapping[TunnelId, Traffic]:
        period = self._period
        values: dict[tuple[TunnelId, str], _Values] = {}
        for batch in _batches([(tunnel, metric) for tunnel in tunnels for metric in METRICS]):
            with poll_errors():
                values |= _ask(client, batch, self._forms[0], start, end, period)
        received, sent = ({tunnel: values.get((tunnel, metric), {}) for tunnel in tunnels} for metric in METRICS)
        found = {tunnel: _points(received[tunnel], sent[tunnel], period) for tunnel in tunnels}
        return {tunnel: Traffic(points) for tunnel, points in found.items() if points}

    @staticmethod
    def dollars_per_month(block: TrafficBlock, tunnels: int) -> float:
        """CloudWatch's charge for asking about each tunnel's two metrics at the block's interval."""
        return tunnels * len(METRICS) * _MONTH / block.interval * DOLLARS_PER_METRIC


def _before_recent_falls(connections: Collection[Connection], now: float) -> float:
    """When to begin reading: before the earliest recent fall of a tunnel that is down. A longer time costs the same."""
    falls = [
        tunnel.telemetry.last_status_change
        for connection in connections
        for tunnel in connection.tunnels
        if tunnel.telemetry and tunnel.telemetry.up is False and tunnel.telemetry.last_status_change
    ]
    return min((fall - _BEFORE_A_FALL for fall in falls if now - fall < _LOOK_BACK), default=now)


def _batches(wanted: Sequence[tuple[TunnelId, str]]) -> Iterator[Sequence[tuple[TunnelId, str]]]:
    for begin in range(0, len(wanted), MOST_METRICS):
        yield wanted[begin : begin + MOST_METRICS]


def _ask(
    client: Any, batch: Sequence[tuple[TunnelId, str]], form: _Form, start: float, end: float, period: int
) -> Mapping[tuple[TunnelId, str], _Values]:
    keys = {f"m{number}": key for number, key in enumerate(batch)}
    request = {
        "MetricDataQueries": [_query(name, *key, form, period) for name, key in keys.items()],
        "StartTime": datetime.fromtimestamp(start, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
    }
    found: dict[tuple[TunnelId, str], dict[float, float]] = defaultdict(dict)
    for page in _pages(client, request):
        for result in page:
            _refuse_bad(result)
            moments = (moment.timestamp() for moment in result.get("Timestamps") or ())
            # CloudWatch is asked for complete periods only; what else it sends is not relied upon.
            taken = {at: value for at, value in zip(moments, result.get("Values") or (), strict=True) if at < end}
            found[keys[result["Id"]]].update(taken)
    return found


def _pages(client: Any, request: Mapping[str, object]) -> Iterator[Sequence[Mapping[str, Any]]]:
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = client.get_metric_data(**request, **token)
        if "MetricDataResults" not in answer:  # an answer in JSON that is cut off comes out of botocore as an empty one
            raise MalformedAnswerError("not a GetMetricData answer")
        yield answer["MetricDataResults"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
    raise MalformedAnswerError("a GetMetricData answer without an end")


def _query(name: str, tunnel: TunnelId, metric: str, form: _Form, period: int) -> Mapping[str, object]:
    dimensions = form(tunnel)
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/VPN",
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": period,
            "Stat": "Sum",
        },
    }


def _refuse_bad(result: Mapping[str, Any]) -> None:
    """Raises PollError where CloudWatch answers the request but withholds this metric."""
    causes = {"Forbidden": FailureCause.DENIED, "InternalError": FailureCause.SERVER_ERROR}
    cause = causes.get(str(result.get("StatusCode")))
    if cause:
        said = "; ".join(str(message.get("Value")) for message in result.get("Messages") or ())
        raise PollError(cause, remark(f"GetMetricData: {result['StatusCode']}: {said}"))


def _points(receive: _Values, transmit: _Values, period: int) -> tuple[TrafficPoint, ...]:
    return tuple(
        TrafficPoint(start + period, _rate(receive.get(start), period), _rate(transmit.get(start), period))
        for start in sorted(receive.keys() | transmit.keys())
    )


def _rate(value: float | None, period: int) -> float | None:
    return None if value is None else value / period
