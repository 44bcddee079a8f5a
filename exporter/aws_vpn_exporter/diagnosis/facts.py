"""Facts that several rules use: tunnels that fell together, replaced endpoints, log events around the fall."""

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.evidence import LogEvent, LogEventClass
from aws_vpn_exporter.model import Tunnel
from aws_vpn_exporter.wording import moment

TOGETHER = 180.0
"""Seconds within which two tunnels fell together: dead peer detection finds a silent peer after 30 s or more."""
DPD_AROUND = 5 * 60.0
"""Seconds before or after the fall within which a dead peer in the log belongs to it."""
_REPLACED_BEFORE = 15 * 60.0
"""Seconds. A replacement up to this long before the fall may have caused it."""
_REPLACED_AFTER = 5 * 60.0
"""Seconds. AWS may record a replacement up to this much later than the fall that it caused."""

_DEAD = (LogEventClass.DPD_TIMEOUT, LogEventClass.PEER_UNRESPONSIVE)


def dead_peer(case: Case) -> tuple[LogEvent, ...]:
    """The log's lines around the fall that say the customer gateway did not answer."""
    return case.log(*_DEAD, before=DPD_AROUND, after=DPD_AROUND)


def explained_otherwise(case: Case) -> bool:
    """Whether a dead peer, a common fall or a replaced endpoint explains the fall better than options or traffic do."""
    return bool(dead_peer(case) or fell_together(case) or replaced(case))


def fell_together(case: Case) -> tuple[Tunnel, ...]:
    """The other tunnels that are down and fell when this one did."""
    changed = case.changed
    return () if changed is None else tuple(tunnel for tunnel in case.others if _down_since(tunnel, changed))


def _down_since(tunnel: Tunnel, moment: float) -> bool:
    telemetry = tunnel.telemetry
    if telemetry is None or telemetry.up is not False or telemetry.last_status_change is None:
        return False
    return abs(telemetry.last_status_change - moment) <= TOGETHER


def replaced(case: Case) -> bool:
    """Whether AWS replaced the endpoint just before the tunnel fell."""
    applied = case.evidence.maintenance.last_applied if case.evidence.maintenance else None
    if applied is None or case.changed is None:
        return False
    return -_REPLACED_AFTER <= case.changed - applied <= _REPLACED_BEFORE


def logged(events: tuple[LogEvent, ...]) -> tuple[str, ...]:
    """The latest event as a fact, and how many there were."""
    if not events:
        return ()
    again = f", {len(events)} times in the latest lines" if len(events) > 1 else ""
    said = f'"{events[-1].detail}"' if events[-1].detail else events[-1].event.value
    return (f"AWS logged {said} at {moment(events[-1].time)}{again} (VPN log).",)


def message(case: Case) -> str:
    """AWS's StatusMessage; "" where there is none."""
    return case.tunnel.telemetry.message if case.tunnel.telemetry else ""
