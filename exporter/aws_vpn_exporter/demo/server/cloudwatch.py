"""CloudWatch: GetMetricData for the traffic of VPN tunnels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from ..backend import OptionalSources, Parameters
from ..faults import Refusal, RefusedError
from .calls import Call, Operations
from .paging import page

_MAX_QUERIES = 500

DIMENSIONS = frozenset({"VpnId", "TunnelIpAddress"})
"""What a tunnel's metrics are kept under."""


@dataclass(frozen=True)
class _Datapoint:
    """The value of a query for the period that begins at a Unix time."""

    query_id: str
    label: str
    begin: float
    value: float


def operations(sources: OptionalSources, page_size: int, dimensions: Collection[str]) -> Operations:
    """Return the operations of CloudWatch, which keeps metrics under `dimensions`; an answer has `page_size` values."""

    def get_metric_data(call: Call) -> Mapping[str, object]:
        asked = call.parameters
        queries: Sequence[Parameters] = asked["MetricDataQueries"]
        if len(queries) > _MAX_QUERIES:
            message = f"The collection MetricDataQueries must not have a size greater than {_MAX_QUERIES}."
            raise RefusedError(Refusal(400, "ValidationError", message))
        begin, end = _unix_time(asked["StartTime"]), _unix_time(asked["EndTime"])
        kept = (query for query in queries if _dimensions(query).keys() == set(dimensions))
        points = [point for query in kept for point in _datapoints(sources, call.region, query, begin, end)]
        found, token = page(points, asked.get("NextToken"), page_size)
        continued = points[int(token)].query_id if token else None
        query_ids = [str(query["Id"]) for query in queries]
        return {"MetricDataResults": _results(query_ids, found, continued), "NextToken": token, "Messages": []}

    return {("cloudwatch", "GetMetricData"): get_metric_data}


def _results(
    query_ids: Sequence[str], points: Sequence[_Datapoint], continued: str | None
) -> Sequence[Mapping[str, object]]:
    """Write the result of each query. The results of the query `continued` go on in the next page."""
    by_query: dict[str, list[_Datapoint]] = {query_id: [] for query_id in query_ids}
    for query_id, group in groupby(points, lambda point: point.query_id):
        by_query[query_id] = list(group)
    return [
        {
            "Id": query_id,
            "Label": found[0].label if found else query_id,
            "Timestamps": [datetime.fromtimestamp(point.begin, UTC) for point in found],
            "Values": [point.value for point in found],
            "StatusCode": "PartialData" if query_id == continued else "Complete",
        }
        for query_id, found in by_query.items()
    ]


def _datapoints(
    sources: OptionalSources, region: str, query: Parameters, begin: float, end: float
) -> Sequence[_Datapoint]:
    """Find the values of one query, newest first: sums of a metric of AWS/VPN for one tunnel.

    Any other namespace or statistic is a series of its own in CloudWatch, and none of those exists.
    """
    asked: Parameters = query["MetricStat"]
    metric: Parameters = asked["Metric"]
    dimensions = _dimensions(query)
    if (metric["Namespace"], asked["Stat"]) != ("AWS/VPN", "Sum"):
        return ()
    name, period, found = metric["MetricName"], int(asked["Period"]), []
    for start in range(int(begin // period * period), int(end), period):
        if start < begin:
            continue
        value = sources.traffic(region, dimensions.get("VpnId", ""), dimensions["TunnelIpAddress"], name, start, period)
        if value is not None:
            found.append(_Datapoint(query["Id"], name, start, value))
    return found[::-1]


def _dimensions(query: Parameters) -> Mapping[str, str]:
    return {one["Name"]: one["Value"] for one in query["MetricStat"]["Metric"].get("Dimensions", ())}


def _unix_time(time: object) -> float:
    """Read a time: JSON has Unix seconds, a form has ISO 8601."""
    if isinstance(time, int | float):
        return float(time)
    return datetime.fromisoformat(str(time)).timestamp()
