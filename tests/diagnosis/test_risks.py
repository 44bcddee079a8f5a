"""The rekey clock: probabilities in closed form against dice, the worst values worst, changes that end their risk."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.commands import commands_against_risk
from aws_vpn_exporter.diagnosis.rekey import RekeyWindow, collision_probability
from aws_vpn_exporter.diagnosis.risks import AT_RISK, Risk, RiskRule, rekey_due, risks
from aws_vpn_exporter.evidence import Evidence, LogEventClass
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.options import BY_NAME, OptionValues
from aws_vpn_exporter.policy import Policy, Settings
from testbed.diagnosis_cases import NOW, case, log, tunnel
from testbed.programs import REPOSITORY

EXCHANGE = 5.0
AWS_DEFAULTS: OptionValues = {
    "Phase1LifetimeSeconds": 28800,
    "Phase2LifetimeSeconds": 3600,
    "RekeyMarginTimeSeconds": 270,
    "RekeyFuzzPercentage": 100,
}
INCIDENT: OptionValues = {"Phase2LifetimeSeconds": 3600, "RekeyMarginTimeSeconds": 1800, "RekeyFuzzPercentage": 100}
NO_FUZZ: OptionValues = {**AWS_DEFAULTS, "RekeyFuzzPercentage": 0}


def judged(
    at_aws: OptionValues, gateway: OptionValues | None = None, since: float = NOW - 60, evidence: Evidence | None = None
) -> Case:
    """A tunnel that is up, where the configuration asks for risks."""
    this = case(tunnel(TunnelState.UP, since=since, options=at_aws), evidence=evidence)
    return replace(this, settings=Settings(policies=(Policy(customer_gateway=gateway or {}),), rekey_exchange=EXCHANGE))


def degrees(this: Case) -> Mapping[RiskRule, float]:
    return {risk.rule: risk.degree for risk in risks(this)}


def drawn(side: RekeyWindow, dice: random.Random) -> float:
    return side.lifetime - side.margin * (1 + side.fuzz * dice.random())


WINDOWS = {
    "both on AWS's defaults": (RekeyWindow(3600, 270, 1), RekeyWindow(3600, 270, 1)),
    "the incident": (RekeyWindow(3600, 1800, 1), RekeyWindow(3600, 1800, 1)),
    "little fuzz": (RekeyWindow(3600, 270, 0.03), RekeyWindow(3600, 270, 0.05)),
    "one without fuzz": (RekeyWindow(3600, 300, 0), RekeyWindow(3600, 270, 1)),
    "the other without fuzz, at the edge": (RekeyWindow(3600, 270, 1), RekeyWindow(3600, 268, 0)),
    "windows that touch": (RekeyWindow(3600, 270, 1), RekeyWindow(3334, 274, 0.5)),
    "a window within the other": (RekeyWindow(3600, 400, 1), RekeyWindow(3600, 500, 0.1)),
    "the device always first": (RekeyWindow(3600, 270, 1), RekeyWindow(3000, 270, 1)),
    "the same moment": (RekeyWindow(3600, 270, 0), RekeyWindow(3600, 270, 0)),
    "moments apart": (RekeyWindow(3600, 270, 0), RekeyWindow(3600, 276, 0)),
}


@pytest.mark.parametrize(("one", "other"), WINDOWS.values(), ids=WINDOWS)
def test_the_probability_in_closed_form_is_what_dice_show(one: RekeyWindow, other: RekeyWindow) -> None:
    dice, rounds = random.Random(17), 200_000
    met = sum(abs(drawn(one, dice) - drawn(other, dice)) <= EXCHANGE for _ in range(rounds))
    probability = collision_probability(one, other, EXCHANGE)
    # Five standard deviations of as many throws.
    assert abs(probability - met / rounds) <= 5 * (max(probability * (1 - probability), 1e-9) / rounds) ** 0.5
    assert probability == pytest.approx(collision_probability(other, one, EXCHANGE))


ALLOWED = st.fixed_dictionaries(
    {
        "Phase1LifetimeSeconds": st.integers(3601, 28800),
        "Phase2LifetimeSeconds": st.integers(900, 3600),
        "RekeyMarginTimeSeconds": st.integers(60, 1800),
        "RekeyFuzzPercentage": st.integers(0, 100),
    }
).filter(lambda options: 2 * options["RekeyMarginTimeSeconds"] <= options["Phase2LifetimeSeconds"])


@given(ALLOWED)
def test_no_values_that_aws_accepts_are_worse_than_those_of_the_incident(options: OptionValues) -> None:
    worst = risks(judged(INCIDENT, {**AWS_DEFAULTS, **INCIDENT}))[0]
    assert (worst.rule, worst.degree) == (RiskRule.MARGIN_FILLS_LIFETIME, 1.0)
    assert degrees(judged(options))[RiskRule.MARGIN_FILLS_LIFETIME] <= worst.degree
    ours = {name: value for name, value in options.items() if name in INCIDENT}
    if degrees(judged(options))[RiskRule.MARGIN_FILLS_LIFETIME] == 1.0:
        assert 2 * int(str(ours["RekeyMarginTimeSeconds"])) == ours["Phase2LifetimeSeconds"]
        assert ours["RekeyFuzzPercentage"] == 100


@pytest.mark.parametrize(
    ("at_aws", "gateway", "rule"),
    [
        (INCIDENT, None, RiskRule.MARGIN_FILLS_LIFETIME),
        ({"RekeyMarginTimeSeconds": 450, "Phase2LifetimeSeconds": 900}, None, RiskRule.MARGIN_FILLS_LIFETIME),
        (NO_FUZZ, NO_FUZZ, RiskRule.EQUAL_WITHOUT_FUZZ),
        (NO_FUZZ, NO_FUZZ, RiskRule.WINDOWS_OVERLAP),
        ({**NO_FUZZ, "RekeyMarginTimeSeconds": 900}, {**NO_FUZZ, "RekeyMarginTimeSeconds": 900},
         RiskRule.EQUAL_WITHOUT_FUZZ),
        ({**NO_FUZZ, "RekeyFuzzPercentage": 3}, NO_FUZZ, RiskRule.WINDOWS_OVERLAP),
        ({"Phase1LifetimeSeconds": 900}, None, RiskRule.PHASE2_OUTLIVES_PHASE1),
    ],
)  # fmt: skip
def test_the_change_that_is_printed_ends_the_risk(
    at_aws: OptionValues, gateway: OptionValues | None, rule: RiskRule
) -> None:
    before = judged(at_aws, gateway)
    risk = next(risk for risk in risks(before) if risk.rule is rule)
    repair = commands_against_risk(risk, before, "eu-west-1")
    assert risk.degree >= AT_RISK
    assert risk.change is not None
    assert repair.advised
    assert repair.change[0].startswith("aws ec2 modify-vpn-tunnel-options --region eu-west-1")
    assert not [value for name, value in risk.change.options.items() if value not in BY_NAME[name].allowed]
    after = judged({**at_aws, **risk.change.options}, gateway)
    assert degrees(after)[rule] < AT_RISK
    assert max(degrees(after).values()) < AT_RISK or rule is RiskRule.PHASE2_OUTLIVES_PHASE1


def test_no_change_is_advised_while_the_other_tunnel_is_down() -> None:
    this = judged(INCIDENT)
    alone = replace(
        this, connection=replace(this.connection, tunnels=(this.tunnel, tunnel(TunnelState.DOWN, ip="192.0.2.7")))
    )
    repair = commands_against_risk(risks(alone)[0], alone, "eu-west-1")
    assert not repair.advised
    assert "Do not run this now" in repair.warnings[0]


@pytest.mark.parametrize(
    ("gateway", "rule"),
    [
        ({**AWS_DEFAULTS, "RekeyMarginTimeSeconds": 1900}, RiskRule.MARGIN_FILLS_LIFETIME),
        ({"Phase1LifetimeSeconds": 3600, "Phase2LifetimeSeconds": 28800}, RiskRule.PHASE2_OUTLIVES_PHASE1),
    ],
)
def test_what_is_wrong_on_the_device_is_changed_there(gateway: OptionValues, rule: RiskRule) -> None:
    this = judged({}, gateway)
    risk = risks(this)[0]
    assert (risk.rule, risk.degree, risk.change) == (rule, 1.0, None)
    assert "the customer gateway" in risk.sees
    assert "the customer gateway" in risk.remedy
    assert commands_against_risk(risk, this, "eu-west-1").change == ()


@pytest.mark.parametrize(
    "gateway",
    [{}, {"Phase2LifetimeSeconds": 3600}, {"Phase2LifetimeSeconds": 3600, "RekeyMarginTimeSeconds": 270}],
)
def test_what_is_not_known_of_the_device_is_not_judged(gateway: OptionValues) -> None:
    assert set(degrees(judged(NO_FUZZ, gateway))) == {
        RiskRule.MARGIN_FILLS_LIFETIME,
        RiskRule.PHASE2_OUTLIVES_PHASE1,
    }


def test_aws_s_defaults_on_both_sides_are_no_risk() -> None:
    found = degrees(judged({}, AWS_DEFAULTS))
    assert found[RiskRule.MARGIN_FILLS_LIFETIME] == pytest.approx(0.15)
    assert found[RiskRule.WINDOWS_OVERLAP] == pytest.approx(0.0367, abs=1e-4)
    assert found[RiskRule.EQUAL_WITHOUT_FUZZ] == found[RiskRule.PHASE2_OUTLIVES_PHASE1] == 0.0


def test_the_next_rekey_is_counted_from_what_is_known() -> None:
    up = NOW - 600
    assert dict(rekey_due(judged({}, since=up))) == {1: up + 28530, 2: up + 3330}
    logged = log((NOW - 100, LogEventClass.PHASE2_UP, "AWS tunnel CHILD_SA established"))
    assert dict(rekey_due(judged({}, since=up, evidence=logged))) == {1: up + 28530, 2: NOW - 100 + 3330}
    # Whoever comes first renews them; of what was renewed unseen nothing is said.
    device = {**AWS_DEFAULTS, "Phase2LifetimeSeconds": 3000}
    assert dict(rekey_due(judged({}, device, since=up)))[2] == up + 2730
    assert dict(rekey_due(judged({}, since=NOW - 4000))) == {1: NOW - 4000 + 28530}
    assert dict(rekey_due(judged({}, since=NOW - 86400))) == {}


def test_nothing_is_said_where_nobody_asks() -> None:
    silent = replace(judged(INCIDENT), settings=Settings())
    assert risks(silent) == ()
    assert not list(rekey_due(silent))


def test_every_rule_has_a_runbook_with_its_source() -> None:
    sections = (REPOSITORY / "docs" / "runbooks" / "risks.md").read_text().split("\n## ")[1:]
    assert [section.splitlines()[0].replace(" ", "_").lower() for section in sections] == [*RiskRule]
    assert all("\nSource: " in section for section in sections)
    assert Risk(RiskRule.EQUAL_WITHOUT_FUZZ, 1.0, "", "").runbook == "risks.md#equal-without-fuzz"
