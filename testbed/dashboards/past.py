"""An invented past of the demo's fleet, as Prometheus would have recorded it."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from testbed.dashboards.prometheus import JOB, KEEPALIVE, Past

HOUR, DAY = 3600, 86400
REKEY = 2700
"""Seconds between two rekeys in a tunnel's log."""
_SHORTENED = 8 * HOUR
"""How many seconds ago somebody has shortened the phase 2 lifetime."""
_LOOKBACK = 330
"""For five minutes Prometheus takes a series that has ended for the present."""

_ALERTS = {1: ("AwsVpnConnectionRedundancyLost", "warning"), 2: ("AwsVpnConnectionDown", "critical")}
_AS_NOW = {"aws_vpn_connection_tunnels_expected", "aws_vpn_connection_state", "aws_vpn_connection_info"}

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Outage:
    """So many of a connection's two tunnels were down for so many hours, from so many days ago."""

    days_ago: float
    hours: float
    tunnels: int

    @property
    def begin(self) -> float:
        """How many seconds ago it began."""
        return self.days_ago * DAY

    @property
    def end(self) -> float:
        """How many seconds ago it ended."""
        return self.begin - self.hours * HOUR


@dataclass(frozen=True)
class History:
    """What one connection went through: its outages, and what was so many seconds `ago`."""

    outages: Sequence[Outage]

    def lost(self, ago: float) -> int:
        """How many tunnels were down."""
        return max((one.tunnels for one in self.outages if one.end < ago <= one.begin), default=0)

    def changed(self, ago: float) -> float:
        """How many seconds ago the status had last changed by then."""
        moments = (moment for one in self.outages for moment in (one.begin, one.end) if moment >= ago)
        return min(moments, default=40 * DAY)

    def maintained(self, ago: float) -> float:
        """How many seconds ago AWS had last replaced the first tunnel's endpoint by then: what took it down alone."""
        return min((one.end for one in self.outages if one.tunnels == 1 and one.end >= ago), default=40 * DAY)

    def share(self, ago: float, least: int) -> float:
        """The share of the hour before in which so many tunnels were up."""
        lost = (
            max(0.0, min(ago + HOUR, one.begin) - max(ago, one.end)) for one in self.outages if 2 - one.tunnels < least
        )
        return 1 - sum(lost) / HOUR

    def reading(self, metric: str, labels: Labels, tunnel: int, value: float, ago: float, now: float) -> float | None:
        """What a series had shown; None for one that gets no past. `value` is what it shows now."""
        down = self.lost(ago) > tunnel
        match metric:
            case "aws_vpn_connection_tunnels_up":
                return 2 - self.lost(ago)
            case "aws_vpn_tunnel_state":
                return float(labels["state"] == ("ipsec_down" if down else "up"))
            case "aws_vpn_tunnel_accepted_routes":
                return 0 if down else 12
            case "aws_vpn_tunnel_last_status_change_timestamp_seconds":
                return now - self.changed(ago)
            case "aws_vpn_tunnel_receive_bytes_per_second" | "aws_vpn_tunnel_transmit_bytes_per_second":
                most = 40_000 if "receive" in metric else 10_000
                return 0 if down else most * (0.6 + 0.4 * math.sin(2 * math.pi * ago / DAY))
            case "aws_vpn_tunnel_last_maintenance_timestamp_seconds" if tunnel == 0:
                return now - self.maintained(ago)
            case "aws_vpn_tunnel_phase2_lifetime_seconds" if ago > _SHORTENED:
                return 3600
            case "aws_vpn_tunnel_phase2_lifetime_seconds":
                return value
            case "aws_vpn_tunnel_log_events_total" if labels["event"] == "rekey":
                return (40 * DAY - ago) // REKEY
            case "aws_vpn_tunnel_log_events_total" if labels["event"] == "dpd_timeout":
                return sum(one.begin >= ago for one in self.outages if one.tunnels > tunnel)
        return value if metric in _AS_NOW else None


