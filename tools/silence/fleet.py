"""A fleet of synthetic connections, each with two tunnels, and what befell them: the same for the same seed.

The rules see what the exporter would publish. Which silence was an outage and which was none they do not see.
"""

import math
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.replay.openmetrics import Labels, Samples
from tools.silence.profiles import PROFILES, Demand, Profile

START = 1_772_409_600
"""Monday 2 March 2026, 00:00 UTC. Europe's clocks change on the 29th, the Sunday of the fourth week."""

DAYS = 28
PERIOD = 300
LAG = 120
"""Seconds after a period's end at which its values are published."""

OUTAGES = {"nothing from the site": 0.4, "nothing to the site": 0.15, "nothing either way": 0.45}
HARMLESS = {
    "failover": 0.2,
    "failover of one direction": 0.1,
    "fall that AWS reports": 0.25,
    "holiday": 0.2,
    "gap in the data": 0.1,
    "one big transfer": 0.15,
}
ROUTING = {"active and standby": 0.55, "both at once": 0.25, "out by one, back by the other": 0.1, "single": 0.1}


@dataclass(frozen=True)
class Event:
    """Something that befell a connection; in Unix seconds. For an outage `tunnels` are those that it silenced."""

    kind: str
    start: int
    end: int
    tunnels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Connection:
    """A connection and the truth about it."""

    id: str
    profile: str
    routing: str
    outages: tuple[Event, ...]
    harmless: tuple[Event, ...]
    series: tuple[tuple[Labels, Samples], ...]


def connections(count: int, seed: int, first: int = 0) -> Iterator[Connection]:
    """`count` connections from number `first` on. The same number and seed give the same connection."""
    for number in range(first, first + count):
        dice = random.Random(f"{seed}/{number}")
        yield _Story(number, dice).told()


def _pick(dice: random.Random, shares: dict[str, float]) -> str:
    return dice.choices(list(shares), list(shares.values()))[0]


