"""The simulated CloudWatch and CloudWatch Logs refuse and page as the real ones, in every form they are asked in."""

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser

from aws_vpn_exporter.demo.faults import FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.sources.accounts import GROUP, NOW, Account, tunnels
from tests.support.aws_clients import ClientMaker

REFUSALS: dict[FaultName, tuple[int, str, int, str]] = {
    "denied": (403, "AccessDenied", 400, "AccessDeniedException"),
    "throttled": (400, "Throttling", 400, "ThrottlingException"),
    "expired_token": (403, "ExpiredToken", 400, "ExpiredTokenException"),
    "clock_skew": (403, "SignatureDoesNotMatch", 400, "InvalidSignatureException"),
    "opt_in_region": (403, "InvalidClientTokenId", 400, "UnrecognizedClientException"),
    "opt_in_required": (403, "OptInRequired", 403, "OptInRequired"),
    "server_error": (500, "InternalServiceFault", 500, "ServiceUnavailableException"),
}


def query(name: str, number: int) -> dict[str, Any]:
    (one,) = tunnels(1)
    dimensions = {"VpnId": one.vpn_connection_id, "TunnelIpAddress": one.tunnel_ip}
    metric = {
        "Namespace": "AWS/VPN",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_has_the_code_of_its_service(fault: FaultName, aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail("GetMetricData", fault)
    aws.fail("FilterLogEvents", fault)
    seen: list[int | str] = []
    cloudwatch, logs = client("cloudwatch", aws.url), client("logs", aws.url)
    for call, request in (
        (cloudwatch.get_metric_data, {"MetricDataQueries": [], "StartTime": 0, "EndTime": 300}),
        (logs.filter_log_events, {"logGroupName": "a"}),
    ):
        with pytest.raises(ClientError) as caught:
            call(**request)
        seen += [caught.value.response["ResponseMetadata"]["HTTPStatusCode"]]
        seen += [caught.value.response["Error"]["Code"]]
    assert tuple(seen) == REFUSALS[fault]


def test_a_denial_names_the_action(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail("GetMetricData", "denied")
    with pytest.raises(ClientError, match="cloudwatch:GetMetricData"):
        client("cloudwatch", aws.url).get_metric_data(MetricDataQueries=[], StartTime=0, EndTime=300)


def test_more_than_500_metrics_are_refused(aws: SimulatedAws, client: ClientMaker) -> None:
    queries = [query("TunnelDataIn", number) for number in range(501)]
    with pytest.raises(ClientError, match="ValidationError"):
        client("cloudwatch", aws.url).get_metric_data(MetricDataQueries=queries, StartTime=0, EndTime=300)


def test_only_the_exact_series_exists(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.carry(tunnels(1)[0], [300], 7, 8)
    good, average, connection, namespace = (query("TunnelDataIn", number) for number in range(4))
    average["MetricStat"]["Stat"] = "Average"
    del connection["MetricStat"]["Metric"]["Dimensions"][1]
    namespace["MetricStat"]["Metric"]["Namespace"] = "AWS/EC2"
    answer = client("cloudwatch", aws.url).get_metric_data(
        MetricDataQueries=[good, average, connection, namespace], StartTime=0, EndTime=900
    )
    assert [one["Values"] for one in answer["MetricDataResults"]] == [[7], [], [], []]


def test_the_newest_values_come_first_and_a_page_says_that_more_follow(
    account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker
) -> None:
    account.carry(tunnels(1)[0], [0, 300, 600], 1, 2)
    ask = client("cloudwatch", simulate(2).url).get_metric_data
    request = {"MetricDataQueries": [query("TunnelDataIn", 1)], "StartTime": 0, "EndTime": 900}
    first = ask(**request)
    assert [moment.timestamp() for moment in first["MetricDataResults"][0]["Timestamps"]] == [600, 300]
    assert first["MetricDataResults"][0]["StatusCode"] == "PartialData"
    second = ask(**request, NextToken=first["NextToken"])
    assert [moment.timestamp() for moment in second["MetricDataResults"][0]["Timestamps"]] == [0]
    assert second["MetricDataResults"][0]["StatusCode"] == "Complete"
    assert "NextToken" not in second


def test_a_caller_of_the_older_protocol_is_answered_in_it(account: Account, aws: SimulatedAws) -> None:
    """botocore before 1.41 or so asks CloudWatch with a form and reads XML."""
    account.carry(tunnels(1)[0], [0], 1, 2)
    form = {
        "Action": "GetMetricData",
        "StartTime": "1970-01-01T00:00:00Z",
        "EndTime": "1970-01-01T00:05:00Z",
        **flat("MetricDataQueries", [query("TunnelDataOut", 1)]),
    }
    scope = "Credential=demo/20300101/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(aws.url, urlencode(form).encode(), {"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
    with urllib.request.urlopen(request) as response:
        raw = {"body": response.read(), "headers": dict(response.headers), "status_code": response.status}
    model = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))
    shape = model.operation_model("GetMetricData").output_shape
    assert shape is not None
    (result,) = create_parser("query").parse(raw, shape)["MetricDataResults"]
    assert (result["Id"], result["Values"], result["Timestamps"][0].timestamp()) == ("m1", [2.0], 0)


def flat(name: str, value: object) -> dict[str, str]:
    if isinstance(value, list):
        items = ((f"{name}.member.{number}", item) for number, item in enumerate(value, 1))
    elif isinstance(value, dict):
        items = ((f"{name}.{key}", item) for key, item in value.items())
    else:
        return {name: str(value)}
    return {key: text for one, item in items for key, text in flat(one, item).items()}


def test_an_unknown_operation_and_a_bad_token_are_refused(
    account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = []
    logs = client("logs", aws.url)
    with pytest.raises(ClientError, match="UnknownOperationException"):
        logs.describe_log_groups()
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.filter_log_events(logGroupIdentifier=GROUP, nextToken="rubbish")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.filter_log_events(logGroupIdentifier="other")


def test_without_sources_nothing_is_known(client: ClientMaker) -> None:
    with SimulatedAws(lambda _: {"VpnConnections": []}) as aws:
        ec2 = client("ec2", aws.url)
        for ask in (ec2.get_active_vpn_tunnel_status, ec2.get_vpn_tunnel_replacement_status):
            with pytest.raises(ClientError, match=r"InvalidVpnConnectionID\.NotFound"):
                ask(VpnConnectionId="vpn-1", VpnTunnelOutsideIpAddress="192.0.2.1")
        data = client("cloudwatch", aws.url).get_metric_data(
            MetricDataQueries=[query("TunnelDataIn", 1)], StartTime=NOW, EndTime=NOW + 300
        )
        assert data["MetricDataResults"][0]["Values"] == []
