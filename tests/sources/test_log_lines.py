"""The table of patterns, held against the messages that AWS documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.sources.log_lines import LogLine, classify, read, shown
from aws_vpn_exporter.wording import clean

DOCUMENTED = {
    "Peer is not responsive - Declaring peer dead": "dpd_timeout",
    "AWS tunnel DPD timed out after 5 retransmits": "dpd_timeout",
    "AWS tunnel payload decryption was unsuccessful due to invalid Pre-shared Key": "pre_shared_key_mismatch",
    "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.1": "pre_shared_key_mismatch",
    "AWS tunnel is sending AUTHENTICATION_FAILED as the response": "pre_shared_key_mismatch",
    "No Proposal Match Found by AWS": "no_proposal_match",
    'No Proposal Match Found. Notifying with "No proposal chosen"': "no_proposal_match",
    "AWS tunnel Phase 2 was unable to establish while keeping Phase 1": "no_proposal_match",
    "AWS: Traffic Selector: TS_UNACCEPTABLE: received from responder": "no_proposal_match",
    "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.1": "peer_unresponsive",
    "AWS tunnel received DELETE for Phase 2 SA with SPI: c0ffee00": "phase2_down",
    "AWS tunnel received DELETE for IKE_SA from CGW": "phase1_down",
    "AWS tunnel detected a (CHILD_REKEY) collision as CHILD_DELETE": "rekey",
    "AWS tunnel (CHILD_SA) redundant SA is being deleted due to detected collision": "rekey",
    "AWS tunnel processed request (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel is sending response (id=3) for CREATE_CHILD_SA": "rekey",
    "AWS tunnel detected NAT-T with cgw": "nat_traversal",
    "AWS-side peer BGP session state has changed from Idle to Connect with neighbor 169.254.0.1": "other",
    "AWS-side peer BGP session state has changed from Connect to OpenSent with neighbor 169.254.0.1": "other",
    "AWS-side peer BGP session state has changed from OpenConfirm to Established with neighbor 169.254.0.1": "bgp_up",
    "AWS-side peer BGP session state has changed from Established to Idle with neighbor 169.254.0.1": "bgp_down",
    "AWS-side peer BGP session state has changed from Connect to Active with neighbor 169.254.0.1": "bgp_down",
    "AWS-side peer sent a Hold Timer Expired notification to neighbor 169.254.0.1": "bgp_down",
    "AWS-side peer received notification 6/2 (Cease/Administrative Shutdown) from neighbor 169.254.0.1": "bgp_down",
    "AWS-side peer sent a notification 6/3 (Cease/Peer Unconfigured) to neighbor 169.254.0.1": "bgp_down",
    "AWS-side peer detected a bad OPEN message from neighbor 169.254.0.1 - remote AS is 1, expected 2": "bgp_down",
    "AWS-side peer detected the maximum prefix limit was exceeded - received 101 prefixes": "bgp_down",
    "AWS-side peer is reporting a maximum prefix limit warning - received 90 prefixes": "other",
    "AWS-side peer sent an OPEN message to neighbor 169.254.0.1 - version 4": "other",
    "Something that AWS will say next year": "other",
}


@pytest.mark.parametrize(("detail", "event"), DOCUMENTED.items())
def test_a_documented_message_has_its_class(detail: str, event: str) -> None:
    assert classify(read(json.dumps({"details": detail}))) == event
    assert classify(read(json.dumps({"VpnLogDetail": detail}))) == event
    assert classify(read(json.dumps({"type": "BGPStatus", "message": {"details": detail}}))) == event
    assert classify(read(detail.upper())) == event


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
