"""CloudWatch's and CloudWatch Logs' answers: paged, and refused, as the real services do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from .faults import Refusal, RefusedError

Parameters = Mapping[str, Any]

_MOST_METRICS = 500
_NO_GROUP = Refusal(400, "ResourceNotFoundException", "The specified log group does not exist.")
_BAD_TOKEN = Refusal(400, "InvalidParameterException", "The specified nextToken is invalid.")


class LogRecord(NamedTuple):
    """An event of a log group. `time` is a Unix time; `id` is made of the rest where it is not given."""

    stream: str
    time: float
    message: str
    id: str = ""


class Sources(Protocol):
    """What stands behind the answers about tunnels; None where AWS knows of no such tunnel, data or log group."""

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetVpnTunnelReplacementStatus, as boto3 returns it."""

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetActiveVpnTunnelStatus, as boto3 returns it."""

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        """Give the bytes of a period that begins at a Unix time, as far as it has passed."""

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        """Give the events of a log group, by name or ARN, between two Unix times, both included."""


class NoSources:
    """An account about which nothing of this is known."""

    def maintenance(self, region: str, connection_id: str, address: str) -> None:
        """Know nothing."""

    def negotiated(self, region: str, connection_id: str, address: str) -> None:
        """Know nothing."""

    def traffic(self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float) -> None:
        """Know nothing."""

    def log(self, region: str, group: str, begin: float, end: float) -> None:
        """Know nothing."""


@dataclass(frozen=True)
class _Datapoint:
    id: str
    label: str
    begin: float
    value: float


def metric_data(sources: Sources, region: str, parameters: Parameters, page_size: int) -> Mapping[str, object]:
    """Answer GetMetricData for queries of AWS/VPN's TunnelDataIn and TunnelDataOut by Sum, newest first."""
    queries: Sequence[Parameters] = parameters["MetricDataQueries"]
    if len(queries) > _MOST_METRICS:
        message = f"The collection MetricDataQueries must not have a size greater than {_MOST_METRICS}."
        raise RefusedError(Refusal(400, "ValidationError", message))
    begin, end = _seconds(parameters["StartTime"]), _seconds(parameters["EndTime"])
    points = [point for query in queries for point in _datapoints(sources, region, query, begin, end)]
    page, token = _page(points, parameters.get("NextToken"), page_size)
    continued = points[int(token)].id if token else None
    found: dict[str, list[_Datapoint]] = {str(query["Id"]): [] for query in queries}
    for name, part in groupby(page, lambda point: point.id):
        found[name] = list(part)
    results = [
        {
            "Id": name,
            "Label": part[0].label if part else name,
            "Timestamps": [datetime.fromtimestamp(point.begin, UTC) for point in part],
            "Values": [point.value for point in part],
            "StatusCode": "PartialData" if name == continued else "Complete",
        }
        for name, part in found.items()
    ]
    return {"MetricDataResults": results, "NextToken": token, "Messages": []}


def _datapoints(sources: Sources, region: str, query: Parameters, begin: float, end: float) -> Sequence[_Datapoint]:
    asked: Parameters = query["MetricStat"]
    metric: Parameters = asked["Metric"]
    dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
    seconds = int(asked["Period"])
    # Every other namespace, statistic and set of dimensions is another series, and none of them exists here.
    if (metric["Namespace"], asked["Stat"], set(dimensions)) != ("AWS/VPN", "Sum", {"VpnId", "TunnelIpAddress"}):
        return ()
    name, found = metric["MetricName"], []
    for start in range(int(begin // seconds * seconds), int(end), seconds):
        if start < begin:
            continue
        value = sources.traffic(region, dimensions["VpnId"], dimensions["TunnelIpAddress"], name, start, seconds)
        if value is not None:
            found.append(_Datapoint(query["Id"], name, start, value))
    return found[::-1]


def log_events(sources: Sources, region: str, parameters: Parameters, page_size: int) -> Mapping[str, object]:
    """Answer FilterLogEvents without a filter: the events of all streams, oldest first."""
    group = parameters.get("logGroupIdentifier") or parameters.get("logGroupName") or ""
    begin, end = (float(parameters.get(name, other)) for name, other in (("startTime", 0), ("endTime", 1e14)))
    records = sources.log(region, str(group), begin / 1000, end / 1000)
    if records is None:
        raise RefusedError(_NO_GROUP)
    ordered = sorted(records, key=lambda record: record.time)
    size = min(int(parameters.get("limit", page_size)), page_size)
    page, token = _page(ordered, parameters.get("nextToken"), size)
    events = [
        {
            "logStreamName": record.stream,
            "timestamp": round(record.time * 1000),
            "message": record.message,
            "ingestionTime": round(record.time * 1000) + 400,
            "eventId": record.id or f"{record.stream}/{round(record.time * 1000)}/{crc32(record.message.encode())}",
        }
        for record in page
    ]
    return {"events": events, "searchedLogStreams": [], "nextToken": token}


def _page(items: Sequence[Any], token: object, size: int) -> tuple[Sequence[Any], str | None]:
    """Give the page that a token asks for, and the next one's token; a token is the number of items before its page."""
    if token is not None and not str(token).isdecimal():
        raise RefusedError(_BAD_TOKEN)
    begin = int(str(token or 0))
    end = begin + size
    return items[begin:end], str(end) if end < len(items) else None


def _seconds(moment: object) -> float:
    """Read a timestamp: a number in JSON, ISO 8601 in a form."""
    if isinstance(moment, int | float):
        return float(moment)
    return datetime.fromisoformat(str(moment)).timestamp()
