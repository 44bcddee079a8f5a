"""What a rule is, and how its clues become a cause that can be refuted.

A rule names what supports it and what speaks against it. Each fact says how direct it is, and a fact outranks what is
less direct: what AWS's log names outranks what AWS's state says, and that outranks what timing, traffic or settings let
one infer. A cause is likely on direct evidence, or on an inference that nothing speaks against; it is possible where
something of equal weight contradicts it; what is contradicted by something more direct is no cause at all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from aws_vpn_exporter.diagnosis.case import Case


class CauseKind(StrEnum):
    """Why a tunnel is down: a closed set. The first three are the causes that AWS names for Security Hub's EC2.20."""

    IDLE_TIMEOUT = "idle_timeout"
    REKEY_MISMATCH = "rekey_mismatch"
    DEAD_PEER_DETECTION = "dead_peer_detection"
    PRE_SHARED_KEY_MISMATCH = "pre_shared_key_mismatch"
    AUTHENTICATION_FAILED = "authentication_failed"
    TRAFFIC_SELECTORS = "traffic_selectors"
    NEGOTIATION_BLOCKED = "negotiation_blocked"
    CLOSED_BY_CUSTOMER_GATEWAY = "closed_by_customer_gateway"
    REKEY_COLLISION = "rekey_collision"
    BGP_DOWN = "bgp_down"
    NO_ROUTES = "no_routes"
    NOT_ATTACHED = "not_attached"
    ENDPOINT_REPLACEMENT = "endpoint_replacement"
    OPTIONS_CHANGED = "options_changed"
    SHARED_EVENT = "shared_event"
    CUSTOMER_GATEWAY_UNREACHABLE = "customer_gateway_unreachable"
    DEAD_PEER_WITH_ACTION_NONE = "dead_peer_with_action_none"
    DATA_PLANE_DEAD = "data_plane_dead"
    NEVER_UP = "never_up"
    WILL_NOT_RECOVER_ALONE = "will_not_recover_alone"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The cause as a person says it."""
        return self.value.replace("_", " ").replace("bgp", "BGP")


class Confidence(StrEnum):
    """How far the evidence carries. There is no "certain"."""

    LIKELY = "likely"
    POSSIBLE = "possible"


class Directness(IntEnum):
    """How direct a fact is; the higher outranks the lower."""

    HINT = 0
    """Fits the cause, and many others as well: never enough to call it likely."""
    INFERENCE = 1
    """Follows from timing, traffic or settings."""
    STATE = 2
    """AWS's own state, or a change that AWS booked, says it."""
    LOG = 3
    """AWS's log names it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence that names its source, and how direct it is."""

    directness: Directness
    text: str


def hint(text: str) -> Fact:
    """A fact that fits the cause, and others as well."""
    return Fact(Directness.HINT, text)


def inference(text: str) -> Fact:
    """A fact from timing, traffic or settings."""
    return Fact(Directness.INFERENCE, text)


def state(text: str) -> Fact:
    """A fact that AWS's state says."""
    return Fact(Directness.STATE, text)


def log(text: str) -> Fact:
    """A fact that AWS's log names."""
    return Fact(Directness.LOG, text)


