"""Why a tunnel is probably down, from the evidence at hand: ranked causes, each with its facts and its remedy.

Pure: no clock, no AWS. A cause is a `Rule` in RULES; adding one is adding an entry and a function that judges a `Case`.
Two principles hold for every judge. Absence of evidence is not evidence: a source that is off, silent or too old
says nothing. And nothing is certain: a cause is likely or possible.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from aws_vpn_exporter.evidence import Evidence, LogEvent, LogEventClass
from aws_vpn_exporter.model import Connection, ConnectionState, Settings, Tunnel, TunnelState
from aws_vpn_exporter.options import BY_KEY, Option, OptionValue, differs, text


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


class Source(StrEnum):
    """What can be turned on to know more: a block or key of the configuration, or (log_enabled) a tunnel option."""

    TRAFFIC = "traffic"
    MAINTENANCE = "maintenance"
    NEGOTIATED = "negotiated"
    LOGS = "logs"
    CUSTOMER_GATEWAY = "policies.customer_gateway"
    LOG_ENABLED = "log_enabled"


TURN_ON: Mapping[Source, str] = {
    Source.TRAFFIC: "Turn on the block traffic to see whether data passed before the tunnel fell.",
    Source.MAINTENANCE: "Turn on the block maintenance to see whether AWS replaced the tunnel's endpoint.",
    Source.NEGOTIATED: "Turn on the block negotiated to see what the two sides agreed on.",
    Source.LOGS: "Turn on the block logs to read what AWS logged about the tunnel.",
    Source.CUSTOMER_GATEWAY: "State the device's values in policies.customer_gateway to have them compared with AWS's.",
    Source.LOG_ENABLED: "Turn on the tunnel's own logging at AWS (log_enabled): without it AWS writes no log to read.",
}
"""Why each source is worth turning on, as a sentence."""


@dataclass(frozen=True, slots=True)
class Case:
    """A tunnel and all that is known about it at the Unix time `now`. `sources` are the optional blocks that are on."""

    tunnel: Tunnel
    connection: Connection
    settings: Settings
    now: float
    evidence: Evidence = field(default_factory=Evidence)
    sources: frozenset[Source] = frozenset()

    @property
    def state(self) -> TunnelState | None:
        """What AWS says about the tunnel."""
        return self.tunnel.telemetry.state if self.tunnel.telemetry else None

    @property
    def ipsec_down(self) -> bool:
        """Whether the tunnel itself is down, not only the routing over it."""
        return self.state in (TunnelState.IPSEC_DOWN, TunnelState.DOWN)

    @property
    def changed(self) -> float | None:
        """When AWS last saw the status change; for a tunnel that is down, when it fell."""
        return self.tunnel.telemetry.last_status_change if self.tunnel.telemetry else None

    @property
    def carries_nothing(self) -> bool:
        """Whether the tunnel is up without a route.

        On a static connection AWS counts the static routes even while the tunnel is down: then the count says nothing.
        """
        telemetry = self.tunnel.telemetry
        if telemetry is None or not telemetry.up:
            return False
        return telemetry.state is TunnelState.UP_WITHOUT_ROUTES or telemetry.accepted_routes == 0

    @property
    def not_up(self) -> bool:
        """Whether AWS says that the tunnel is down, for whatever reason."""
        return self.tunnel.telemetry is not None and self.tunnel.telemetry.up is False

    @property
    def others(self) -> tuple[Tunnel, ...]:
        """The other tunnels of the connection."""
        return tuple(tunnel for tunnel in self.connection.tunnels if tunnel.outside_ip != self.tunnel.outside_ip)

    def option(self, key: str, tunnel: Tunnel | None = None) -> OptionValue:
        """The option's value at AWS, by the option's key."""
        return self.settings.option(tunnel or self.tunnel, BY_KEY[key])[0]

    def differences(self, tunnel: Tunnel | None = None) -> tuple["Difference", ...]:
        """The options in which AWS and the customer gateway, as policies state it, disagree."""
        sides = self.settings.both_sides(self.connection, tunnel or self.tunnel)
        return tuple(
            Difference(option, at_aws, gateway) for option, at_aws, gateway in sides if differs(at_aws, gateway)
        )

    def log(self, *events: LogEventClass, before: float, after: float | None) -> tuple[LogEvent, ...]:
        """The log's events of these classes around the fall: `before` seconds before it until `after` seconds after.

        `after` None is until now. Without a known time of the fall nothing can be tied to it.
        """
        if self.evidence.log is None or self.changed is None:
            return ()
        first, last = self.changed - before, self.now if after is None else self.changed + after
        return tuple(e for e in self.evidence.log.latest if e.event in events and first <= e.time <= last)

    def missing(self, wanted: tuple[Source, ...]) -> tuple[Source, ...]:
        """Which of the wanted sources are not turned on."""
        have = set(self.sources)
        if self.settings.customer_gateway(self.connection, self.tunnel):
            have.add(Source.CUSTOMER_GATEWAY)
        if self.option("log_enabled"):
            have.add(Source.LOG_ENABLED)
        return tuple(source for source in wanted if source not in have)


@dataclass(frozen=True, slots=True)
class Difference:
    """An option in which the two sides disagree."""

    option: Option
    at_aws: OptionValue
    at_gateway: OptionValue

    def __str__(self) -> str:
        at_aws, at_gateway = text(self.at_aws), text(self.at_gateway)
        return f"The option {self.option.key} is {at_aws} at AWS and {at_gateway} at the customer gateway"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge found: how far it carries, and the facts, each a sentence that names its source."""

    confidence: Confidence
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause: who judges it, its remedy, where the runbooks say more, and which sources would tell more.

    `falls` is whether it explains why the tunnel fell, and not only why it stays down.
    """

    kind: CauseKind
    judge: Callable[[Case], Finding | None]
    remedy: str
    runbook: str
    sources: tuple[Source, ...] = ()
    falls: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """A probable cause. `runbook` is a file below docs/runbooks with its anchor; `more` is what to turn on."""

    kind: CauseKind
    confidence: Confidence
    evidence: tuple[str, ...]
    remedy: str
    runbook: str
    more: tuple[Source, ...] = ()


_TOGETHER = 180.0
"""Seconds within which two tunnels fell together: dead peer detection finds a silent peer after 30 s or more."""
_REPLACED_BEFORE = 15 * 60.0
"""Seconds within which a maintenance counts as just before the fall; an hour before does not."""
_REPLACED_AFTER = 5 * 60.0
"""Seconds by which a maintenance may be booked later than the fall that it caused."""
_DPD_AROUND = 5 * 60.0
"""Seconds around the fall within which a dead peer in the log is the same event."""
_FRESH_TRAFFIC = 15 * 60.0
"""Seconds before the fall beyond which traffic says nothing about it."""
_SILENCE = 1.0
"""Bytes per second below which a tunnel is silent; BGP's keepalives alone are more than that."""
_GIVEN_TIME = 10 * 60.0
"""Seconds down after which nobody seems to bring the tunnel up."""

