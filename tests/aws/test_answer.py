"""Reading EC2's answer: the same values as botocore's own parser, no secret in any form, and hostile bodies refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_vpn_exporter.aws import answer
from aws_vpn_exporter.aws.connections import connections_in
from aws_vpn_exporter.aws.errors import MalformedAnswerError
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.demo import wire
from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet

SECRET = "CANARY.of.a.pre-shared.key"
EMPTY = b'<DescribeVpnConnectionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>'


@cache
def described_operation() -> OperationModel:
    client = Aws().client("ec2", "eu-west-1")
    model: OperationModel = client.meta.service_model.operation_model("DescribeVpnConnections")
    return model


@pytest.fixture
def operation() -> OperationModel:
    return described_operation()


def by_botocore(body: bytes, operation: OperationModel) -> Mapping[str, Any]:
    answered = {"body": body, "headers": {}, "status_code": 200}
    parsed = create_parser("ec2").parse(answered, operation.output_shape)  # type: ignore[arg-type]
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_the_values_are_those_of_botocores_parser(scenario: str, operation: OperationModel) -> None:
    described = Fleet(lambda: 1_800_000_000.0, scenario).describe("eu-west-1")
    body = answer.without_secrets(wire.answer("ec2", "DescribeVpnConnections", described, "r"))
    assert answer.values(body, operation) == by_botocore(body, operation)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
TUNNEL_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "OutsideIpAddress": TEXT,
        "Phase1LifetimeSeconds": st.integers(0, 2**31),
        "IkeVersions": st.lists(st.fixed_dictionaries({"Value": TEXT}), max_size=3),
        "PreSharedKey": st.just(SECRET),
        "EnableTunnelLifecycleControl": st.booleans(),
        "LogOptions": st.fixed_dictionaries(
            {"CloudWatchLogOptions": st.fixed_dictionaries({"LogEnabled": st.booleans()})}
        ),
    },
)
TELEMETRY = st.fixed_dictionaries(
    {},
    optional={
        "OutsideIpAddress": TEXT,
        "Status": TEXT,
        "StatusMessage": TEXT,
        "AcceptedRouteCount": st.integers(-1, 10**6),
        "LastStatusChange": st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),
    },
)
CONNECTION = st.fixed_dictionaries(
    {"VpnConnectionId": TEXT.filter(bool)},
    optional={
        "State": TEXT,
        "CustomerGatewayConfiguration": st.just(f"<ipsec><pre_shared_key>{SECRET}</pre_shared_key></ipsec>"),
        "Options": st.fixed_dictionaries(
            {}, optional={"StaticRoutesOnly": st.booleans(), "TunnelOptions": st.lists(TUNNEL_OPTIONS, max_size=3)}
        ),
        "VgwTelemetry": st.lists(TELEMETRY, max_size=3),
        "Tags": st.lists(st.fixed_dictionaries({"Key": TEXT, "Value": TEXT}), max_size=3),
    },
)


@settings(max_examples=150, deadline=None)
@given(described=st.lists(CONNECTION, max_size=4))
def test_whatever_aws_describes_is_read_as_botocore_reads_it(described: list[dict[str, Any]]) -> None:
    model = described_operation()
    raw = wire.answer("ec2", "DescribeVpnConnections", {"VpnConnections": described}, "r")
    body = answer.without_secrets(raw)
    assert SECRET.encode() not in body
    assert connections_in(answer.values(body, model)) == connections_in(by_botocore(body, model))


@pytest.mark.parametrize(
    "element",
    [
        f"<preSharedKey>{SECRET}</preSharedKey>",
        f"<PRESHAREDKEY>{SECRET}</PRESHAREDKEY>",
        f'<preSharedKey a="1" b=">">{SECRET}</preSharedKey >',
        f"<ec2:preSharedKey>{SECRET}</ec2:preSharedKey>",
        f"<preSharedKey\n>{SECRET}<x>{SECRET}</x></preSharedKey\t>",
        f"<customerGatewayConfiguration>&lt;key&gt;{SECRET}</customerGatewayConfiguration>",
        f"<customerGatewayConfiguration><preSharedKey>{SECRET}</preSharedKey>{SECRET}</customerGatewayConfiguration>",
        f"<preSharedKey>{SECRET}",
        f"<preSharedKey a='{SECRET}",
        f"<preSharedKey/><preSharedKey>{SECRET}</preSharedKey><preSharedKey />",
    ],
)
def test_no_form_of_a_secret_is_left(element: str) -> None:
    cut = answer.without_secrets(f"<r><before/>{element}".encode())
    assert SECRET.encode() not in cut
    assert cut.startswith(b"<r><before/>")


def test_what_is_no_secret_stays() -> None:
    body = b"<r><preSharedKeyArn>arn:1</preSharedKeyArn><x>preSharedKey customerGatewayConfiguration</x></r>"
    assert answer.without_secrets(body) == body


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", [b"<preSharedKey", b"<preSharedKey>", b"<customerGatewayConfiguration ", b"<a:", b"</preSharedKey"]
)
def test_cutting_never_takes_long(piece: bytes) -> None:
    """A regular expression that looks for the end again and again took hours for as much."""
    answer.without_secrets(piece * (8_000_000 // len(piece)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"\xff\xfe<\0r\0/\0>\0",
        EMPTY[:-2],
        EMPTY.replace(b"DescribeVpnConnections", b"DescribeSomething"),
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + EMPTY,
        EMPTY.replace(b"/>", b"><vpnConnectionSet><item>" + b"<x>" * 100_000),
        EMPTY.replace(b"/>", b"><vpnConnectionSet>&undefined;</vpnConnectionSet></DescribeVpnConnectionsResponse>"),
        b"<a>" * 3_000_000,
        b" " * (answer.LARGEST + 1),
        *(
            EMPTY.replace(
                b"/>", b"><vpnConnectionSet><item><vgwTelemetry><item>" + value + b"</item></vgwTelemetry></item>"
            )
            + b"</vpnConnectionSet></DescribeVpnConnectionsResponse>"
            for value in (
                b"<acceptedRouteCount>many</acceptedRouteCount>",
                b"<acceptedRouteCount/>",
                b"<lastStatusChange>yesterday</lastStatusChange>",
                b"<lastStatusChange>9999999999999999999</lastStatusChange>",
                b"<lastStatusChange></lastStatusChange>",
                b"<lastStatusChange>2026-11-25T10:00:00</lastStatusChange>",
            )
        ),
    ],
    ids=lambda body: repr(body[-60:]) if len(body) < 10**6 else "large",
)
def test_another_body_is_malformed_and_its_text_goes_no_further(body: bytes, operation: OperationModel) -> None:
    with pytest.raises(
        MalformedAnswerError, match=r"^(the answer is not one of this API|an answer of \d+ bytes)"
    ) as caught:
        answer.values(body, operation)
    assert caught.value.__cause__ is None