class _Story:
    """What one connection goes through."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.dice = dice
        self.id = f"vpn-{number:017x}"
        self.name = _pick(dice, {name: profile.share for name, profile in PROFILES.items()})
        self.profile: Profile = PROFILES[self.name]
        self.demand: Demand = self.profile.make(dice)
        self.routing = _pick(dice, ROUTING)
        self.tunnels = tuple(f"198.51.{number // 100}.{number % 100 * 2 + side}" for side in (0, 1))
        self.standby_named = self.routing == "active and standby" and dice.random() < 0.3
        self.keepalive = dice.choice((0.0, dice.uniform(15, 90)))
        self.clocks_change = dice.random() < 0.5
        self.outages = tuple(self._outages())
        self.harmless = tuple(self._harmless())

    def told(self) -> Connection:
        return Connection(self.id, self.name, self.routing, self.outages, self.harmless, tuple(self._series()))

    def _hours(self, time: float) -> float:
        shifted = 1.0 if self.clocks_change and time >= START + 27 * 86400 + 3600 else 0.0
        return (time - START) / 3600 + shifted

    def _outages(self) -> Iterator[Event]:
        """For half of the connections that carry enough to miss: one or two, from the fourth day on."""
        if self.name in ("bursts", "quiet", "one-way feed") or self.dice.random() < 0.5:
            return
        for week in self.dice.sample((0, 1, 2, 3), self.dice.choice((1, 1, 2))):
            day = week * 7 + self.dice.uniform(3 if week == 0 else 0, 6)
            start = START + int(day * 86400)
            # Nobody can tell an outage from the quiet in which it begins: here it begins once there is traffic.
            last = START + (DAYS - 1) * 86400
            kind = _pick(self.dice, OUTAGES)
            while start < last and self._least(start, kind) < 1000:
                start += 1800
            if start >= last:
                return
            length = int(self.dice.choice((1, 2, 4, 12, 30)) * 3600 * self.dice.uniform(0.8, 1.3))
            end = min(start + length, START + DAYS * 86400)
            yield Event(kind, start, end, frozenset(self._silenced()))

    def _least(self, start: int, kind: str) -> float:
        """The least bytes per second that an outage of that kind would swallow in its first two hours."""
        rates = [self.demand(self._hours(start + ahead)) for ahead in range(-1800, 7201, 600)]
        receive, transmit = (min(rate[direction] for rate in rates) for direction in (0, 1))
        return {"nothing from the site": receive, "nothing to the site": transmit}.get(kind, max(receive, transmit))

    def _silenced(self) -> Sequence[str]:
        if self.routing == "both at once" and self.dice.random() < 0.5:
            return self.tunnels[:1]
        return self.tunnels

    def _harmless(self) -> Iterator[Event]:
        for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
            kind = _pick(self.dice, HARMLESS)
            start = START + int(self.dice.uniform(1, DAYS - 2) * 86400)
            end = start + int(self.dice.choice((0.2, 1, 3, 12, 40)) * 3600)
            if kind == "holiday":
                start -= (start - START) % 86400
                end = start + 86400
            if not any(start < one.end + 14400 and one.start < end + 14400 for one in self.outages):
                yield Event(kind, start, end)

    def _series(self) -> Iterator[tuple[Labels, Samples]]:
        times = array("q")
        columns: dict[tuple[str, str], array[float]] = {}
        phase = self.dice.randrange(PERIOD)
        walks = {key: _Walk(self.dice, self.profile.noise) for key in ("receive", "transmit", *self.tunnels)}
        fields = ("up", "receive_bytes_per_second", "transmit_bytes_per_second", "traffic_timestamp_seconds")
        for tunnel in self.tunnels:
            columns |= {(tunnel, field): array("d") for field in fields}
        for period in range(DAYS * 86400 // PERIOD):
            end = START + (period + 1) * PERIOD
            shown = end + LAG + phase % 60
            carried = self._carried(end, walks)
            if self._now("gap in the data", shown):
                continue
            times.append(shown * 1000)
            for tunnel in self.tunnels:
                up, receive, transmit = carried[tunnel]
                for field, value in zip(fields, (up, receive, transmit, float(end)), strict=True):
                    columns[tunnel, field].append(value)
        for (tunnel, field), values in columns.items():
            yield self._labels(tunnel, field), Samples(times, values)
        for side, tunnel in enumerate(self.tunnels):
            standby = float(self.standby_named and side == 1)
            yield self._labels(tunnel, "standby"), Samples(times, array("d", [standby]) * len(times))

    def _labels(self, tunnel: str, field: str) -> Labels:
        own = {"__name__": f"aws_vpn_tunnel_{field}", "vpn_connection_id": self.id, "tunnel_ip": tunnel}
        scrape = {"job": "aws-vpn-exporter", "instance": "exporter:10450"}
        return tuple(sorted((own | scrape | {"account_id": "123456789012", "region": "eu-west-1"}).items()))

    def _carried(self, end: int, walks: dict[str, "_Walk"]) -> dict[str, tuple[float, float, float]]:
        """Up, receive and transmit of each tunnel over the period that ends then."""
        middle = end - PERIOD / 2
        receive, transmit = self._demanded(middle)
        receive, transmit = receive * walks["receive"].step(), transmit * walks["transmit"].step()
        found = {}
        for side, tunnel in enumerate(self.tunnels):
            up = self._is_up(side, end)
            own = walks[tunnel].step() if self.routing == "both at once" else 1.0
            into, out = (self._share(side, direction, middle) * own for direction in (0, 1))
            keepalive = self.keepalive * self.dice.uniform(0.9, 1.1)
            into, out = receive * into + keepalive, transmit * out + keepalive
            into, out = self._silence(tunnel, end, into, out, keepalive)
            found[tunnel] = (float(up), into if up else 0.0, out if up else 0.0)
        return found

    def _demanded(self, time: float) -> tuple[float, float]:
        hours = self._hours(time)
        if self._now("holiday", time):
            hours = hours % 24 + 6 * 24  # as on a Sunday
        receive, transmit = self.demand(hours)
        extra = 8e6 if self._now("one big transfer", time) else 0.0
        return receive + extra, transmit + extra / 30

    def _share(self, side: int, direction: int, time: float) -> float:
        """Which part of a direction's traffic (0: receive, 1: transmit) this tunnel takes."""
        active = 0
        if self.routing == "out by one, back by the other":
            active = 1 - direction
        if self._now("failover", time) or (direction == 0 and self._now("failover of one direction", time)):
            active = 1 - active
        if self.routing == "single":
            active = 0
        if self._now("fall that AWS reports", time):
            return float(side == 1 and self.routing != "single")
        if self.routing == "both at once" and not (
            self._now("failover", time) or (direction == 0 and self._now("failover of one direction", time))
        ):
            return 0.5
        return float(side == active)

    def _is_up(self, side: int, end: int) -> bool:
        if side == 1:
            return self.routing != "single"
        return not self._now("fall that AWS reports", end)

    def _silence(self, tunnel: str, end: int, into: float, out: float, keepalive: float) -> tuple[float, float]:
        """The same less what an outage swallows of this period."""
        for outage in self.outages:
            overlap = min(end, outage.end) - max(end - PERIOD, outage.start)
            if overlap > 0 and tunnel in outage.tunnels:
                lost = overlap / PERIOD
                if outage.kind != "nothing to the site":
                    into = into * (1 - lost) + keepalive * lost
                if outage.kind != "nothing from the site":
                    out = out * (1 - lost) + keepalive * lost
        return into, out

    def _now(self, kind: str, time: float) -> bool:
        return any(event.kind == kind and event.start <= time < event.end for event in self.harmless)


class _Walk:
    """Noise with a memory: factors around 1 that drift over half an hour and scatter from one period to the next."""

    def __init__(self, dice: random.Random, size: float) -> None:
        self.dice, self.size, self.drift = dice, size, 0.0

    def step(self) -> float:
        self.drift = 0.85 * self.drift + self.dice.gauss(0, self.size * 0.4)
        return math.exp(self.drift + self.dice.gauss(0, self.size * 0.6))
