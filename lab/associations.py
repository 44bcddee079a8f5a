"""What is known of one tunnel's security associations at AWS's endpoint, kept up by the daemon's own events.

A look at the list of SAs shows none for a moment at every rekey; the events do not, and carry the moment with them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from lab.charon import Message
from lab.watch import GONE

Direction = str
IN, OUT = "in", "out"
"""Seen from AWS: bytes that it received from the customer gateway, and bytes that it sent there."""


@dataclass(frozen=True)
class Status:
    """Whether there is an IKE SA and a child SA, and since when that is so (the machine's clock).

    `rekeys` is how many child SAs took over from another one so far.
    """

    ike: bool
    child: bool
    since: float
    rekeys: int


@dataclass
class Counter:
    """Bytes in one direction, over all SAs since the start, with moments at which a sum was known."""

    by_spi: dict[str, int] = field(default_factory=dict)
    history: list[tuple[float, int]] = field(default_factory=list)

    def note(self, moment: float, spi: str, count: int) -> None:
        """Take over what an SA's counter says. It starts at 0 at every rekey, and vanishes with the SA.

        Where AWS renews the keys, charon no longer knows what it sent with the old ones since it was last asked.
        """
        if count > self.by_spi.get(spi, 0):
            self.by_spi[spi] = count
        total = sum(self.by_spi.values())
        if not self.history or self.history[-1][1] != total:
            self.history.append((moment, total))

    def between(self, begin: float, end: float) -> int:
        """The bytes counted after `begin` up to `end`."""
        steps = pairwise([(0.0, 0), *self.history])
        return sum(later - earlier for (_, earlier), (moment, later) in steps if begin < moment <= end)


class Associations:
    """The SAs of one tunnel; `hear` is what a `Watch` calls."""

    def __init__(self, changed: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._ike: set[str] = set()
        self._children: set[str] = set()
        self._since = clock()
        self._rekeys = 0
        self._bytes = {IN: Counter(), OUT: Counter()}

    @property
    def status(self) -> Status:
        """How it stands now."""
        with self._lock:
            return Status(bool(self._ike), bool(self._children), self._since, self._rekeys)

    def bytes(self, direction: Direction, begin: float, end: float) -> int:
        """What passed between two moments of the machine's clock."""
        with self._lock:
            return self._bytes[direction].between(begin, end)

    def hear(self, event: str, message: Message) -> None:
        """Take over an event of the daemon."""
        with self._lock:
            before = bool(self._ike), bool(self._children)
            self._take(event, message)
            changed = before != (bool(self._ike), bool(self._children))
            if changed:
                self._since = self._clock()
        if changed:
            self._changed()

    def count(self, associations: list[Message]) -> None:
        """Take over the byte counters of a list of SAs."""
        with self._lock:
            for sa in associations:
                self._count(sa)

    def _take(self, event: str, message: Message) -> None:
        if event == GONE:
            self._ike.clear()
            self._children.clear()
            return
        up = message.get("up") == "yes"
        for sa in (one for one in message.values() if isinstance(one, Mapping)):
            if event == "ike-updown":
                _set(self._ike, sa, up)
            elif event == "child-updown":
                for child in sa.get("child-sas", {}).values():
                    _set(self._children, child, up)
            elif event == "ike-rekey":
                _replace(self._ike, sa)
            elif event == "child-rekey":
                for child in sa.get("child-sas", {}).values():
                    _replace(self._children, child)
                    self._rekeys += 1
            self._count(sa)

    def _count(self, sa: Message) -> None:
        moment = self._clock()
        for child in _children(sa):
            for direction, counter in self._bytes.items():
                spi = child.get(f"spi-{direction}")
                if spi:
                    counter.note(moment, spi, int(child.get(f"bytes-{direction}", 0)))


def _children(sa: Message) -> Iterator[Message]:
    for child in sa.get("child-sas", {}).values():
        yield from (child[which] for which in ("old", "new")) if "old" in child else (child,)


def _set(known: set[str], sa: Message, up: bool) -> None:
    if up:
        known.add(sa["uniqueid"])
    else:
        known.discard(sa["uniqueid"])


def _replace(known: set[str], sa: Message) -> None:
    known.discard(sa["old"]["uniqueid"])
    known.add(sa["new"]["uniqueid"])
