"""Holds what alerts said against what was so."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tools.replay.rules import Firing
from tools.silence.fleet import Connection, Event

WITHIN = 1800
"""Seconds after the beginning of an outage in which it has to be noticed."""

AFTER = 1800
"""Seconds after its end in which an alert about it is not false."""

_DAY = 86400


@dataclass
class Score:
    """How a rule did. An alert is right or false; an outage is noticed in time or not."""

    right: int = 0
    false: int = 0
    delays: list[int] = field(default_factory=list)
    """Seconds from the beginning of each outage that was noticed in time."""
    missed: list[tuple[Connection, Event]] = field(default_factory=list)
    wrong: list[tuple[Connection, Firing]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.false, 1)

    @property
    def recall(self) -> float:
        return len(self.delays) / max(len(self.delays) + len(self.missed), 1)

    def add(self, connections: Iterable[Connection], firings: Iterable[Firing]) -> None:
        by_connection: dict[str, list[Firing]] = defaultdict(list)
        for firing in firings:
            by_connection[firing.labels["vpn_connection_id"]].append(firing)
        for connection in connections:
            self._add(connection, by_connection[connection.id])

    def _add(self, connection: Connection, firings: Sequence[Firing]) -> None:
        for firing in firings:
            end = firing.starts_at if firing.ends_at is None else firing.ends_at
            if any(one.start <= end and firing.starts_at <= one.end + AFTER for one in connection.outages):
                self.right += 1
            else:
                self.false += 1
                self.wrong.append((connection, firing))
        for outage in connection.outages:
            delays = [
                firing.starts_at - outage.start
                for firing in firings
                if outage.start <= firing.starts_at <= outage.start + WITHIN
            ]
            if delays:
                self.delays.append(min(delays))
            else:
                self.missed.append((connection, outage))
