"""Whatever is written comes out of botocore's parser unchanged."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel
from botocore.parsers import create_parser

from aws_vpn_exporter.demo import wire

RECORDINGS = os.environ.get("VPN_RECORDINGS")
FILES = sorted(Path(RECORDINGS).glob("*.json")) if RECORDINGS else []


@pytest.fixture(scope="module")
def models() -> Mapping[str, ServiceModel]:
    """botocore's complete models, loaded independently of the reduced ones in `wire`."""
    loader = Loader()
    return {name: ServiceModel(loader.load_service_model(name, "service-2")) for name in ("ec2", "sts")}


def parsed(model: ServiceModel, operation: str, body: bytes, status: int = 200) -> Any:
    response = {"body": body, "headers": {}, "status_code": status}
    shape = model.operation_model(operation).output_shape
    assert shape is not None
    return create_parser(model.metadata["protocol"]).parse(response, shape)


def in_one_form(value: Any, shape: Any) -> Any:
    """The members that the model has, with timestamps of every notation as datetimes in UTC."""
    if shape.type_name == "structure":
        members = {name: value[name] for name in shape.members if value.get(name) is not None}
        return {name: in_one_form(member, shape.members[name]) for name, member in members.items()}
    if shape.type_name == "list":
        return [in_one_form(item, shape.member) for item in value]
    if shape.type_name == "timestamp":
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    return value


def as_answer(recording: Any) -> tuple[str, dict[str, Any]]:
    """The operation whose answer was recorded, and the answer. A recording may be one connection or a list of them."""
    for operation, member in (
        ("DescribeVpnConnections", "VpnConnections"),
        ("ModifyVpnConnection", "VpnConnection"),
        ("GetActiveVpnTunnelStatus", "ActiveVpnTunnelStatus"),
        ("GetVpnTunnelReplacementStatus", "MaintenanceDetails"),
    ):
        if member in recording:
            return operation, recording
    return "DescribeVpnConnections", {"VpnConnections": recording if isinstance(recording, list) else [recording]}


@pytest.mark.skipif(not RECORDINGS, reason="VPN_RECORDINGS names no folder with recorded answers")
def test_there_are_recordings() -> None:
    assert FILES, f"VPN_RECORDINGS={RECORDINGS} holds no .json file"


@pytest.mark.skipif(not FILES, reason="there are no recorded answers")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_answer_survives_the_wire(file: Path, models: Mapping[str, ServiceModel]) -> None:
    operation, recording = as_answer(json.loads(file.read_text()))
    result = parsed(models["ec2"], operation, wire.answer("ec2", operation, recording, "id"))
    shape = models["ec2"].operation_model(operation).output_shape
    assert in_one_form(result, shape) == in_one_form(recording, shape)
    assert in_one_form(result, shape)


ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "ec2",
        "GetActiveVpnTunnelStatus",
        {
            "ActiveVpnTunnelStatus": {
                "IkeVersion": "ikev2",
                "Phase1DHGroup": 20,
                "ProvisioningStatus": "available",
                "Phase1AdditionalKeyExchanges": [{"AdditionalKeyExchangeRound": 1, "KeyExchangeMethod": 36}],
            }
        },
    ),
    (
        "ec2",
        "GetVpnTunnelReplacementStatus",
        {
            "VpnConnectionId": "vpn-0123456789abcdef0",
            "VpnTunnelOutsideIpAddress": "203.0.113.1",
            "MaintenanceDetails": {
                "PendingMaintenance": "available",
                "MaintenanceAutoAppliedAfter": datetime(2030, 5, 6, 7, 8, 9, 120000, UTC),
            },
        },
    ),
    ("ec2", "DescribeRegions", {"Regions": [{"RegionName": "eu-west-1", "Geography": [{"Name": "Ireland"}]}]}),
    ("ec2", "DescribeVpnConnections", {"VpnConnections": []}),
    ("ec2", "DescribeAccountAttributes", {"AccountAttributes": []}),
    (
        "sts",
        "AssumeRole",
        {
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE",
                "SecretAccessKey": "demo",
                "SessionToken": "demo",
                "Expiration": datetime(2030, 1, 1, tzinfo=UTC),
            },
            "AssumedRoleUser": {"AssumedRoleId": "AROAEXAMPLE:demo", "Arn": "arn:aws:sts::1:assumed-role/a/b"},
            "PackedPolicySize": 6,
        },
    ),
    ("sts", "GetCallerIdentity", {"Account": "123456789012", "Arn": "arn", "UserId": "u"}),
]


