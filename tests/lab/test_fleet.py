"""What AWS says of real tunnels, and what follows from a call that changes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.cloud import Cloud
from lab.fleet import CONNECTION, LOG_GROUP, REGION
from lab.laboratory import Lab, Plan
from lab.network import NUMBERS, ROUTER, TUNNELS
from lab.options import child

Make = Callable[[Plan], Lab]
FIRST = {"VpnConnectionId": CONNECTION, "VpnTunnelOutsideIpAddress": TUNNELS[1].outside}

pytestmark = pytest.mark.timeout(300)


def client(cloud: Cloud, service: str) -> Any:
    settings = cloud.settings
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id="lab",
        aws_secret_access_key="lab",
    )


def telemetry(ec2: Any) -> dict[str, Any]:
    """The first tunnel's."""
    [connection] = ec2.describe_vpn_connections(VpnConnectionIds=[CONNECTION])["VpnConnections"]
    return next(one for one in connection["VgwTelemetry"] if one["OutsideIpAddress"] == TUNNELS[1].outside)


def said(ec2: Any) -> tuple[str, str, int]:
    one = telemetry(ec2)
    return one["Status"], one["StatusMessage"], one["AcceptedRouteCount"]


def test_the_words_for_a_tunnel_follow_ike_and_bgp(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")
        lab.until(lambda: said(ec2) == ("UP", "1 BGP ROUTES", 1), f"a route: {said(ec2)}")
        lab.birds["site"].shut(1)
        lab.until(lambda: said(ec2) == ("DOWN", "IPSEC IS UP", 0), "BGP is down")
        lab.birds["site"].open(1)
        lab.set_routing("site", prefixes=())
        lab.until(lambda: said(ec2) == ("UP", "0 BGP ROUTES", 0), "no route")
        lab.agent.initiates = "never"
        lab.restart_tunnel(1)
        lab.until(lambda: said(ec2) == ("DOWN", "IPSEC IS DOWN", 0), "IPsec is down")


def test_the_status_changes_when_something_falls_and_not_when_keys_are_renewed(labs: Make) -> None:
    lab = labs(Plan(routing="static"))
    lab.until_up()
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")
        since = telemetry(ec2)["LastStatusChange"]
        for side in ROUTER:
            before = lab.associations[1].status.rekeys
            lab.charons[side, 1].rekey(child(TUNNELS[1]))
            lab.until(lambda: lab.associations[1].status.rekeys > before, "a rekey")  # noqa: B023
        assert telemetry(ec2)["LastStatusChange"] == since
        lab.internet.cut(1)
        lab.until(lambda: telemetry(ec2)["Status"] == "DOWN", "the cut")
        fell = telemetry(ec2)["LastStatusChange"]
        assert since < fell <= datetime.fromtimestamp(cloud.clock.now(), UTC)
        assert fell == datetime.fromtimestamp(int(cloud.clock.at(lab.associations[1].status.since)), UTC)


def test_what_was_negotiated_is_told_and_the_group_of_phase_2_once_it_is_known(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")

        def agreed() -> dict[str, Any]:
            return dict(ec2.get_active_vpn_tunnel_status(**FIRST)["ActiveVpnTunnelStatus"])

        at_first = agreed()
        assert at_first == {
            "IkeVersion": "ikev2",
            "Phase1EncryptionAlgorithm": "AES256",
            "Phase1IntegrityAlgorithm": "SHA2-256",
            "Phase1DHGroup": 14,
            "Phase2EncryptionAlgorithm": "AES256",
            "Phase2IntegrityAlgorithm": "SHA2-256",
            "ProvisioningStatus": "available",
        }
        lab.charons["site", 1].rekey(child(TUNNELS[1]))
        lab.until(lambda: agreed() == {**at_first, "Phase2DHGroup": 14}, "the group is known")


def test_traffic_is_what_passed_in_the_period(labs: Make) -> None:
    lab = labs(Plan(routing="static"))
    lab.until_up()
    with Cloud(lab) as cloud:
        begin = int(cloud.clock.now() // 60) * 60
        lab.namespaces.run("lan", "ping", "-n", "-c4", "-i0.2", "-s1000", "10.99.0.10")

        def passed(metric: str) -> float:
            end = int(cloud.clock.now() // 60) * 60 + 60
            values = (
                cloud.fleet.traffic(REGION, CONNECTION, TUNNELS[1].outside, metric, moment, 60)
                for moment in range(begin, end, 60)
            )
            return sum(value or 0 for value in values)

        expected = 4 * (1000 + 28)
        lab.until(lambda: passed("TunnelDataIn") == passed("TunnelDataOut") == expected, "every byte is counted")
        assert cloud.fleet.traffic(REGION, CONNECTION, TUNNELS[1].outside, "TunnelDataIn", begin + 1e6, 60) is None
        assert cloud.fleet.traffic(REGION, CONNECTION, "192.0.2.99", "TunnelDataIn", begin, 60) is None


def test_the_logs_are_read_as_from_cloudwatch(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    with Cloud(lab) as cloud:
        logs = client(cloud, "logs")
        lab.internet.cut(1)
        lab.until(lambda: not lab.carries(1), "the cut")
        events = logs.filter_log_events(logGroupName=LOG_GROUP)["events"]
        told = [event["message"] for event in events if event["logStreamName"].endswith(TUNNELS[1].outside)]
        assert any('"details": "AWS tunnel DPD timed out after 3 retransmits"' in message for message in told)
        assert any('"type": "BGPStatus"' in message for message in told)
        assert all('"nat_t_detected": false' in message for message in told if "ike_phase1_state" in message)
        with pytest.raises(ClientError, match="does not exist"):
            logs.filter_log_events(logGroupName="another")


def test_options_changed_by_the_api_reach_the_daemon_with_the_outage_that_this_brings(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")
        options = {
            "Phase1LifetimeSeconds": 1800,
            "Phase2LifetimeSeconds": 1200,
            "RekeyMarginTimeSeconds": 60,
            "RekeyFuzzPercentage": 0,
            "IKEVersions": [{"Value": "ikev2"}],
            "Phase2EncryptionAlgorithms": [{"Value": "AES256"}],
            "DPDTimeoutAction": "restart",
        }
        answer = ec2.modify_vpn_tunnel_options(**FIRST, TunnelOptions=options)
        assert answer["VpnConnection"]["State"] == "modifying"
        with pytest.raises(ClientError, match="IncorrectState"):
            ec2.replace_vpn_tunnel(**FIRST)
        assert lab.carries(2), "one tunnel is changed, not the other"
        cloud.changes.settle()
        lab.until_up()
        [connection] = ec2.describe_vpn_connections()["VpnConnections"]
        assert connection["State"] == "available"
        stated = next(
            one for one in connection["Options"]["TunnelOptions"] if one["OutsideIpAddress"] == TUNNELS[1].outside
        )
        assert (stated["Phase2LifetimeSeconds"], stated["DpdTimeoutAction"]) == (1200, "restart")
        assert stated["IkeVersions"] == [{"Value": "ikev2"}]
        [association] = lab.charons["aws", 1].associations()
        [one] = association["child-sas"].values()
        assert int(one["life-time"]) <= 20
        assert int(one["rekey-time"]) <= 19
        assert int(association["rekey-time"]) <= 29


def test_a_new_key_at_aws_keeps_the_device_out_until_it_has_it_too(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    key = "another-key-of-the-tests"
    with Cloud(lab) as cloud:
        client(cloud, "ec2").modify_vpn_tunnel_options(**FIRST, TunnelOptions={"PreSharedKey": key})
        cloud.changes.settle()
        lab.until(
            lambda: any("pre-shared key mismatch" in record.detail for _, record in cloud.fleet.records()), "a refusal"
        )
        assert not lab.carries(1)
        lab.set_device(1, key=key)
        lab.until_up()
        assert key not in "".join(record.detail for _, record in cloud.fleet.records())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"Phase2LifetimeSeconds": 60}, "InvalidParameterValue"),
        ({"StartupAction": "later"}, "InvalidParameterValue"),
        ({"Phase1DHGroupNumbers": [{"Value": 1}]}, "InvalidParameterValue"),
    ],
)
def test_what_aws_does_not_accept_is_refused(labs: Make, options: dict[str, Any], code: str) -> None:
    lab = labs(Plan(initiates="never"))
    with Cloud(lab) as cloud, pytest.raises(ClientError, match=code):
        client(cloud, "ec2").modify_vpn_tunnel_options(**FIRST, TunnelOptions=options)


def test_a_replaced_endpoint_is_dated_and_ends_the_pending_maintenance(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")
        cloud.fleet.maintenance_pending.add(1)

        def maintenance() -> dict[str, Any]:
            return dict(ec2.get_vpn_tunnel_replacement_status(**FIRST)["MaintenanceDetails"])

        assert maintenance() == {"PendingMaintenance": "available"}
        assert ec2.replace_vpn_tunnel(**FIRST, ApplyPendingMaintenance=True)["Return"] is True
        cloud.changes.settle()
        assert list(maintenance()) == ["LastMaintenanceApplied"]
        lab.until_up()
        with pytest.raises(ClientError, match="no pending maintenance"):
            ec2.replace_vpn_tunnel(**FIRST, ApplyPendingMaintenance=True)


def test_routes_of_a_static_connection_are_created_and_deleted(labs: Make) -> None:
    lab = labs(Plan(routing="static"))
    lab.until_up()
    route = {"VpnConnectionId": CONNECTION, "DestinationCidrBlock": "10.70.0.0/24"}
    with Cloud(lab) as cloud:
        ec2 = client(cloud, "ec2")

        def routed() -> bool:
            return route["DestinationCidrBlock"] in lab.namespaces.run("vgw", "ip", "route")

        assert not routed()
        ec2.create_vpn_connection_route(**route)
        assert routed()
        [connection] = ec2.describe_vpn_connections()["VpnConnections"]
        assert route["DestinationCidrBlock"] in [one["DestinationCidrBlock"] for one in connection["Routes"]]
        assert {one["AcceptedRouteCount"] for one in connection["VgwTelemetry"]} == {2}
        ec2.delete_vpn_connection_route(**route)
        assert not routed()
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            ec2.create_vpn_connection_route(VpnConnectionId=CONNECTION, DestinationCidrBlock="nowhere")
        assert all(map(lab.carries, NUMBERS))
