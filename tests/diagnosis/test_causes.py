"""Which cause the evidence points to, and which it must not point to."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aws_vpn_exporter.diagnosis import RULES, TURN_ON, CauseKind, Confidence, Source, causes
from aws_vpn_exporter.evidence import Evidence
from tests.diagnosis.scenarios import (
    ALL_ON,
    CAUSES,
    DOWN,
    DOWN_LOGGED,
    FALSE_FRIENDS,
    OTHER,
    OTHER_LIFETIME,
    Scenario,
    case,
)

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
EVERY = {**CAUSES, **FALSE_FRIENDS}


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


def test_the_table_has_one_rule_a_cause_with_those_of_ec2_20_first() -> None:
    kinds = [rule.kind for rule in RULES]
    assert [kind.value for kind in kinds[:3]] == ["idle_timeout", "rekey_mismatch", "dead_peer_detection"]
    assert sorted([*kinds, CauseKind.UNKNOWN]) == sorted(CauseKind)


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("runbook", sorted({cause.runbook for s in CAUSES.values() for cause in causes(s.case)}))
def test_each_remedy_leads_to_a_heading_of_a_runbook(runbook: str) -> None:
    name, _, anchor = runbook.partition("#")
    assert anchor in anchors(RUNBOOKS / name)


def test_a_difference_shows_both_values() -> None:
    [rekey] = [cause for cause in causes(CAUSES["lifetimes-differ"].case) if cause.kind is CauseKind.REKEY_MISMATCH]
    assert rekey.evidence == (
        "The option phase1_lifetime_seconds is 28800 at AWS and 3600 at the customer gateway (policy).",
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
    assert unknown.more == (
        Source.LOG_ENABLED,
        Source.LOGS,
        Source.MAINTENANCE,
        Source.TRAFFIC,
        Source.CUSTOMER_GATEWAY,
    )


def test_what_is_on_is_not_asked_for() -> None:
    unknown = causes(case(DOWN_LOGGED, sources=ALL_ON))[-1]
    assert unknown.more == (Source.CUSTOMER_GATEWAY,)
    mismatch = causes(case(DOWN_LOGGED, sources=ALL_ON, gateway=OTHER_LIFETIME))[0]
    assert mismatch.more == ()


def test_each_source_says_why_it_is_worth_turning_on() -> None:
    assert set(TURN_ON) == set(Source)
    for source, sentence in TURN_ON.items():
        assert source.value in sentence


def test_evidence_about_nothing_changes_nothing() -> None:
    empty = replace(case(DOWN), evidence=Evidence())
    assert causes(empty) == causes(case(DOWN))