_DEAD = (LogEventClass.DPD_TIMEOUT, LogEventClass.PEER_UNRESPONSIVE)
_RUNBOOK = "remedies.md#"


def causes(case: Case) -> tuple[Cause, ...]:
    """The probable causes, the best supported first; nothing for a tunnel that is well or of which AWS says nothing."""
    if not case.connection.in_service or case.state is None or not (case.not_up or case.carries_nothing):
        return ()
    found = [(rule, finding) for rule in RULES if (finding := rule.judge(case))]
    if not any(rule.falls for rule, _ in found):
        found.append((_UNKNOWN, Finding(Confidence.POSSIBLE, tuple(_what_aws_says(case)))))
    found.sort(key=lambda item: item[1].confidence is Confidence.POSSIBLE)  # stable: the table's order within each
    return tuple(
        Cause(rule.kind, finding.confidence, finding.facts, rule.remedy, rule.runbook, case.missing(rule.sources))
        for rule, finding in found
    )


def _idle_timeout(case: Case) -> Finding | None:
    changed = case.changed
    if not case.ipsec_down or case.evidence.traffic is None or changed is None:
        return None
    before = [p for p in case.evidence.traffic.points if changed - _FRESH_TRAFFIC <= p.time <= changed]
    last = before[-1] if before else None
    if last is None or last.receive is None or last.transmit is None:
        return None
    if max(last.receive, last.transmit) >= _SILENCE:
        return None
    facts = [
        f"Nothing passed in either direction in the period that ended at {_clock(last.time)}, "
        f"{_span(changed - last.time)} before the tunnel fell (CloudWatch)."
    ]
    initiates = case.option("startup_action") == "start"
    if initiates:
        facts.append("AWS initiates this tunnel, which makes an idle time-out at AWS less likely (startup_action).")
    else:
        facts.append("AWS does not initiate this tunnel: without traffic it may drop (startup_action is add).")
    if case.connection.routing == "bgp":
        facts.append("Over this tunnel BGP speaks all the time: the silence may be that of a dead path (routing).")
    weak = initiates or case.connection.routing == "bgp" or _explained_otherwise(case)
    return Finding(Confidence.POSSIBLE if weak else Confidence.LIKELY, tuple(facts))