@pytest.mark.parametrize(("service", "operation", "values"), ANSWERS, ids=lambda value: str(value)[:30])
def test_any_operation_of_the_model_can_be_written(
    service: str, operation: str, values: dict[str, Any], models: Mapping[str, ServiceModel]
) -> None:
    result = parsed(models[service], operation, wire.answer(service, operation, values, "the-id"))
    assert result.pop("ResponseMetadata")["RequestId"] == "the-id"
    assert result == values


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("<Tag> & \"quotes\" 'n' ]]>", "<Tag> & \"quotes\" 'n' ]]>"),
        ("line\r\nfeed\rand\ttab", "line\r\nfeed\rand\ttab"),
        ("\u6771\u4eac \U0001f30a \u202e", "\u6771\u4eac \U0001f30a \u202e"),
        ("  spaces  ", "  spaces  "),
        ("", ""),
        ("nul\x00 bell\x07 surrogate\ud800 noncharacter\uffff", "nul� bell� surrogate� noncharacter�"),
    ],
)
def test_any_text_arrives_or_is_replaced(sent: str, received: str, models: Mapping[str, ServiceModel]) -> None:
    """XML cannot contain some characters; one bad tag must not make the whole answer unreadable."""
    values = {"VpnConnections": [{"Tags": [{"Key": "k", "Value": sent}]}]}
    result = parsed(
        models["ec2"],
        "DescribeVpnConnections",
        wire.answer("ec2", "DescribeVpnConnections", values, "id"),
    )
    assert result["VpnConnections"][0]["Tags"] == [{"Key": "k", "Value": received}]


def test_members_newer_than_the_model_are_written_under_a_likely_name() -> None:
    values = {"VpnConnections": [{"NewThing": {"SubThing": True}, "NewList": [{"Odd-Key": 1}], "Nothing": None}]}
    body = wire.answer("ec2", "DescribeVpnConnections", values, "id").decode()
    assert "<newThing><subThing>true</subThing></newThing>" in body
    assert "<newListSet><item><odd_Key>1</odd_Key></item></newListSet>" in body
    assert "othing>" not in body


def test_a_value_of_another_type_than_the_model_says_is_written_as_it_is() -> None:
    values = {"VpnConnections": [{"VgwTelemetry": [{"LastStatusChange": "yesterday"}], "State": ["available"]}]}
    body = wire.answer("ec2", "DescribeVpnConnections", values, "id").decode()
    assert "<lastStatusChange>yesterday</lastStatusChange>" in body
    assert "<state><item>available</item></state>" in body


@pytest.mark.parametrize(
    "written", [datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02 03:04:05+00:00", "2030-01-02T05:04:05+02:00"]
)
def test_timestamps_have_the_form_that_aws_sends(written: object) -> None:
    values = {"VpnConnections": [{"VgwTelemetry": [{"LastStatusChange": written}]}]}
    assert b">2030-01-02T03:04:05.000Z<" in wire.answer("ec2", "DescribeVpnConnections", values, "id")


@pytest.mark.parametrize("service", ["ec2", "sts"])
def test_an_error_is_read_as_one(service: str, models: Mapping[str, ServiceModel]) -> None:
    body = wire.error(service, "SomeCode", "a <message>", "the-id")
    operation = "DescribeRegions" if service == "ec2" else "GetCallerIdentity"
    result = parsed(models[service], operation, body, 400)
    assert (result["Error"]["Code"], result["Error"]["Message"]) == ("SomeCode", "a <message>")
    assert result["ResponseMetadata"]["RequestId"] == "the-id"


def test_an_unknown_operation_or_service_is_refused() -> None:
    with pytest.raises(OperationNotFoundError):
        wire.answer("ec2", "DescribeNothing", {}, "id")
    with pytest.raises(UnknownServiceError):
        wire.answer("nothing", "DescribeRegions", {}, "id")


def test_only_the_needed_shapes_stay_in_memory() -> None:
    model = wire.operation_model("ec2", "DescribeVpnConnections").service_model
    assert 20 < len(model.shape_names) < 60
