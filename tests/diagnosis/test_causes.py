"""Which cause the evidence points to, and which it must not point to."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_vpn_exporter.diagnosis.case import TURN_ON, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence
from aws_vpn_exporter.diagnosis.causes import RULES, causes
from aws_vpn_exporter.diagnosis.commands import commands
from aws_vpn_exporter.evidence import (
    Evidence,
    LogEvent,
    LogEventClass,
    Maintenance,
    Negotiated,
    Traffic,
    TrafficPoint,
    TunnelLog,
)
from aws_vpn_exporter.model import ConnectionState, TunnelState
from aws_vpn_exporter.sources import SOURCES
from testbed.diagnosis_cases import (
    ALL_ON,
    AWS_INITIATES,
    DOWN,
    DOWN_LOGGED,
    FELL,
    GCM_ONLY,
    LOGGED,
    MINUTE,
    NOW,
    OTHER,
    OTHER_LIFETIME,
    Scenario,
    case,
    tunnel,
)
from testbed.diagnosis_false_friends import FALSE_FRIENDS
from testbed.diagnosis_scenarios import CAUSES

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
EVERY = {**CAUSES, **FALSE_FRIENDS}
DOWN_LOGGED_GCM = replace(GCM_ONLY, options={**GCM_ONLY.options, **LOGGED})


@pytest.mark.parametrize("scenario", EVERY.values(), ids=EVERY.keys())
def test_the_evidence_gives_the_causes_in_this_order(scenario: Scenario) -> None:
    assert tuple((cause.kind, cause.confidence) for cause in causes(scenario.case)) == scenario.expected


@pytest.mark.parametrize("kind", CauseKind)
def test_each_cause_has_a_scenario_in_which_it_is_the_first(kind: CauseKind) -> None:
    first = {scenario.expected[0][0] for scenario in CAUSES.values()}
    assert kind in first or kind is CauseKind.WILL_NOT_RECOVER_ALONE


@pytest.mark.parametrize("scenario", EVERY.values(), ids=EVERY.keys())
def test_each_cause_has_facts_that_are_sentences_and_name_their_source(scenario: Scenario) -> None:
    for cause in causes(scenario.case):
        assert cause.evidence
        for fact in cause.evidence:
            assert fact[0].isupper(), fact
            assert fact.endswith("."), fact
        assert any(re.search(r"\([^()]+\)\.$", fact) for fact in cause.evidence), cause.evidence


def test_nothing_is_ever_certain() -> None:
    assert {confidence.value for confidence in Confidence} == {"likely", "possible"}


def test_the_table_has_one_rule_a_cause() -> None:
    assert sorted([*(rule.kind for rule in RULES), CauseKind.UNKNOWN]) == sorted(CauseKind)
    ec2_20 = [kind.value for kind in CauseKind][:3]
    assert ec2_20 == ["idle_timeout", "rekey_mismatch", "dead_peer_detection"]


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("runbook", sorted({cause.runbook for s in CAUSES.values() for cause in causes(s.case)}))
def test_each_remedy_leads_to_a_heading_of_a_runbook(runbook: str) -> None:
    name, _, anchor = runbook.partition("#")
    assert anchor in anchors(RUNBOOKS / name)


def test_a_difference_shows_both_values() -> None:
    [rekey] = [cause for cause in causes(CAUSES["nothing-in-common"].case) if cause.kind is CauseKind.REKEY_MISMATCH]
    assert rekey.evidence == (
        "The option phase2_encryption_algorithms is AES256-GCM-16 at AWS and AES128 at the customer gateway: The two "
        "sides have nothing in common to agree on (policy).",
    )


def test_the_log_is_quoted_with_its_time() -> None:
    dead = causes(CAUSES["dead-peer"].case)[0]
    assert dead.evidence[0] == (
        'AWS logged "Peer is not responsive - Declaring peer dead" at 2027-01-15 06:59:55 UTC (VPN log).'
    )
    assert "dpd_timeout_action is clear" in dead.evidence[1]


def test_the_other_tunnel_is_named() -> None:
    assert OTHER in causes(CAUSES["site-gone"].case)[0].evidence[0]


def test_without_evidence_it_says_what_to_turn_on() -> None:
    unknown = causes(case(DOWN))[-1]
    assert unknown.turn_on == (
        "log_enabled",
        "logs",
        "maintenance",
        "traffic",
        "changes",
        "policies.customer_gateway",
    )


def test_what_is_on_is_not_asked_for() -> None:
    unknown = causes(case(DOWN_LOGGED, sources=ALL_ON))[-1]
    assert unknown.turn_on == ("policies.customer_gateway",)
    mismatch = causes(replace(CAUSES["nothing-in-common"].case, tunnel=DOWN_LOGGED_GCM, sources=ALL_ON))[0]
    assert mismatch.kind is CauseKind.REKEY_MISMATCH
    assert mismatch.turn_on == ()


def test_each_source_says_why_it_is_worth_turning_on() -> None:
    # Quotas are about the account, and explain no tunnel.
    optional = {name for name, source in SOURCES.items() if not source.always_on} - {"quotas"}
    assert set(TURN_ON) == {*optional, "policies.customer_gateway", "log_enabled"}
    for name, sentence in TURN_ON.items():
        assert name in sentence


def test_what_aws_logged_last_is_shown_even_where_it_points_nowhere() -> None:
    unknown = causes(FALSE_FRIENDS["silent-peer-while-the-other-is-up"].case)[-1]
    assert unknown.evidence[-1] == 'AWS logged "Peer is not responsive" at 2027-01-15 07:30:00 UTC (VPN log).'


MOMENTS = st.sampled_from([NOW, NOW - MINUTE, FELL - MINUTE, FELL, FELL + MINUTE, NOW + MINUTE, 0.0])
RATES = st.sampled_from([None, 0.0, 900.0])
POINTS = st.lists(st.builds(TrafficPoint, MOMENTS, RATES, RATES), min_size=1, max_size=3)
EVENTS = st.lists(st.builds(LogEvent, MOMENTS, st.sampled_from(LogEventClass), st.just("")), max_size=3)
TUNNELS = st.builds(
    tunnel,
    st.sampled_from([None, *TunnelState]),
    since=st.none() | MOMENTS,
    routes=st.integers(0, 2),
    options=st.sampled_from([{}, LOGGED, AWS_INITIATES]),
)
EVIDENCE = st.builds(
    Evidence,
    traffic=st.none() | POINTS.map(lambda points: Traffic(tuple(points))),
    maintenance=st.none() | st.builds(Maintenance, last_applied=st.none() | MOMENTS),
    negotiated=st.none() | st.builds(Negotiated, provisioning_status=st.sampled_from(["", "pending", "failed"])),
    logs=st.none() | EVENTS.map(lambda events: TunnelLog({}, tuple(events))),
)
CASES = st.builds(
    case,
    TUNNELS,
    other=st.none() | TUNNELS.map(lambda other: replace(other, outside_ip=OTHER)),
    gateway=st.sampled_from([{}, OTHER_LIFETIME]),
    state=st.sampled_from(ConnectionState),
    routing=st.sampled_from(["", "static", "bgp"]),
    evidence=EVIDENCE,
    sources=st.sampled_from([frozenset(), ALL_ON]),
)


@given(CASES)
@settings(max_examples=1000, deadline=timedelta(seconds=1))
def test_whatever_comes_together_the_causes_are_ranked_distinct_and_explained(any_case: Case) -> None:
    found = causes(any_case)
    assert [cause.confidence for cause in found] == sorted(cause.confidence for cause in found)
    assert len({cause.kind for cause in found}) == len(found)
    assert all(cause.evidence for cause in found)
    telemetry = any_case.tunnel.telemetry
    down = telemetry is not None and telemetry.up is False and any_case.connection.in_service
    assert not down or found
    for cause in found:
        assert commands(cause, any_case, "eu-west-1").look


def test_evidence_about_nothing_changes_nothing() -> None:
    empty = replace(case(DOWN), evidence=Evidence())
    assert causes(empty) == causes(case(DOWN))
