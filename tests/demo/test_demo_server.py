"""The simulated AWS as boto3 sees it: answers, and faults that must look like those of the real AWS."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.fleet import DEMO_SECRET, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.support.aws_clients import ClientMaker

DESCRIBE = "DescribeVpnConnections"
ANSWER = {
    "VpnConnections": [
        {"VpnConnectionId": "vpn-1", "State": "available"},
        {"VpnConnectionId": "vpn-2", "State": "deleted"},
    ]
}
SIGNED = (
    b"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 29\r\nAuthorization: AWS4-HMAC-SHA256 "
    b"Credential=demo/20300101/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
    b"Action=DescribeVpnConnections"
)


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(lambda region: ANSWER if region == "eu-west-1" else {"VpnConnections": []}) as server:
        yield server


def ids(client: Any, **parameters: Any) -> list[str]:
    return [one["VpnConnectionId"] for one in client.describe_vpn_connections(**parameters)["VpnConnections"]]


def connected(aws: SimulatedAws) -> socket.socket:
    address = urlsplit(aws.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=5)


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_each_region_has_its_own_answer(aws: SimulatedAws, client: ClientMaker) -> None:
    assert ids(client("ec2", aws.url)) == ["vpn-1", "vpn-2"]
    assert ids(client("ec2", aws.url, region="us-east-1")) == []


def test_ids_and_states_can_be_asked_for(aws: SimulatedAws, client: ClientMaker) -> None:
    ec2 = client("ec2", aws.url)
    assert ids(ec2, VpnConnectionIds=["vpn-2"]) == ["vpn-2"]
    assert ids(ec2, Filters=[{"Name": "state", "Values": ["available", "pending"]}]) == ["vpn-1"]
    assert ids(ec2, Filters=[{"Name": "tag:team", "Values": ["network"]}]) == ["vpn-1", "vpn-2"]
    with pytest.raises(ClientError, match=r"InvalidVpnConnectionID\.NotFound"):
        ids(ec2, VpnConnectionIds=["vpn-{3}"])


def test_identity_and_regions(client: ClientMaker) -> None:
    with SimulatedAws(lambda _: ANSWER, account_id="210987654321", regions=("eu-north-1",)) as aws:
        assert client("sts", aws.url).get_caller_identity()["Account"] == "210987654321"
        regions = client("ec2", aws.url).describe_regions()["Regions"]
    assert [region["RegionName"] for region in regions] == ["eu-north-1"]


def test_an_unknown_action_is_invalid(aws: SimulatedAws, client: ClientMaker) -> None:
    with pytest.raises(ClientError, match="InvalidAction"):
        client("ec2", aws.url).describe_vpcs()
    with pytest.raises(ClientError, match="InvalidAction"):
        client("sts", aws.url).get_session_token()


def test_an_unsigned_call_is_refused(aws: SimulatedAws) -> None:
    with connected(aws) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: aws\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"MissingAuthenticationToken" in answer


def test_one_connection_serves_many_calls(aws: SimulatedAws) -> None:
    with connected(aws) as connection:
        for _ in range(3):
            connection.sendall(SIGNED)
            received = b""
            while not received.endswith(b"</DescribeVpnConnectionsResponse>"):
                received += connection.recv(4096)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")


REFUSALS: dict[FaultName, tuple[int, str, int, str]] = {
    "denied": (403, "UnauthorizedOperation", 403, "AccessDenied"),
    "throttled": (503, "RequestLimitExceeded", 400, "Throttling"),
    "expired_token": (400, "RequestExpired", 403, "ExpiredToken"),
    "clock_skew": (401, "AuthFailure", 403, "SignatureDoesNotMatch"),
    "opt_in_region": (401, "AuthFailure", 403, "InvalidClientTokenId"),
    "opt_in_required": (403, "OptInRequired", 403, "OptInRequired"),
    "server_error": (500, "InternalError", 500, "InternalFailure"),
    "server_error_html": (500, "500", 500, "500"),
}
BREAKAGES: dict[FaultName, type[Exception]] = {
    "proxy_html": ResponseParserError,
    "hang": ReadTimeoutError,
    "reset": ConnectionClosedError,
    "short": ResponseParserError,
    "truncated": ResponseParserError,
    "empty": ResponseParserError,
}


def test_every_fault_is_tested() -> None:
    assert {*REFUSALS, *BREAKAGES, "slow", "portal_html"} == set(FAULT_NAMES)


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_has_the_code_of_its_service(fault: FaultName, aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, fault)
    aws.fail("GetCallerIdentity", fault)
    seen: list[int | str] = []
    for call in (client("ec2", aws.url).describe_vpn_connections, client("sts", aws.url).get_caller_identity):
        with pytest.raises(ClientError) as caught:
            call()
        seen += [caught.value.response["ResponseMetadata"]["HTTPStatusCode"]]
        seen += [caught.value.response["Error"]["Code"]]
    assert tuple(seen) == REFUSALS[fault]


@pytest.mark.parametrize("fault", BREAKAGES)
def test_a_breakage_raises_what_botocore_raises(fault: FaultName, aws: SimulatedAws, client: ClientMaker) -> None:
    ec2 = client("ec2", aws.url, timeout=0.3)
    aws.fail(DESCRIBE, fault)
    with pytest.raises(BREAKAGES[fault]):
        ec2.describe_vpn_connections()
    aws.heal()
    assert ids(ec2) == ["vpn-1", "vpn-2"]


def test_botocore_takes_another_programs_page_for_an_empty_answer(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, "portal_html")
    assert "VpnConnections" not in client("ec2", aws.url).describe_vpn_connections()


@pytest.mark.parametrize(
    ("fault", "reset", "complete"), [("reset", True, False), ("short", False, False), ("truncated", False, True)]
)
def test_faults_below_http(fault: FaultName, reset: bool, complete: bool, aws: SimulatedAws) -> None:
    """Seen on the socket: RST or FIN, and fewer bytes than Content-Length announces, or as many."""
    aws.fail(DESCRIBE, fault)
    received = b""
    with connected(aws) as connection:
        connection.sendall(SIGNED)
        connection.settimeout(0.5)
        try:
            while chunk := connection.recv(4096):
                received += chunk
        except ConnectionResetError:
            assert reset
            return
        except TimeoutError:
            assert complete  # the connection stays open after all bytes
    assert not reset
    head, _, body = received.partition(b"\r\n\r\n")
    assert (f"Content-Length: {len(body)}\r\n".encode() in head) is complete
    assert not body.endswith(b"Response>")


def test_an_answer_is_cut_right_after_a_key(client: ClientMaker) -> None:
    """There a leak is most likely: the key is in an element without an end, and the answer cannot be parsed."""
    with SimulatedAws(Fleet(time.time)) as aws:
        aws.fail(DESCRIBE, "truncated")
        with pytest.raises(ResponseParserError) as caught:
            ids(client("ec2", aws.url))
    assert str(caught.value).rstrip("'").endswith(DEMO_SECRET)


def test_a_wrong_clock_shows_in_the_date_header_only_then(aws: SimulatedAws, client: ClientMaker) -> None:
    """EC2's error is the same for a wrong clock and for a region that is not enabled."""
    skews = []
    for fault in ("clock_skew", "opt_in_region"):
        aws.fail(DESCRIBE, fault)
        with pytest.raises(ClientError) as caught:
            ids(client("ec2", aws.url))
        date = caught.value.response["ResponseMetadata"]["HTTPHeaders"]["date"]
        skews.append(time.time() - parsedate_to_datetime(date).timestamp())
    assert skews == [pytest.approx(1200, abs=5), pytest.approx(0, abs=5)]