def _rekey_mismatch(case: Case) -> Finding | None:
    if not case.ipsec_down:
        return None
    refused = case.log(LogEventClass.NO_PROPOSAL_MATCH, before=_DPD_AROUND, after=None)
    differences = case.differences()
    if not refused and not differences:
        return None
    facts = [*_logged(refused), *(f"{difference} (policy)." for difference in differences)]
    well = [t for t in case.others if is_up(t) and case.differences(t) == differences]
    if not refused and well:
        facts.append(f"Tunnel {well[0].outside_ip} has the same difference and is up.")
    weak = not refused and (well or _explained_otherwise(case))
    return Finding(Confidence.POSSIBLE if weak else Confidence.LIKELY, tuple(facts))


def _dead_peer_detection(case: Case) -> Finding | None:
    dead = _dead_peer(case)
    if not case.ipsec_down or not dead:
        return None
    action = case.option("dpd_timeout_action")
    then = {
        "clear": "AWS then ended the session and waits for the customer gateway",
        "restart": "AWS then negotiates anew",
        "none": "AWS then does nothing",
    }.get(text(action), "AWS follows the option")
    facts = (*_logged(dead), f"{then} (dpd_timeout_action is {text(action)}).")
    return Finding(Confidence.POSSIBLE if _replaced(case) or _fell_together(case) else Confidence.LIKELY, facts)


def _pre_shared_key_mismatch(case: Case) -> Finding | None:
    refused = case.log(LogEventClass.PRE_SHARED_KEY_MISMATCH, before=_DPD_AROUND, after=None)
    return Finding(Confidence.LIKELY, _logged(refused)) if case.ipsec_down and refused else None


def _bgp_down(case: Case) -> Finding | None:
    if case.state is not TunnelState.BGP_DOWN:
        return None
    logged = _logged(case.log(LogEventClass.BGP_DOWN, before=_DPD_AROUND, after=None))
    fact = f'AWS reports the tunnel DOWN with the message "{_message(case)}": IPsec is up, BGP is not (telemetry).'
    static = case.connection.routing == "static"
    return Finding(Confidence.POSSIBLE if static else Confidence.LIKELY, (fact, *logged))


def _no_routes(case: Case) -> Finding | None:
    if not case.carries_nothing:
        return None
    fact = "AWS reports the tunnel UP and has accepted no route over it (telemetry)."
    return Finding(Confidence.LIKELY, (fact,))


def _endpoint_replacement(case: Case) -> Finding | None:
    if not case.not_up:
        return None
    if case.connection.state is ConnectionState.MODIFYING:
        fact = "AWS is changing the connection now; a tunnel is down for some minutes meanwhile (state modifying)."
        return Finding(Confidence.LIKELY, (fact,))
    if _replaced(case):
        return Finding(Confidence.LIKELY, tuple(_replacement_facts(case)))
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "pending":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        return Finding(Confidence.POSSIBLE, (f"AWS is still setting the tunnel up{reason} (provisioning status).",))
    return None


