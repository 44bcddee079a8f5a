"""Facts that several rules look at: what fell together, what AWS replaced, what the log says around the fall."""

import re
from collections.abc import Iterable, Iterator

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.surroundings import TOGETHER, ipsec_up
from aws_vpn_exporter.evidence import Evidence, LogEvent, LogEventClass, TrafficPoint
from aws_vpn_exporter.model import Tunnel
from aws_vpn_exporter.wording import moment

AROUND = 5 * 60.0
"""Seconds around the fall within which a line of the log is about the same event."""
REKEY_BEFORE = 3900.0
"""Seconds: a rekey that was refused brings the tunnel down when the keys run out, up to a phase 2 lifetime later."""
AT_THE_FALL = 30.0
"""Seconds around the fall within which something happened at that moment."""
CLOCKS_DIFFER = 10.0
"""Seconds by which what caused a fall may be booked after it."""
_CLOSED_BEFORE = 180.0
"""Seconds by which AWS's status may follow an IKE association that the customer gateway closed."""
_FRESH_TRAFFIC = 15 * 60.0
"""Seconds. Traffic longer than this before the fall is no evidence about it."""
_SILENCE = 1.0
"""Bytes per second below which a tunnel is silent; BGP's keepalives alone are more than that."""
_REPLACED_BEFORE = 15 * 60.0
"""Seconds within which a maintenance counts as just before the fall; an hour before does not."""
_REPLACED_AFTER = 5 * 60.0
"""Seconds by which a maintenance may be booked later than the fall that it caused."""
_ONE_STEP = 60.0
"""Seconds that a replacement itself takes at least: what AWS logs later is about the new endpoint."""
_MOST_QUOTED = 3

DEAD = (LogEventClass.DPD_TIMEOUT, LogEventClass.PEER_UNRESPONSIVE)
REFUSED = (
    LogEventClass.NO_PROPOSAL_MATCH,
    LogEventClass.PRE_SHARED_KEY_MISMATCH,
    LogEventClass.AUTHENTICATION_FAILED,
    LogEventClass.TRAFFIC_SELECTORS,
    LogEventClass.PHASE2_FAILED,
)
"""Lines that AWS writes only when packets of the customer gateway arrive."""
_WAS_ESTABLISHED = (
    *DEAD,
    LogEventClass.PHASE2_UP,
    LogEventClass.REKEY,
    LogEventClass.REKEY_COLLISION,
    LogEventClass.CLOSED_BY_GATEWAY,
    LogEventClass.BGP_UP,
)


def dead_peer(case: Case) -> tuple[LogEvent, ...]:
    """The log's lines around the fall that say the customer gateway did not answer."""
    return case.logged(*DEAD, before=AROUND, after=AROUND)


def closed(case: Case) -> tuple[LogEvent, ...]:
    """The log's lines around the fall in which the customer gateway deletes the tunnel.

    Phase 2 alone is deleted at every rekey, and the IKE association too: those count at the moment of the fall only.
    """
    found = case.logged(LogEventClass.CLOSED_BY_GATEWAY, before=_CLOSED_BEFORE, after=AT_THE_FALL)
    fell = case.changed or 0.0
    return tuple(
        event
        for event in found
        if event.time >= fell - AT_THE_FALL or ("IKE_SA" in event.detail and event.phase2 != "established")
    )


def silent_period(case: Case) -> TrafficPoint | None:
    """The last complete period before the fall, where nothing passed in it in either direction."""
    changed = case.changed
    if case.evidence.traffic is None or changed is None:
        return None
    before = [p for p in case.evidence.traffic.points if changed - _FRESH_TRAFFIC <= p.time <= changed]
    last = before[-1] if before else None
    if last is None or last.receive is None or last.transmit is None:
        return None
    return last if max(last.receive, last.transmit) < _SILENCE else None


def fell_together(case: Case) -> tuple[Tunnel, ...]:
    """The other tunnels of the connection that are down and fell when this one did."""
    changed = case.changed
    return () if changed is None else tuple(t for t in case.others if down_within(t, changed, TOGETHER))


def down_within(tunnel: Tunnel, time: float, seconds: float) -> bool:
    """Whether the tunnel itself is down, since so many seconds around a moment."""
    telemetry = tunnel.telemetry
    if telemetry is None or telemetry.up is not False or ipsec_up(tunnel) or telemetry.last_status_change is None:
        return False
    return abs(telemetry.last_status_change - time) <= seconds


def maintained(case: Case) -> float | None:
    """When AWS applied maintenance to the tunnel, where that was just before it fell."""
    applied = case.evidence.maintenance.last_applied if case.evidence.maintenance else None
    if applied is None or case.changed is None:
        return None
    if not -_REPLACED_AFTER <= case.changed - applied <= _REPLACED_BEFORE or _came_after(case, applied):
        return None
    return applied


def _came_after(case: Case, applied: float) -> bool:
    """Whether a maintenance that is booked after the fall is known not to have caused it, but to have followed it."""
    changes = case.evidence.changes.known if case.evidence.changes else ()
    fell = case.changed or 0.0
    by_hand = any(c.event == "ReplaceVpnTunnel" and fell + CLOCKS_DIFFER < c.time <= applied for c in changes)
    reasons = (*case.logged(*DEAD, before=AROUND, after=AT_THE_FALL), *closed(case))
    return applied > fell + CLOCKS_DIFFER and (by_hand or any(e.time < applied - _ONE_STEP for e in reasons))


def replaced(case: Case) -> bool:
    """Whether AWS replaced the endpoint just before the tunnel fell, and the tunnel was not up again in between."""
    applied = maintained(case)
    return applied is not None and not established_between(case, applied)