def test_a_slow_answer_is_late_and_right(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, "slow", seconds=0.4)
    begin = time.monotonic()
    assert ids(client("ec2", aws.url)) == ["vpn-1", "vpn-2"]
    assert time.monotonic() - begin >= 0.4


def test_a_fault_may_be_for_one_region(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, "denied", region="us-east-1")
    assert ids(client("ec2", aws.url)) == ["vpn-1", "vpn-2"]
    elsewhere = client("ec2", aws.url, region="us-east-1")
    with pytest.raises(ClientError):
        ids(elsewhere)
    aws.heal(DESCRIBE, region="us-east-1")
    assert ids(elsewhere) == []


def test_a_script_makes_calls_fail_and_a_fault_that_was_set_comes_first(client: ClientMaker) -> None:
    with SimulatedAws(lambda _: ANSWER, script=lambda operation, _: "throttled") as aws:
        ec2 = client("ec2", aws.url)
        with pytest.raises(ClientError, match="RequestLimitExceeded"):
            ids(ec2)
        aws.fail(DESCRIBE, "denied")
        with pytest.raises(ClientError, match="UnauthorizedOperation"):
            ids(ec2)


def test_an_unknown_fault_is_named_with_the_known_ones(aws: SimulatedAws) -> None:
    with pytest.raises(ValueError, match="'explode' is not one of the faults denied, throttled"):
        aws.fail(DESCRIBE, "explode")  # type: ignore[arg-type]