Clue = Callable[[Case], Iterable[Fact]]
"""Looks for one kind of evidence; the first line of its docstring says which, for the documentation."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A cause that is known more closely: a word for it, and its own remedy and runbook."""

    detail: str
    remedy: str
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause.

    `concerns` says whether the tunnel is in a state that the cause can explain. `remedy` and `runbook` are what to do,
    unless `variant` knows better. `yields_to` are causes of which this one is only the symptom. `missing` are sentences
    about what would decide. `explains_fall` is whether it says why the tunnel fell, and not only why it stays down.
    `source` is where the fact behind the rule stands.
    """

    kind: CauseKind
    concerns: Callable[[Case], bool]
    supports: tuple[Clue, ...]
    remedy: str
    runbook: str
    source: str
    refutes: tuple[Clue, ...] = ()
    yields_to: frozenset[CauseKind] = frozenset()
    variants: tuple[Variant, ...] = ()
    variant: Callable[[Case], str] = lambda case: ""
    missing: Callable[[Case], Iterable[str]] = lambda case: ()
    turn_on: tuple[str, ...] = ()
    explains_fall: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """A probable cause. `runbook` is a file below docs/runbooks with its anchor; `turn_on` is what would tell more.

    `against` is what speaks against it, never anything where it is likely; `missing` is what would decide. `detail` is
    a word where the cause is known more closely, else "".
    """

    kind: CauseKind
    confidence: Confidence
    evidence: tuple[str, ...]
    remedy: str
    runbook: str
    turn_on: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    detail: str = ""

    @property
    def words(self) -> str:
        """The cause as a person says it."""
        return f"{self.kind.words}: {self.detail}" if self.detail else self.kind.words


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: its facts, the most direct first, and what speaks against them."""

    rule: Rule
    supports: tuple[Fact, ...]
    against: tuple[Fact, ...] = ()
    symptom_of: tuple[str, ...] = field(default=())

    @property
    def directness(self) -> Directness:
        """That of the most direct fact."""
        return max(fact.directness for fact in self.supports)

    @property
    def likely(self) -> bool:
        """Whether the evidence is direct, or an inference, and nothing of equal weight speaks against it."""
        return self.directness > Directness.HINT and not self.against and not self.symptom_of

    def cause(self, case: Case, turn_on: Mapping[str, str]) -> Cause:
        """The finding for others to read."""
        rule = self.rule
        variant = next((one for one in rule.variants if one.detail == rule.variant(case)), None)
        wanted = case.not_turned_on(rule.turn_on)
        return Cause(
            rule.kind,
            Confidence.LIKELY if self.likely else Confidence.POSSIBLE,
            tuple(dict.fromkeys(fact.text for fact in self.supports)),
            variant.remedy if variant else rule.remedy,
            (variant and variant.runbook) or rule.runbook,
            wanted,
            (*dict.fromkeys(fact.text for fact in self.against), *self.symptom_of),
            (*rule.missing(case), *_cut(case), *(turn_on[source] for source in wanted)),
            variant.detail if variant else "",
        )


def judged(rule: Rule, case: Case) -> Finding | None:
    """What the rule finds in the case; None where nothing supports it, or something more direct refutes it."""
    if not rule.concerns(case):
        return None
    supports = sorted(_facts(rule.supports, case), key=lambda fact: -fact.directness)
    if not supports:
        return None
    best = supports[0].directness
    against = sorted(_facts(rule.refutes, case), key=lambda fact: -fact.directness)
    if against and against[0].directness > max(best, Directness.INFERENCE):
        return None
    # Direct evidence answers what is less direct; an inference has to have nothing against it.
    weighty = best if best > Directness.INFERENCE else Directness.HINT
    return Finding(rule, tuple(supports), tuple(fact for fact in against if fact.directness >= weighty))


def without_symptoms(findings: Iterable[Finding]) -> list[Finding]:
    """The findings; a symptom is no more than possible beside the likely cause that it yields to."""
    known = list(findings)
    likely = {one.rule.kind: one for one in known if one.likely}
    return [
        replace(
            one,
            symptom_of=tuple(
                f"It may only follow from this: {kind.words} is likely."
                for kind in CauseKind
                if kind in one.rule.yields_to and kind in likely
            ),
        )
        for one in known
    ]


def _facts(clues: Iterable[Clue], case: Case) -> list[Fact]:
    return [fact for clue in clues for fact in clue(case)]


def _cut(case: Case) -> Iterable[str]:
    if case.evidence.logs is not None and case.evidence.logs.cut:
        yield "The log holds more lines around the fall than could be read: look at the tunnel's log stream itself."