def established_between(case: Case, begin: float) -> tuple[LogEvent, ...]:
    """The log's lines that show the tunnel up between a moment and its fall: so that moment did not bring it down."""
    if case.evidence.logs is None or case.changed is None:
        return ()
    last = case.changed

    def shows(event: LogEvent) -> bool:
        if event.event is LogEventClass.PHASE2_UP or event.phase2 == "established":
            return begin + 1 < event.time < last - 1
        return event.event in DEAD and begin + _ONE_STEP < event.time <= last + AT_THE_FALL

    return tuple(event for event in case.evidence.logs.latest if shows(event))


def signs_of_life(case: Case) -> Iterator[str]:
    """What shows that the tunnel has been up before, each as a sentence."""
    memory = case.memories.get(case.tunnel.outside_ip)
    if memory and memory.ever_up:
        yield "The tunnel was up since the exporter watches it (its own history)."
    fell = case.now if case.changed is None else case.changed
    if case.evidence.traffic:
        passed = [p for p in case.evidence.traffic.points if p.time <= fell and (p.receive or 0) > 0]
        if passed:
            yield f"Data arrived over the tunnel until {moment(passed[-1].time)} (CloudWatch)."
    if case.evidence.logs:
        alive = [e for e in case.evidence.logs.latest if e.event in _WAS_ESTABLISHED or e.phase2 == "established"]
        before = [e for e in alive if e.time <= fell + AROUND]
        if before:
            yield f"AWS's log shows it up at some time before {moment(before[-1].time)} (VPN log)."
    if case.evidence.negotiated and case.evidence.negotiated.ike_version:
        yield "AWS knows what the two sides agreed on (negotiated values)."


def gateway_talks(case: Case) -> Iterator[str]:
    """The log's lines since the fall that AWS writes only when the customer gateway is there, on any of its tunnels."""
    if case.changed is None:
        return
    since = case.changed - AT_THE_FALL
    for address, evidence, initiates in _logs_of_all(case):
        classes = {*REFUSED, LogEventClass.CLOSED_BY_GATEWAY, *(() if initiates else (LogEventClass.HALF_OPEN,))}
        heard = [e for e in (evidence.logs.latest if evidence.logs else ()) if e.event in classes and e.time >= since]
        if heard:
            yield f"The customer gateway is there: {_quote(heard[-1])} about {address} (VPN log)."


def refused_since(case: Case) -> Iterator[str]:
    """The log's newest line since the fall that shows the customer gateway try to come up again, in vain."""
    classes = (*REFUSED, *(() if aws_initiates(case) else (LogEventClass.HALF_OPEN,)))
    yield from quoted(case.logged(*classes, before=-1)[-1:])


def _logs_of_all(case: Case) -> Iterator[tuple[str, Evidence, bool]]:
    yield case.tunnel.outside_ip, case.evidence, aws_initiates(case)
    for tunnel in case.others:
        evidence = case.siblings.get(tunnel.outside_ip)
        if evidence:
            yield tunnel.outside_ip, evidence, aws_initiates(case, tunnel)


def aws_initiates(case: Case, tunnel: Tunnel | None = None) -> bool:
    """Whether AWS starts the negotiation of the tunnel."""
    return case.option("startup_action", tunnel) == "start"


def speaks_ikev1(case: Case) -> str:
    """Why IKEv1 is known to be in use, as a sentence; "" where it is not known to be."""
    stated = case.settings.customer_gateway(case.connection, case.tunnel).get("IkeVersions")
    # A device that is known to speak IKEv2 only cannot have agreed to what this tunnel permits.
    permitting = case.others if stated == ("ikev2",) else (case.tunnel, *case.others)
    for tunnel in permitting:
        if case.option("ike_versions", tunnel) == ("ikev1",):
            return f"Tunnel {tunnel.outside_ip} permits IKEv1 only (tunnel options)."
    if any(_version(evidence) == "ikev1" for evidence in case.evidences):
        return "The two sides agreed on IKEv1 (negotiated values)."
    return "The customer gateway speaks IKEv1 only (policy)." if stated == ("ikev1",) else ""


def speaks_ikev2(case: Case) -> bool:
    """Whether IKEv2 is known to be in use on a tunnel of the connection."""
    stated = case.settings.customer_gateway(case.connection, case.tunnel).get("IkeVersions")
    up_with_ikev2 = any(ipsec_up(t) and case.option("ike_versions", t) == ("ikev2",) for t in case.others)
    return (
        any(_version(evidence) == "ikev2" for evidence in case.evidences)
        or up_with_ikev2
        or case.option("ike_versions") == ("ikev2",)
        or stated == ("ikev2",)
    )


def _version(evidence: Evidence) -> str:
    return evidence.negotiated.ike_version.lower() if evidence.negotiated else ""


def quoted(events: Iterable[LogEvent]) -> Iterator[str]:
    """The lines as sentences: of those that differ in numbers only the newest, and how often it came."""
    alike: dict[str, list[LogEvent]] = {}
    for event in sorted(events):
        alike.setdefault(re.sub(r"[0-9a-f]*[0-9][0-9a-f]*", "#", event.detail), []).append(event)
    for same in sorted(alike.values(), key=lambda one: one[-1].time)[-_MOST_QUOTED:]:
        first = f", {len(same)} times in the lines that are kept, first at {moment(same[0].time)}"
        yield f"{_quote(same[-1])}{first if len(same) > 1 else ''} (VPN log)."


def _quote(event: LogEvent) -> str:
    said = f'"{event.detail}"' if event.detail else event.event.value
    return f"AWS logged {said} at {moment(event.time)}"


def message(case: Case) -> str:
    """AWS's StatusMessage; "" where there is none."""
    return case.tunnel.telemetry.message if case.tunnel.telemetry else ""
