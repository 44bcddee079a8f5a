"""What the log has said of one tunnel: counts, and the lines that are worth keeping."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from aws_vpn_exporter.evidence import LogEvent, LogEventClass, TunnelLog
from aws_vpn_exporter.model import Tunnel, TunnelState
from aws_vpn_exporter.sources import log_lines
from aws_vpn_exporter.sources.log_lines import LogLine

BEFORE_A_CHANGE = 3900.0
"""Seconds. A rekey that was refused brings the tunnel down when the keys run out, up to a phase 2 lifetime later."""
AFTER_A_CHANGE = 600.0
"""Seconds. What AWS logs first of attempts to come up again says why they fail."""

_LATEST = 20
_OF_EACH_CLASS = 2
_AROUND_A_CHANGE = 40
_ROUTINE = frozenset({LogEventClass.REKEY, LogEventClass.OTHER, LogEventClass.ROUTE_CHANGED})


@dataclass(slots=True)
class Tally:
    """What the log has said of one tunnel.

    `changed` is when a tunnel that is not well changed its status; around that moment more lines are kept.
    `read_around` is the change around which the tunnel's stream has been read, `cut` whether that left something out.
    """

    counts: dict[LogEventClass, int] = field(default_factory=lambda: dict.fromkeys(LogEventClass, 0))
    changed: float | None = None
    read_around: float | None = None
    cut: bool = False
    _latest: deque[LogEvent] = field(default_factory=lambda: deque(maxlen=_LATEST))
    _of_class: dict[LogEventClass, list[LogEvent]] = field(default_factory=dict)
    _pinned: list[LogEvent] = field(default_factory=list)
    _line: LogLine | None = None
    _nat: bool | None = None

    def follow(self, tunnel: Tunnel) -> None:
        """Takes note of the tunnel's latest change of status; of a tunnel that is well none matters."""
        telemetry = tunnel.telemetry
        well = telemetry is None or telemetry.state is TunnelState.UP
        changed = None if well or telemetry is None else telemetry.last_status_change
        if changed != self.changed:
            self.changed, self.cut = changed, False
            kept = (*self._latest, *(event for events in self._of_class.values() for event in events), *self._pinned)
            self._pinned = []
            for event in sorted(set(kept)):
                self._pin(event)

    def take(self, line: LogLine, time: float, counted: bool) -> None:
        """Takes the next line."""
        event = self._event(line, time)
        self._latest.append(event)
        # The newest by their own time: CloudWatch may deliver one late.
        self._of_class[event.event] = sorted((*self._of_class.get(event.event, ()), event))[-_OF_EACH_CLASS:]
        self._pin(event)
        if counted:
            self.counts[event.event] += 1

    def pin(self, line: LogLine, time: float) -> None:
        """Takes a line that was looked up around the change; it may be known already, and is not counted."""
        self._pin(LogEvent(time, log_lines.classify(line), log_lines.shown(line), line.phase2))
        self._nat = line.nat if self._nat is None else self._nat

    def log(self, cut: bool) -> TunnelLog:
        """What is known now."""
        return TunnelLog(dict(self.counts), tuple(set(self._kept())), self._nat, cut)

    def _kept(self) -> Iterable[LogEvent]:
        yield from self._latest
        for events in self._of_class.values():
            yield from events
        yield from self._pinned

    def _event(self, line: LogLine, time: float) -> LogEvent:
        event = log_lines.classify(line, self._line)
        if line.phase1 or line.phase2:
            self._line = line
        self._nat = self._nat if line.nat is None else line.nat
        return LogEvent(time, event, log_lines.shown(line), line.phase2)

    def _pin(self, event: LogEvent) -> None:
        """Keeps a line near the change: those nearest to it, and routine only where nothing else is there."""
        changed = self.changed
        if changed is None or not changed - BEFORE_A_CHANGE <= event.time <= changed + AFTER_A_CHANGE:
            return
        if event not in self._pinned:
            self._pinned.append(event)
            self._pinned.sort(key=lambda one: (one.event in _ROUTINE, abs(one.time - changed)))
            del self._pinned[_AROUND_A_CHANGE:]