def test_calls_are_counted_with_retries(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, "throttled")
    with pytest.raises(ClientError):
        ids(client("ec2", aws.url, attempts=2))
    client("sts", aws.url, region="us-east-1").get_caller_identity()
    assert aws.calls == {(DESCRIBE, "eu-west-1"): 2, ("GetCallerIdentity", "us-east-1"): 1}


def test_calls_that_run_at_the_same_time_are_counted(aws: SimulatedAws) -> None:
    aws.fail(DESCRIBE, "hang")
    with connected(aws) as one, connected(aws) as two:
        for connection in (one, two):
            connection.sendall(SIGNED)
        assert eventually(lambda: aws.peak.get((DESCRIBE, "eu-west-1")) == 2)


def test_a_caller_that_gave_up_does_not_overlap_with_its_own_retry(aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail(DESCRIBE, "hang")
    with pytest.raises(ReadTimeoutError):
        ids(client("ec2", aws.url, attempts=2, timeout=0.3))
    assert aws.calls[DESCRIBE, "eu-west-1"] == 2
    assert aws.peak[DESCRIBE, "eu-west-1"] == 1


def test_healing_ends_hanging_calls(aws: SimulatedAws) -> None:
    aws.fail(DESCRIBE, "hang")
    with connected(aws) as connection:
        connection.sendall(SIGNED)
        assert eventually(lambda: aws.calls.get((DESCRIBE, "eu-west-1")) == 1)
        aws.heal()
        assert hung_up_on(connection)


def hung_up_on(connection: socket.socket) -> bool:
    """Whether the server has closed the connection: normally, or by a reset if there were unread bytes."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("scripted", [False, True])
def test_stop_is_quick_while_calls_hang_and_leaves_nothing_behind(scripted: bool) -> None:
    before = threading.active_count()
    aws = SimulatedAws(lambda _: ANSWER, script=lambda operation, region: "hang" if scripted else None)
    with aws:
        aws.fail("GetCallerIdentity", "hang")
        if not scripted:
            aws.fail(DESCRIBE, "hang")
        with connected(aws) as hanging, connected(aws) as idle:
            hanging.sendall(SIGNED)
            assert eventually(lambda: aws.calls.get((DESCRIBE, "eu-west-1")) == 1)
            begin = time.monotonic()
            aws.stop()
            assert time.monotonic() - begin < 1
            assert hung_up_on(hanging)
            assert hung_up_on(idle)
    assert eventually(lambda: threading.active_count() == before)


def test_a_stopped_server_refuses_connections(client: ClientMaker) -> None:
    with SimulatedAws(lambda _: ANSWER) as aws:
        ec2 = client("ec2", aws.url)
    with pytest.raises(EndpointConnectionError):
        ids(ec2)


def test_many_callers_at_once_are_all_answered(aws: SimulatedAws, client: ClientMaker) -> None:
    ec2 = client("ec2", aws.url)
    answers: list[list[str]] = []
    threads = [threading.Thread(target=lambda: answers.append(ids(ec2))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["vpn-1", "vpn-2"]] * 20
    assert aws.calls[DESCRIBE, "eu-west-1"] == 20