def _customer_gateway_unreachable(case: Case) -> Finding | None:
    if not case.ipsec_down or any(map(is_up, case.others)):
        return None  # one tunnel up: the gateway is there
    together = _fell_together(case)
    silent = case.log(LogEventClass.PEER_UNRESPONSIVE, before=-_DPD_AROUND, after=None)
    if not together and not silent:
        return None
    facts = [f"Tunnel {t.outside_ip} fell within {_span(_TOGETHER)} of this one (telemetry)." for t in together]
    if silent:
        facts += [*_logged(silent), "It still does not answer, minutes after the fall."]
    replaced = case.connection.state is ConnectionState.MODIFYING or _replaced(case)
    return Finding(Confidence.LIKELY if together and not replaced else Confidence.POSSIBLE, tuple(facts))


def _will_not_recover_alone(case: Case) -> Finding | None:
    changed = case.changed
    if not case.ipsec_down or changed is None or case.now - changed < _GIVEN_TIME:
        return None
    startup, versions = case.option("startup_action"), case.option("ike_versions")
    if startup == "start" and versions == ("ikev2",):
        return None
    facts = (
        f"The tunnel has been down for {_span(case.now - changed)} (telemetry).",
        f"AWS initiates on its own with startup_action start and ikev2 only; here they are {text(startup)} and "
        f"{text(versions)} (tunnel options).",
    )
    return Finding(Confidence.LIKELY if _replaced(case) else Confidence.POSSIBLE, facts)


def _what_aws_says(case: Case) -> Iterator[str]:
    since = f" since {_clock(case.changed)}" if case.changed is not None else ""
    message = f' with the message "{_message(case)}"' if _message(case) else " and gives no reason"
    yield f"AWS reports the tunnel DOWN{since}{message} (telemetry)."
    negotiated = case.evidence.negotiated
    if negotiated and negotiated.provisioning_status == "failed":
        reason = f": {negotiated.provisioning_status_reason}" if negotiated.provisioning_status_reason else ""
        yield f"AWS failed to set the tunnel up{reason} (provisioning status)."
    yield from _logged(case.log(*LogEventClass, before=0.0, after=None)[-1:])


def is_up(tunnel: Tunnel) -> bool:
    """Whether AWS says that the tunnel is up."""
    return bool(tunnel.telemetry and tunnel.telemetry.up)


def _message(case: Case) -> str:
    return case.tunnel.telemetry.message if case.tunnel.telemetry else ""


def _dead_peer(case: Case) -> tuple[LogEvent, ...]:
    return case.log(*_DEAD, before=_DPD_AROUND, after=_DPD_AROUND)


def _explained_otherwise(case: Case) -> bool:
    """Whether stronger evidence speaks for another cause than one that is only read off options or traffic."""
    return bool(_dead_peer(case) or _fell_together(case) or _replaced(case))


def _fell_together(case: Case) -> tuple[Tunnel, ...]:
    """The other tunnels that are down and fell when this one did."""
    changed = case.changed
    return () if changed is None else tuple(tunnel for tunnel in case.others if _down_since(tunnel, changed))


def _down_since(tunnel: Tunnel, moment: float) -> bool:
    telemetry = tunnel.telemetry
    if telemetry is None or telemetry.up is not False or telemetry.last_status_change is None:
        return False
    return abs(telemetry.last_status_change - moment) <= _TOGETHER


def _replaced(case: Case) -> bool:
    """Whether AWS replaced the endpoint just before the tunnel fell."""
    applied = case.evidence.maintenance.last_applied if case.evidence.maintenance else None
    if applied is None or case.changed is None:
        return False
    return -_REPLACED_AFTER <= case.changed - applied <= _REPLACED_BEFORE


def _replacement_facts(case: Case) -> Iterator[str]:
    maintenance = case.evidence.maintenance
    if maintenance and maintenance.last_applied is not None and case.changed is not None:
        yield (
            f"AWS applied maintenance to the tunnel at {_clock(maintenance.last_applied)}, and its status changed at "
            f"{_clock(case.changed)} (replacement status)."
        )


