"""What the settings of a tunnel that works today will do to it: rules about how its keys are renewed.

A rule gives a degree from 0 to 1, or none where a value that it needs is not known: the customer gateway's values come
from policies or from the device's own file. `risks.md` among the runbooks has the source of each rule.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.change import MODIFY, Change
from aws_vpn_exporter.diagnosis.rekey import RekeyWindow, collision_probability
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.options import BY_NAME, OptionValue

AT_RISK = 0.5
"""The degree from which on something should be done; the alert has the same number."""

_SAFE_SHARE = 0.25
_USUAL_MARGIN = 270
_USUAL_PHASE1_LIFETIME = 28800
_PHASES: Mapping[int, tuple[str, LogEventClass]] = {
    1: ("Phase1LifetimeSeconds", LogEventClass.PHASE1_UP),
    2: ("Phase2LifetimeSeconds", LogEventClass.PHASE2_UP),
}


class RiskRule(StrEnum):
    """What can go wrong when the keys are renewed, the worst first: a closed set."""

    MARGIN_FILLS_LIFETIME = "margin_fills_lifetime"
    EQUAL_WITHOUT_FUZZ = "equal_without_fuzz"
    WINDOWS_OVERLAP = "windows_overlap"
    PHASE2_OUTLIVES_PHASE1 = "phase2_outlives_phase1"


@dataclass(frozen=True, slots=True)
class Risk:
    """A rule's degree, from 0 to 1, what it sees, and what ends it: a sentence, and the change where it is AWS's."""

    rule: RiskRule
    degree: float
    sees: str
    remedy: str
    change: Change | None = None

    @property
    def runbook(self) -> str:
        """The file below docs/runbooks with its anchor."""
        return f"risks.md#{self.rule.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class _Side:
    """What is known of one side's values, by AWS's name of the option."""

    name: str
    at_aws: bool
    values: Mapping[str, OptionValue]

    def number(self, option: str) -> int | None:
        value = self.values.get(option)
        return value if isinstance(value, int) else None

    def window(self, phase: int) -> RekeyWindow | None:
        """The window of the phase; None where one of its three values is not known."""
        lifetime, margin, fuzz = map(self.number, (_PHASES[phase][0], "RekeyMarginTimeSeconds", "RekeyFuzzPercentage"))
        if lifetime is None or margin is None or fuzz is None:
            return None
        return RekeyWindow(lifetime, margin, fuzz / 100)


def risks(case: Case) -> tuple[Risk, ...]:
    """Every rule that can be judged, the worst first; nothing where the configuration does not ask for risks."""
    if case.settings.rekey_exchange is None:
        return ()
    found = (risk for judge in _RULES if (risk := judge(case)))
    return tuple(sorted(found, key=lambda risk: -risk.degree))


def rekey_due(case: Case) -> Iterator[tuple[int, float]]:
    """For each phase the Unix time by which its keys are renewed at the latest, as long as that is to come.

    The keys were established no later than AWS's log or the tunnel's latest change of status says, and whichever side
    comes first renews them. What was renewed since without being seen is not known, and given no time.
    """
    if case.settings.rekey_exchange is None or not (case.tunnel.telemetry and case.tunnel.telemetry.up):
        return
    for phase, (_, established) in _PHASES.items():
        logged = [e.time for e in (case.evidence.logs.latest if case.evidence.logs else ()) if e.event is established]
        begun = max((*logged, case.changed or 0.0))
        windows = [window for side in _sides(case) if (window := side.window(phase))]
        due = begun + min(window.latest for window in windows)
        if case.now < due:
            yield phase, due


def _sides(case: Case) -> tuple[_Side, _Side]:
    """AWS's side, of which every value is known, and the customer gateway's."""
    at_aws = {name: case.settings.option(case.tunnel, option)[0] for name, option in BY_NAME.items()}
    at_gateway = case.settings.customer_gateway(case.connection, case.tunnel)
    return _Side("AWS", True, at_aws), _Side("the customer gateway", False, at_gateway)


def _both(case: Case, phase: int) -> tuple[RekeyWindow, RekeyWindow] | None:
    one, other = (side.window(phase) for side in _sides(case))
    return (one, other) if one and other else None


def _margin_fills_lifetime(case: Case) -> Risk:
    windows = [(side, phase, window) for side in _sides(case) for phase in _PHASES if (window := side.window(phase))]
    side, phase, window = max(windows, key=lambda one: one[2].share)
    safe = min(_USUAL_MARGIN, int(_SAFE_SHARE * window.lifetime / (1 + window.fuzz)))
    return Risk(
        RiskRule.MARGIN_FILLS_LIFETIME,
        window.share,
        f"At {side.name} the margin of {window.margin:.0f} s and its fuzz of {window.fuzz:.0%} take up to "
        f"{window.margin * (1 + window.fuzz):.0f} s of the {window.lifetime:.0f} s that keys of phase {phase} live.",
        f"Set the rekey margin of {side.name} to {safe} s.",
        Change(MODIFY, {"RekeyMarginTimeSeconds": safe}) if side.at_aws else None,
    )


def _equal_without_fuzz(case: Case) -> Risk | None:
    fuzz = [side.number("RekeyFuzzPercentage") for side in _sides(case)]
    if any(fuzz):
        return _none_of_it(RiskRule.EQUAL_WITHOUT_FUZZ, "One of the two sides draws its moment at random.")
    both = [windows for phase in _PHASES if (windows := _both(case, phase))]
    if not both:
        return None
    equal = any(abs(one.latest - other.latest) <= (case.settings.rekey_exchange or 0) for one, other in both)
    if not equal:
        return _none_of_it(RiskRule.EQUAL_WITHOUT_FUZZ, "The two sides renew the keys at different moments.")
    return Risk(
        RiskRule.EQUAL_WITHOUT_FUZZ,
        1.0,
        "Both sides renew the same keys at the same moment, every time: equal values, and no fuzz on either side.",
        "Give AWS a rekey fuzz of 100 %, or the customer gateway a shorter lifetime.",
        _with_fuzz(case),
    )


def _none_of_it(rule: RiskRule, sees: str) -> Risk:
    return Risk(rule, 0.0, sees, "Nothing is to be done.")


def _windows_overlap(case: Case) -> Risk | None:
    exchange = case.settings.rekey_exchange or 0.0
    both = [(phase, windows) for phase in _PHASES if (windows := _both(case, phase))]
    if not both:
        return None
    phase, degree = max(
        ((phase, collision_probability(*windows, exchange)) for phase, windows in both), key=lambda one: one[1]
    )
    wider = case.option("rekey_fuzz_percentage") != 100
    return Risk(
        RiskRule.WINDOWS_OVERLAP,
        degree,
        f"With a probability of {degree:.1%} both sides begin to renew keys of phase {phase} within {exchange:g} s "
        "of one another.",
        "Give the customer gateway a lifetime that ends before AWS's window begins, so that it always comes first"
        f"{', or AWS a rekey fuzz of 100 %' if wider else ''}.",
        _with_fuzz(case) if wider else None,
    )


def _with_fuzz(case: Case) -> Change:
    """The whole fuzz at AWS, with a margin that leaves the keys most of their lifetime even so."""
    options: dict[str, OptionValue] = {"RekeyFuzzPercentage": 100}
    margin = case.option("rekey_margin_time_seconds")
    lifetimes = (case.option(f"phase{phase}_lifetime_seconds") for phase in _PHASES)
    shortest = min(lifetime for lifetime in lifetimes if isinstance(lifetime, int))
    if isinstance(margin, int) and 2 * margin >= AT_RISK * shortest:
        options["RekeyMarginTimeSeconds"] = min(_USUAL_MARGIN, int(_SAFE_SHARE * shortest / 2))
    return Change(MODIFY, options)


def _phase2_outlives_phase1(case: Case) -> Risk:
    for side in _sides(case):
        phase1, phase2 = (side.number(option) for option, _ in _PHASES.values())
        if phase1 is not None and phase2 is not None and phase2 > phase1:
            return Risk(
                RiskRule.PHASE2_OUTLIVES_PHASE1,
                1.0,
                f"At {side.name} keys of phase 2 live for {phase2} s, and phase 1, which renews them, for {phase1} s.",
                f"Set the lifetime of phase 1 at {side.name} to {_USUAL_PHASE1_LIFETIME} s.",
                Change(MODIFY, {"Phase1LifetimeSeconds": _USUAL_PHASE1_LIFETIME}) if side.at_aws else None,
            )
    return _none_of_it(RiskRule.PHASE2_OUTLIVES_PHASE1, "Keys of phase 2 live no longer than phase 1 does.")


_RULES: tuple[Callable[[Case], Risk | None], ...] = (
    _margin_fills_lifetime,
    _equal_without_fuzz,
    _windows_overlap,
    _phase2_outlives_phase1,
)
"""The worst first: what renews its own keys again and again wedges a tunnel, and two sides at once cost it a moment."""