def past_of(outages: Mapping[str, Sequence[Outage]], days: int = 30, step: int = 240, dense: bool = False) -> Past:
    """What would have been recorded in so many days.

    Of the connections with these names: states every `step` seconds, and their alerts. Of every connection: the
    hourly availability. `dense`: the latest day as often as in production.
    """

    def lines(page: str, now: float) -> Iterator[str]:
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        names = {
            one.labels["vpn_connection_id"]: one.labels["name"]
            for one in samples
            if one.name == "aws_vpn_connection_info"
        }
        histories = {vpn_id: History(outages[name]) for vpn_id, name in names.items() if name in outages}
        begin, end, last_day = int(now - days * DAY), int(now - _LOOKBACK), int(now - DAY)
        moments = [*range(begin, last_day, step), *range(last_day, end, 30)] if dense else range(begin, end, step)
        tunnels: dict[str, list[str]] = {}
        for metric, labels, value, *_ in samples:
            vpn_id, ip = labels.get("vpn_connection_id", ""), labels.get("tunnel_ip", "")
            order = tunnels.setdefault(vpn_id, [])
            if ip and ip not in order:
                order.append(ip)
            tunnel = order.index(ip) if ip else 0
            if vpn_id in histories:
                for at in moments:
                    reading = histories[vpn_id].reading(metric, labels, tunnel, value, now - at, now)
                    if reading is None:
                        break
                    yield _line(metric, {**labels, "instance": "long-ago"}, reading, at)
            if metric == "aws_vpn_connection_tunnels_expected":
                yield from _availability(labels, histories.get(vpn_id, History(())), range(begin, end), now)
            if metric == "aws_vpn_connection_info" and vpn_id in histories:
                identity = {name: labels[name] for name in ("account_id", "region", "vpn_connection_id")}
                yield from _alerts(identity, histories[vpn_id], moments, now)
                yield from _path(identity, histories[vpn_id], moments, now)

    return lines


def _availability(labels: Labels, history: History, moments: range, now: float) -> Iterator[str]:
    hours = range(moments.start // HOUR * HOUR, moments.stop, HOUR)
    for (measure, least), at in itertools.product((("up", 1), ("redundant", 2)), hours):
        yield _line(f"vpn_connection:aws_vpn_connection_{measure}:avg1h", labels, history.share(now - at, least), at)


def _alerts(identity: Labels, history: History, moments: Sequence[int], now: float) -> Iterator[str]:
    for tunnels, (alert, severity) in _ALERTS.items():
        labels = {**identity, "alertname": alert, "alertstate": "firing", "severity": severity}
        yield from (_line("ALERTS", labels, 1, at) for at in moments if history.lost(now - at) == tunnels)


def _path(identity: Labels, history: History, moments: Sequence[int], now: float) -> Iterator[str]:
    """What the keepalive measured: all pings are lost while both tunnels are down, some before that."""
    for at in moments:
        lost = history.lost(now - at)
        busy = 0.5 + 0.5 * math.sin(2 * math.pi * (now - at) / DAY)
        loss = 1.0 if lost == 2 else 0.04 * busy if lost == 1 else 0.0
        yield _line("vpn_connection:path_loss:ratio5m", identity, loss, at, KEEPALIVE)
        yield _line("vpn_connection:path_loss:usual", identity, 0.02, at, KEEPALIVE)
        yield _line("vpn_path:rtt_seconds:usual", identity, 0.036, at, KEEPALIVE)
        if lost < 2:
            yield _line(
                "vpn_connection:path_rtt_seconds:avg5m", identity, 0.027 + 0.008 * busy + 0.02 * lost, at, KEEPALIVE
            )


def _line(metric: str, labels: Labels, value: float, at: float, job: str = JOB) -> str:
    pairs = ",".join(f'{name}="{text}"' for name, text in {**labels, "job": job}.items())
    return f"{metric}{{{pairs}}} {value} {at}"
