"""What a rule and a cause are."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aws_vpn_exporter.diagnosis.case import Case


class CauseKind(StrEnum):
    """Why a tunnel is down: a closed set. The first three are the causes that AWS names for Security Hub's EC2.20."""

    IDLE_TIMEOUT = "idle_timeout"
    REKEY_MISMATCH = "rekey_mismatch"
    DEAD_PEER_DETECTION = "dead_peer_detection"
    PRE_SHARED_KEY_MISMATCH = "pre_shared_key_mismatch"
    BGP_DOWN = "bgp_down"
    NO_ROUTES = "no_routes"
    ENDPOINT_REPLACEMENT = "endpoint_replacement"
    CUSTOMER_GATEWAY_UNREACHABLE = "customer_gateway_unreachable"
    WILL_NOT_RECOVER_ALONE = "will_not_recover_alone"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far the evidence carries. There is no "certain"."""

    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule found: how far the evidence carries, and the facts, each a sentence that names its source."""

    confidence: Confidence
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause: its judge, its remedy, where the runbooks say more, and what to turn on to know more.

    `explains_fall` is whether it says why the tunnel fell, and not only why it stays down.
    """

    kind: CauseKind
    judge: Callable[[Case], Judgement | None]
    remedy: str
    runbook: str
    turn_on: tuple[str, ...] = ()
    explains_fall: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """A probable cause. `runbook` is a file below docs/runbooks with its anchor; `turn_on` is what would tell more."""

    kind: CauseKind
    confidence: Confidence
    evidence: tuple[str, ...]
    remedy: str
    runbook: str
    turn_on: tuple[str, ...] = ()
