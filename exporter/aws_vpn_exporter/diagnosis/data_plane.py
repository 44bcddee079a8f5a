"""The tunnel is up at AWS, and its data have stopped."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, hint, inference, state
from aws_vpn_exporter.evidence import Evidence, TrafficPoint
from aws_vpn_exporter.model import Tunnel, TunnelState
from aws_vpn_exporter.wording import age, moment

_UP_FOR = 30 * 60.0
"""Seconds up after which traffic had the time to settle on the tunnel."""
_SILENT, _BUSY = 3, 6
"""Periods that have to be silent, after so many in each of which the tunnel was in use."""
_MOST_SILENT = 150.0
"""Bytes per second that BGP's keepalives and dead peer detection stay below."""
_LEAST_BUSY = 750.0
_TAKEN_OVER = 0.3
"""The share of the lost traffic from which on another tunnel has taken it over."""
_FRESH = 3
"""Periods after which the latest one says nothing about now: CloudWatch is late, and so is the source's next poll."""

_WORDS = {"receive": "from the customer gateway", "transmit": "to the customer gateway"}


class _Stop(NamedTuple):
    """A direction whose traffic has stopped: since the end of a period, and its bytes per second before."""

    direction: str
    since: float
    before: float


def _stops(case: Case) -> tuple[_Stop, ...]:
    """The directions that were in use in each of 6 periods, and are silent in the 3 since."""
    points = case.evidence.traffic.points[-_SILENT - _BUSY :] if case.evidence.traffic else ()
    if len(points) < _SILENT + _BUSY or _age_in_periods(case, points) > _FRESH:
        return ()
    before, after = points[:_BUSY], points[_BUSY:]
    return tuple(
        _Stop(direction, before[-1].time, fmean(_rates(before, direction)))
        for direction in _WORDS
        if len(_rates(points, direction)) == len(points)
        and min(_rates(before, direction)) >= _LEAST_BUSY
        and max(_rates(after, direction)) < _MOST_SILENT
    )


def _age_in_periods(case: Case, points: tuple[TrafficPoint, ...]) -> float:
    """How long ago the latest period ended, counted in the widest gap between two: a hole makes that wide."""
    gaps = [later.time - earlier.time for earlier, later in pairwise(points)]
    return float("inf") if max(gaps) >= 1.5 * min(gaps) else (case.now - points[-1].time) / max(gaps)


def _rates(points: tuple[TrafficPoint, ...], direction: str) -> list[float]:
    """The direction's rates, of the periods that have one."""
    return [rate for point in points if (rate := getattr(point, direction)) is not None]


def _stopped(case: Case) -> Iterator[Fact]:
    """One direction fell silent for 3 periods after 6 in each of which it was in use, and the other one goes on.

    Where both fell silent, the site may have nothing to say.
    """
    stops = _stops(case)
    for stop in stops:
        said = (
            f"Traffic {_WORDS[stop.direction]} stopped at {moment(stop.since)}: before it was "
            f"{stop.before:,.0f} bytes a second, since then less than {_MOST_SILENT:.0f} (CloudWatch)."
        )
        yield inference(said) if _other_goes_on(case, stops) else hint(said)


def _other_goes_on(case: Case, stops: tuple[_Stop, ...]) -> bool:
    points = case.evidence.traffic.points[-_SILENT:] if case.evidence.traffic else ()
    going = [d for d in _WORDS if d not in {stop.direction for stop in stops}]
    return len(going) == 1 and min(_rates(points, going[0]), default=0.0) >= _MOST_SILENT


def _taken_over(case: Case) -> Iterator[Fact]:
    """Another tunnel came up since, or has taken over what was lost."""
    for stop in _stops(case):
        for tunnel in case.others:
            gained = _gained(case.siblings.get(tunnel.outside_ip), stop)
            if _rose(tunnel, stop.since):
                yield state(f"Tunnel {tunnel.outside_ip} came up at that time (telemetry).")
            elif gained >= _TAKEN_OVER * stop.before:
                yield state(f"Tunnel {tunnel.outside_ip} carries {gained:,.0f} bytes a second more since (CloudWatch).")


def _rose(tunnel: Tunnel, since: float) -> bool:
    telemetry = tunnel.telemetry
    changed = telemetry.last_status_change if telemetry and telemetry.up else None
    return changed is not None and changed >= since - _UP_FOR


def _gained(evidence: Evidence | None, stop: _Stop) -> float:
    points = evidence.traffic.points if evidence and evidence.traffic else ()
    before = _rates(tuple(p for p in points if p.time <= stop.since), stop.direction)
    after = _rates(tuple(p for p in points if p.time > stop.since), stop.direction)
    return fmean(after) - fmean(before) if before and after else 0.0


def _missing(case: Case) -> Iterator[str]:
    unread = [t.outside_ip for t in case.others if not (e := case.siblings.get(t.outside_ip)) or e.traffic is None]
    if unread:
        yield f"Whether tunnel {unread[0]} has taken the traffic over: nothing that is read shows it."
    if len(_stops(case)) > 1:
        yield "Whether anybody had anything to send: a site that was switched off looks the same."


def _concerns(case: Case) -> bool:
    if case.state is not TunnelState.UP or case.settings.is_standby(case.connection, case.tunnel):
        return False
    return case.changed is None or case.now - case.changed >= _UP_FOR


DATA_PLANE_DEAD = Rule(
    CauseKind.DATA_PLANE_DEAD,
    _concerns,
    (_stopped,),
    "AWS reports the tunnel UP, and its data have stopped: use another tunnel, see whether ESP (IP protocol 50) or "
    "UDP 4500 passes both ways and whether routes changed, and reset the tunnel on the device.",
    "AwsVpnTunnelBlackhole.md#diagnosis",
    f"inference: the status follows IKE and BGP, not data; up for {age(_UP_FOR)}, {_SILENT} periods below "
    f"{_MOST_SILENT:.0f} bytes a second after {_BUSY} above {_LEAST_BUSY:.0f}",
    refutes=(_taken_over,),
    yields_to=frozenset({CauseKind.DEAD_PEER_WITH_ACTION_NONE}),
    missing=_missing,
)
