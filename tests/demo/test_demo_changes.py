"""Calls that change a connection reach the object that was given for them, as boto3 sent them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_vpn_exporter.demo.backend import Parameters
from aws_vpn_exporter.demo.faults import Refusal, RefusedError
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.support.aws_clients import ClientMaker

TUNNEL = {"VpnConnectionId": "vpn-1", "VpnTunnelOutsideIpAddress": "203.0.113.1"}
ROUTE = {"VpnConnectionId": "vpn-1", "DestinationCidrBlock": "192.0.2.0/24"}
OPTIONS = {
    "Phase1LifetimeSeconds": 3600,
    "RekeyFuzzPercentage": 0,
    "DPDTimeoutAction": "restart",
    "StartupAction": "start",
    "PreSharedKey": "not.a_real_key+with/odd=characters",
    "TunnelInsideCidr": "169.254.10.0/30",
    "IKEVersions": [{"Value": "ikev2"}],
    "Phase1EncryptionAlgorithms": [{"Value": f"AES{number}"} for number in range(12)],
    "Phase2DHGroupNumbers": [{"Value": 20}, {"Value": 21}],
    "LogOptions": {"CloudWatchLogOptions": {"LogEnabled": True, "BgpLogEnabled": False, "LogOutputFormat": "json"}},
    "EnableTunnelLifecycleControl": True,
}


class Recorder:
    """Notes every change that it is asked for; the connection vpn-2 cannot be changed."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Parameters]] = []

    def modify_tunnel_options(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        self._note("modify", region, parameters)
        return {"VpnConnection": {"VpnConnectionId": parameters["VpnConnectionId"], "State": "modifying"}}

    def replace_tunnel(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        self._note("replace", region, parameters)
        return {"Return": True}

    def create_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        self._note("create route", region, parameters)
        return {}

    def delete_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        self._note("delete route", region, parameters)
        return {}

    def _note(self, change: str, region: str, parameters: Parameters) -> None:
        if parameters["VpnConnectionId"] == "vpn-2":
            raise RefusedError(Refusal(400, "IncorrectState", "The connection is being modified."))
        self.asked.append((change, region, parameters))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def ec2(recorder: Recorder, client: ClientMaker) -> Iterator[Any]:
    with SimulatedAws(lambda _: {"VpnConnections": []}, changes=recorder) as aws:
        yield client("ec2", aws.url, region="us-east-1")


def test_tunnel_options_arrive_with_their_types(ec2: Any, recorder: Recorder) -> None:
    answer = ec2.modify_vpn_tunnel_options(**TUNNEL, TunnelOptions=OPTIONS, SkipTunnelReplacement=False)
    assert answer["VpnConnection"] == {"VpnConnectionId": "vpn-1", "State": "modifying"}
    assert recorder.asked == [
        ("modify", "us-east-1", {**TUNNEL, "TunnelOptions": OPTIONS, "SkipTunnelReplacement": False})
    ]


def test_replacements_and_routes_arrive(ec2: Any, recorder: Recorder) -> None:
    assert ec2.replace_vpn_tunnel(**TUNNEL, ApplyPendingMaintenance=True)["Return"] is True
    ec2.create_vpn_connection_route(**ROUTE)
    ec2.delete_vpn_connection_route(**ROUTE)
    assert recorder.asked == [
        ("replace", "us-east-1", {**TUNNEL, "ApplyPendingMaintenance": True}),
        ("create route", "us-east-1", ROUTE),
        ("delete route", "us-east-1", ROUTE),
    ]


def test_a_change_can_be_refused(ec2: Any, recorder: Recorder) -> None:
    with pytest.raises(ClientError, match="IncorrectState"):
        ec2.replace_vpn_tunnel(**{**TUNNEL, "VpnConnectionId": "vpn-2"})
    assert recorder.asked == []


def test_a_change_can_meet_a_fault(recorder: Recorder, client: ClientMaker) -> None:
    with SimulatedAws(lambda _: {"VpnConnections": []}, changes=recorder) as aws:
        aws.fail("ReplaceVpnTunnel", "denied")
        with pytest.raises(ClientError, match="UnauthorizedOperation"):
            client("ec2", aws.url).replace_vpn_tunnel(**TUNNEL)
    assert recorder.asked == []


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("modify_vpn_tunnel_options", {**TUNNEL, "TunnelOptions": {}}),
        ("replace_vpn_tunnel", TUNNEL),
        ("create_vpn_connection_route", ROUTE),
        ("delete_vpn_connection_route", ROUTE),
    ],
)
def test_without_an_object_for_them_changes_are_refused(
    method: str, parameters: Mapping[str, Any], client: ClientMaker
) -> None:
    with SimulatedAws(lambda _: {"VpnConnections": []}) as aws, pytest.raises(ClientError, match="InvalidAction"):
        getattr(client("ec2", aws.url), method)(**parameters)
