"""The table of patterns, held against the messages that AWS documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.sources.log_lines import LogLine, classify, read, shown
from aws_vpn_exporter.wording import clean

_CEASE = {
    "6/1 (Cease/Maximum Number of Prefixes Reached)": "bgp_prefix_limit",
    "6/2 (Cease/Administrative Shutdown)": "bgp_shutdown",
    "6/3 (Cease/Peer Unconfigured)": "bgp_unconfigured",
    "6/4 (Cease/Administrative Reset)": "bgp_reset",
    "6/5 (Cease/Connection Rejected)": "bgp_rejected",
    "6/6 (Cease/Other Configuration Change)": "bgp_notification",
    "6/7 (Cease/Connection Collision Resolution)": "bgp_notification",
    "2/2 (OPEN Message Error/Bad Peer AS)": "bgp_as_number",
    "4/0 (Hold Timer Expired)": "bgp_hold_timer",
}
_BGP = "AWS-side peer"
_CHANGED = f"{_BGP} BGP session state has changed from"

DOCUMENTED = {
    "Peer is not responsive - Declaring peer dead": "dpd_timeout",
    "AWS tunnel DPD timed out after 5 retransmits": "dpd_timeout",
    "AWS tunnel payload decryption was unsuccessful due to invalid Pre-shared Key": "pre_shared_key_mismatch",
    "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.1": "pre_shared_key_mismatch",
    "AWS tunnel is sending AUTHENTICATION_FAILED as the response": "authentication_failed",
    "No Proposal Match Found by AWS": "no_proposal_match",
    'No Proposal Match Found. Notifying with "No proposal chosen"': "no_proposal_match",
    "AWS tunnel Phase 2 was unable to establish while keeping Phase 1": "phase2_failed",
    "AWS: Traffic Selector: TS_UNACCEPTABLE: received from responder": "traffic_selectors",
    "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.1": "half_open",
    "AWS tunnel received DELETE for Phase 2 SA with SPI: c0ffee00": "closed_by_gateway",
    "AWS tunnel received DELETE for IKE_SA from CGW": "closed_by_gateway",
    "AWS tunnel detected a (CHILD_REKEY) collision as CHILD_DELETE": "rekey_collision",
    "AWS tunnel (CHILD_SA) redundant SA is being deleted due to detected collision": "rekey_collision",
    "AWS tunnel processed request (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel processed response (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel is sending request (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel is sending response (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel detected NAT-T with cgw": "nat_traversal",
    f"{_CHANGED} Idle to Connect with neighbor 169.254.0.1": "bgp_connecting",
    f"{_CHANGED} Connect to OpenSent with neighbor 169.254.0.1": "bgp_connecting",
    f"{_CHANGED} OpenSent to OpenConfirm with neighbor 169.254.0.1": "bgp_connecting",
    f"{_CHANGED} OpenConfirm to Established with neighbor 169.254.0.1": "bgp_up",
    f"{_CHANGED} Established to Idle with neighbor 169.254.0.1": "bgp_down",
    f"{_CHANGED} Connect to Active with neighbor 169.254.0.1": "bgp_connecting",
    f"{_BGP} sent a Hold Timer Expired notification to neighbor 169.254.0.1": "bgp_hold_timer",
    f"{_BGP} detected a bad OPEN message from neighbor 169.254.0.1 - remote AS is 1, expected 2": "bgp_as_number",
    f"{_BGP} detected the maximum prefix limit was exceeded - received 101 prefixes": "bgp_prefix_limit",
    f"{_BGP} is reporting a maximum prefix limit warning - received 90 prefixes": "bgp_prefix_warning",
    f"{_BGP} received an OPEN message from neighbor 169.254.0.1 - version 4, AS 65000": "bgp_connecting",
    f"{_BGP} sent an OPEN message to neighbor 169.254.0.1 - version 4, AS 64512": "bgp_connecting",
    f"{_BGP} is initiating a connection (via Connect) to neighbor 169.254.0.1": "bgp_connecting",
    f"{_BGP} sent an End-of-RIB message to neighbor 169.254.0.1": "bgp_up",
    f"{_BGP} received update with attributes from neighbor 169.254.0.1 - AS path: 65000": "route_changed",
    **{f"{_BGP} sent a notification {code} to neighbor 169.254.0.1": event for code, event in _CEASE.items()},
    **{f"{_BGP} received notification {code} from neighbor 169.254.0.1": event for code, event in _CEASE.items()},
    "DENIED due to: as-path contains our own AS": "route_denied_as_path",
    "DENIED due to: non-connected next-hop": "route_denied_next_hop",
    "Something that AWS will say next year": "other",
}


@pytest.mark.parametrize(("detail", "event"), DOCUMENTED.items())
def test_a_documented_message_has_its_class(detail: str, event: str) -> None:
    assert classify(read(json.dumps({"details": detail}))) == event
    assert classify(read(json.dumps({"VpnLogDetail": detail}))) == event
    assert classify(read(json.dumps({"type": "BGPStatus", "message": {"details": detail}}))) == event
    assert classify(read(detail.upper())) == event


@pytest.mark.parametrize("status", ["ADVERTISED", "UPDATED", "WITHDRAWN"])
def test_a_route_that_is_denied_is_told_with_its_prefix_and_the_reason(status: str) -> None:
    message = {"prefix": "10.0.0.0/8", "details": "DENIED due to: non-connected next-hop"}
    line = read(json.dumps({"type": "RouteStatus", "status": status, "message": message}))
    assert classify(line) == "route_denied_next_hop"
    assert shown(line) == f"RouteStatus {status} 10.0.0.0/8 DENIED due to: non-connected next-hop"
    assert classify(read(json.dumps({"type": "RouteStatus", "status": status}))) == "route_changed"


def test_a_line_of_the_output_format_text_tells_its_states_too() -> None:
    said = "2030-01-01 00:00:00 vpn-1 203.0.113.1 nat_t_detected: true ike_phase1_state: established "
    line = read(said + "ike_phase2_state: down details: AWS tunnel DPD timed out after 3 retransmits")
    assert (classify(line), line.phase1, line.phase2, line.nat) == ("dpd_timeout", "established", "down", True)


def test_of_a_long_line_the_part_that_tells_is_shown() -> None:
    assert "DPD timed out" in shown(read("x" * 400 + " AWS tunnel DPD timed out after 3 retransmits"))


def test_a_route_that_changes_is_told_by_its_prefix() -> None:
    line = read(json.dumps({"type": "RouteStatus", "status": "WITHDRAWN", "message": {"prefix": "10.0.0.0/8"}}))
    assert line == LogLine("RouteStatus WITHDRAWN 10.0.0.0/8")


@given(some.text() | some.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
def test_any_text_is_read(message: str) -> None:
    line = read(message)
    assert classify(line, line) in LogEventClass
    assert clean(shown(line)) == shown(line)
    assert shown(line).encode() is not None


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.sampled_from(["details", "message", "type", "x"]), inner),
)


@given(_JSON, _JSON)
def test_any_json_is_read(one: object, other: object) -> None:
    assert classify(read(json.dumps(one)), read(json.dumps(other))) in LogEventClass
