"""The daemons' lines in AWS's words: each phrase from a line that a daemon really writes, and the states beside it."""

import json

import pytest

from aws_vpn_exporter.demo.fleet.log_lines import LogLine
from lab import phrases
from lab.phrases import Record

SAID = {
    "giving up after 3 retransmits": None,  # of a negotiation; an SA that was up is tested below
    "DPD check timed out, enforcing DPD action": "Peer is not responsive - Declaring peer dead",
    "tried 1 shared key for '198.51.100.10' - '192.0.2.2', but MAC mismatched": (
        "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.2"
    ),
    "generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]": "AWS tunnel is sending AUTHENTICATION_FAILED as the response",
    "received proposals unacceptable": "No Proposal Match Found by AWS",
    "generating CREATE_CHILD_SA response 7 [ N(NO_PROP) ]": (
        'No Proposal Match Found. Notifying with "No proposal chosen"'
    ),
    "received TS_UNACCEPTABLE notify, no CHILD_SA built": (
        "AWS: Traffic Selector: TS_UNACCEPTABLE: received from responder"
    ),
    "failed to establish CHILD_SA, keeping IKE_SA": (
        "AWS tunnel Phase 2 was unable to establish while keeping Phase 1"
    ),
    "received DELETE for ESP CHILD_SA with SPI 49568f5": "AWS tunnel received DELETE for Phase 2 SA with SPI: 49568f5",
    "received DELETE for IKE_SA tunnel1[4]": "AWS tunnel received DELETE for IKE_SA from CGW",
    "deleting half open IKE_SA with 192.0.2.2 after timeout": (
        "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.2"
    ),
    "parsed CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]": (
        "AWS tunnel processed request (id=2) for CREATE_CHILD_SA"
    ),
    "generating CREATE_CHILD_SA request 9 [ N(REKEY_SA) SA No KE TSi TSr ]": (
        "AWS tunnel is sending request (id=9) for CREATE_CHILD_SA"
    ),
    "sending keep alive to 192.0.2.2[4500]": None,
}


def charon(*said: str) -> list[str]:
    return [f"17955673{number:02}.250 13[IKE] <tunnel1|1> {line}\n" for number, line in enumerate(said)]


@pytest.mark.parametrize(("line", "phrase"), SAID.items(), ids=list(SAID))
def test_a_line_of_charon_is_a_phrase_of_aws(line: str, phrase: str | None) -> None:
    assert [record.detail for record in phrases.ike(charon(line))] == ([phrase] if phrase else [])


def test_a_record_carries_the_states_of_both_phases_and_the_daemons_moment() -> None:
    lines = charon(
        "IKE_SA tunnel1[1] state change: CONNECTING => ESTABLISHED",
        "CHILD_SA child1{1} state change: INSTALLING => INSTALLED",
        "CHILD_SA child1{1} state change: INSTALLED => REKEYING",
        "generating CREATE_CHILD_SA request 4 [ SA No ]",
        "CHILD_SA child1{2} state change: INSTALLING => INSTALLED",
        "CHILD_SA child1{1} state change: REKEYING => REKEYED",
        "parsed CREATE_CHILD_SA response 4 [ SA No ]",
        "giving up after 3 retransmits",
        "IKE_SA tunnel1[1] state change: ESTABLISHED => DESTROYING",
        "CHILD_SA child1{2} state change: INSTALLED => DESTROYING",
        "received DELETE for IKE_SA tunnel1[1]",
    )
    assert list(phrases.ike(lines)) == [
        Record(1795567303.25, "AWS tunnel is sending request (id=4) for CREATE_CHILD_SA", "established", "rekeying"),
        Record(1795567306.25, "AWS tunnel processed response (id=4) for CREATE_CHILD_SA", "established", "established"),
        Record(1795567307.25, "AWS tunnel DPD timed out after 3 retransmits", "established", "established"),
        Record(1795567310.25, "AWS tunnel received DELETE for IKE_SA from CGW", "down", "down"),
    ]


def test_a_daemon_that_starts_anew_has_no_associations() -> None:
    lines = charon(
        "IKE_SA tunnel1[1] state change: CONNECTING => ESTABLISHED",
        "Starting IKE charon daemon (strongSwan 5.9.8)",
        "received proposals unacceptable",
    )
    assert [record.phase1 for record in phrases.ike(lines)] == ["down"]


def bird(*said: str) -> list[str]:
    return [f"2026-11-25 00:45:{number:02}.182 {line}\n" for number, line in enumerate(said)]


def test_a_session_of_bgp_is_told_by_its_states_and_notifications() -> None:
    lines = bird(
        "<TRACE> tunnel1: Connecting to 169.254.10.2 from local address 169.254.10.1",
        "<TRACE> tunnel1: Connected",
        "<TRACE> tunnel1: BGP session established",
        "<RMT> tunnel1: Error: Hold timer expired",
        "<TRACE> tunnel1: BGP session closed",
        "<TRACE> tunnel1: Down",
        "<TRACE> device1: Scanning interfaces",
    )
    told = [(number, record.detail, record.bgp) for number, record in phrases.bgp(lines)]
    neighbor = "with neighbor 169.254.10.2"
    changed = "AWS-side peer BGP session state has changed from"
    assert told == [
        (1, "AWS-side peer is initiating a connection (via Connect) to neighbor 169.254.10.2", "DOWN"),
        (1, f"{changed} Idle to Connect {neighbor}", "DOWN"),
        (1, f"{changed} Connect to OpenSent {neighbor}", "DOWN"),
        (1, f"{changed} OpenSent to OpenConfirm {neighbor}", "DOWN"),
        (1, f"{changed} OpenConfirm to Established {neighbor}", "UP"),
        (1, "AWS-side peer sent a Hold Timer Expired notification to neighbor 169.254.10.2", "DOWN"),
        (1, f"{changed} Established to Idle {neighbor}", "DOWN"),
    ]


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        (
            "<RMT> tunnel2: Error: Bad peer AS: 65001",
            "AWS-side peer detected a bad OPEN message from neighbor 169.254.20.2 - remote AS is 65001, expected 65000",
        ),
        (
            "<WARN> Protocol tunnel2 hits route import limit (100), action: restart",
            "AWS-side peer detected the maximum prefix limit was exceeded - received 101 prefixes from neighbor "
            "169.254.20.2, limit is 100",
        ),
        (
            "<RMT> tunnel2: Received: Administrative shutdown",
            "AWS-side peer received notification 6/2 (Cease/Administrative Shutdown) from neighbor 169.254.20.2",
        ),
    ],
)
def test_what_ends_a_session_of_bgp_has_aws_words(line: str, phrase: str) -> None:
    assert [(number, record.detail) for number, record in phrases.bgp(bird(line))] == [(2, phrase)]


def test_a_record_is_written_in_awss_documented_form() -> None:
    [(_, record)] = phrases.bgp(bird("<RMT> tunnel1: Received: Administrative shutdown"))
    text = json.loads(LogLine(0, record.detail, bgp_status=record.bgp).message("vpn-0ab_198.51.100.10", 1795567303.25))
    assert (text["type"], text["status"], text["resource_id"]) == ("BGPStatus", "DOWN", "vpn-0ab_198.51.100.10")