def _logged(events: tuple[LogEvent, ...]) -> tuple[str, ...]:
    """The latest event as a fact, and how many there were."""
    if not events:
        return ()
    again = f", {len(events)} times in the latest lines" if len(events) > 1 else ""
    said = f'"{events[-1].detail}"' if events[-1].detail else events[-1].event.value
    return (f"AWS logged {said} at {_clock(events[-1].time)}{again} (VPN log).",)


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: float) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{int(seconds)} seconds"


RULES: tuple[Rule, ...] = (
    Rule(
        CauseKind.IDLE_TIMEOUT,
        _idle_timeout,
        "Send a keepalive through this tunnel, such as a ping every 5 seconds from the customer side to a host in the "
        "VPC, or lengthen the idle time-out of the device.",
        _RUNBOOK + "idle-time-out",
        (Source.LOG_ENABLED, Source.LOGS, Source.MAINTENANCE),
    ),
    Rule(
        CauseKind.REKEY_MISMATCH,
        _rekey_mismatch,
        "Make lifetimes, algorithms, Diffie-Hellman groups and IKE version equal on both sides, and let UDP 500, UDP "
        "4500 and IP protocol 50 pass.",
        _RUNBOOK + "rekey-mismatch",
        (Source.CUSTOMER_GATEWAY, Source.LOG_ENABLED, Source.LOGS, Source.NEGOTIATED),
    ),
    Rule(
        CauseKind.DEAD_PEER_DETECTION,
        _dead_peer_detection,
        "Find out why the device did not answer (its load, its internet line, a firewall or NAT between), and set the "
        "time-out action to restart so that AWS tries again.",
        _RUNBOOK + "dead-peer-detection",
        (Source.TRAFFIC, Source.MAINTENANCE),
    ),
    Rule(
        CauseKind.PRE_SHARED_KEY_MISMATCH,
        _pre_shared_key_mismatch,
        "Enter the same pre-shared key on the device as at AWS, for this very tunnel: the two tunnels have one each.",
        _RUNBOOK + "which-one-is-it",
    ),
    Rule(
        CauseKind.BGP_DOWN,
        _bgp_down,
        "IPsec is well: check the BGP session on the device, the inside addresses and both AS numbers.",
        _RUNBOOK + "which-one-is-it",
        (Source.LOG_ENABLED, Source.LOGS),
    ),
    Rule(
        CauseKind.NO_ROUTES,
        _no_routes,
        "Announce the site's networks over BGP, or add static routes to the connection.",
        "AwsVpnTunnelNoRoutes.md#mitigation",
    ),
    Rule(
        CauseKind.ENDPOINT_REPLACEMENT,
        _endpoint_replacement,
        "Wait some minutes; if the tunnel stays down, initiate it from the device, and let AWS initiate in future.",
        _RUNBOOK + "let-aws-bring-the-tunnel-up",
        (Source.MAINTENANCE,),
    ),
    Rule(
        CauseKind.CUSTOMER_GATEWAY_UNREACHABLE,
        _customer_gateway_unreachable,
        "Look at the site first: power, internet access, firewall and the device itself.",
        "AwsVpnConnectionDown.md#diagnosis",
        (Source.LOG_ENABLED, Source.LOGS, Source.MAINTENANCE),
    ),
    Rule(
        CauseKind.WILL_NOT_RECOVER_ALONE,
        _will_not_recover_alone,
        "Initiate the tunnel from the device now; for good, allow IKEv2 only and set the startup action to start.",
        _RUNBOOK + "let-aws-bring-the-tunnel-up",
        falls=False,
    ),
)
"""The causes, in the order in which equally well supported ones are given: EC2.20's three first."""

_UNKNOWN = Rule(
    CauseKind.UNKNOWN,
    lambda case: None,
    "The evidence at hand does not say why the tunnel fell: look at the device's own log, and turn on what is named.",
    _RUNBOOK + "which-one-is-it",
    (Source.LOG_ENABLED, Source.LOGS, Source.MAINTENANCE, Source.TRAFFIC, Source.CUSTOMER_GATEWAY),
)
