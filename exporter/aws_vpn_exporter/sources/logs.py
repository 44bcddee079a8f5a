"""The tunnels' logs in CloudWatch Logs: the events since the poll before, counted by class."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import LogEvent, LogEventClass, SourceAnswer, TunnelLog
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources import log_lines
from aws_vpn_exporter.sources.log_lines import LogLine
from aws_vpn_exporter.sources.protocol import Source, SourceBlock
from aws_vpn_exporter.target import PollError

LOOK_BACK = 3600
"""Seconds. Events older than this are never read, neither at the start nor after an outage."""

LATENESS = 120
"""Seconds. An event that reaches CloudWatch Logs up to this much later than it happened is still found."""

MOST_PAGES = 10
PAGE = 1000
"""In one poll, at most so many pages of so many events are read of each log group."""

_LATEST = 20
_CONNECTION = re.compile(r"vpn-[0-9a-f]+")
_ADDRESS = re.compile(r"[0-9a-f.:]+")

Groups = Mapping[TunnelId, Collection[str]]
"""Each tunnel's log groups, by ARN."""


def log_groups(connections: Iterable[Connection]) -> Groups:
    """The log groups of the tunnels whose logs are turned on."""
    found: dict[TunnelId, Collection[str]] = {}
    for connection in connections:
        for tunnel in connection.tunnels:
            written = {"LogEnabled": tunnel.log_group, "BgpLogEnabled": tunnel.bgp_log_group}
            groups = frozenset(group for switch, group in written.items() if group and tunnel.options.get(switch))
            if groups:
                found[TunnelId(connection.id, tunnel.outside_ip)] = groups
    return found


_LOG_GROUP = r"^[A-Za-z0-9_./#-]{1,512}$"

LOG_GROUP_NAME = "LOG_GROUP_NAME"
"""Placeholder in a policy where the configuration lists no log groups: nobody should be allowed to read all logs."""


class LogsBlock(SourceBlock):
    """What AWS logs about the tunnels whose logging to CloudWatch Logs is on."""

    interval: Duration = Field(60.0, description="How often new log events are read.")
    log_groups: tuple[Annotated[str, Field(pattern=_LOG_GROUP)], ...] = Field(
        (), description="Names of the log groups that the tunnels write to: `iam-policy` allows reading these alone."
    )


@dataclass(slots=True)
class _Position:
    """How far a log group has been read: the next poll begins at `start` (Unix time in ms) and skips `known` events."""

    start: int
    known: dict[str, int] = field(default_factory=dict)

    def move(self, seen: Mapping[str, int], start: int) -> None:
        """Moves on to `start`, and forgets the known events that the next poll cannot see again."""
        self.known = {identity: time for identity, time in {**self.known, **seen}.items() if time >= start}
        self.start = start


@dataclass(slots=True)
class _Tally:
    """The events of one tunnel: counts by class, the latest ones, and its latest line with states."""

    counts: dict[LogEventClass, int] = field(default_factory=lambda: dict.fromkeys(LogEventClass, 0))
    latest: deque[LogEvent] = field(default_factory=lambda: deque(maxlen=_LATEST))
    line: LogLine | None = None

    def log(self) -> TunnelLog:
        return TunnelLog(dict(self.counts), tuple(sorted(self.latest)))


class LogsSource(Source):
    """The source `logs`. It remembers how far each log group of its target has been read."""

    name = "logs"
    description = "Read the tunnels' logs"
    block = LogsBlock
    service = "logs"
    actions = ("logs:FilterLogEvents",)

    def __init__(self, block: LogsBlock) -> None:
        """Events are counted from the first call of `fetch` on, or from `counted_from`, a Unix time."""
        self.counted_from: float | None = None
        self._positions: dict[str, _Position] = {}
        self._tallies: dict[TunnelId, _Tally] = {}

    @staticmethod
    def resources(block: LogsBlock, partition: str) -> list[str]:
        """The log groups that the configuration lists, in any region and account."""
        names = block.log_groups or (LOG_GROUP_NAME,)
        return [f"arn:{partition}:logs:*:*:log-group:{name}:*" for name in names]

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[TunnelLog]:
        """Reads what is new, with a CloudWatch Logs client.

        A group that cannot be read does not keep the others from being read: its failure is the partial error.

        Events from before the first call are shown but not counted: a restart must not count them twice.
        """
        groups = log_groups(connections)
        if self.counted_from is None:
            self.counted_from = now
        oldest = int((now - LOOK_BACK) * 1000)
        names = sorted({name for written in groups.values() for name in written})
        self._positions = {name: self._positions.get(name) or _Position(oldest) for name in names}
        self._tallies = {tunnel: self._tallies.get(tunnel) or _Tally() for tunnel in groups}
        first: PollError | None = None
        for name, position in self._positions.items():
            position.start = max(position.start, oldest)
            try:
                self._read_group(client, name, position, int(now * 1000))
            except PollError as error:
                first = first or error
        if first and not self._tallies:
            raise first
        return SourceAnswer({tunnel: tally.log() for tunnel, tally in self._tallies.items()}, first)

    def _read_group(self, client: Any, name: str, position: _Position, now: int) -> None:
        """Reads a group up to its end, or as far as one poll goes. Raises PollError."""
        seen: dict[str, int] = {}
        try:
            with poll_errors():
                complete = self._read_pages(client, name, position, now, seen)
        except PollError:
            position.move(seen, max(seen.values(), default=position.start))
            raise
        newest = max(seen.values(), default=position.start)
        if complete:
            position.move(seen, max(position.start, newest - LATENESS * 1000))
        else:
            # A group with more events in one millisecond than a poll reads must not stop progress for ever.
            position.move(seen, newest if newest > position.start else now)

    def _read_pages(self, client: Any, name: str, position: _Position, now: int, seen: dict[str, int]) -> bool:
        # The end keeps events from the future, whatever they are, from moving the start beyond now.
        span = {"startTime": position.start, "endTime": max(now, position.start)}
        token: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = client.filter_log_events(logGroupIdentifier=name.removesuffix(":*"), limit=PAGE, **span, **token)
            if "events" not in answer:  # an answer in JSON that is cut off comes out of botocore as an empty one
                raise MalformedAnswerError("not a FilterLogEvents answer")
            for event in answer["events"]:
                identity, time = str(event.get("eventId") or event), int(event.get("timestamp") or position.start)
                if identity not in position.known and identity not in seen:
                    self._take(event, time / 1000)
                seen[identity] = time
            if not answer.get("nextToken"):
                return True
            token = {"nextToken": answer["nextToken"]}
        return False

    def _take(self, event: Mapping[str, Any], time: float) -> None:
        line = log_lines.read(str(event.get("message") or ""))
        tally = self._tally(line.source or str(event.get("logStreamName") or ""))
        if tally is None:
            return
        kind = log_lines.classify(line, tally.line)
        if line.phase1 or line.phase2:
            tally.line = line
        tally.latest.append(LogEvent(time, kind, log_lines.shown(line)))
        if time >= (self.counted_from or 0.0):
            tally.counts[kind] += 1

    def _tally(self, named: str) -> _Tally | None:
        """The tally of the tunnel whose connection and outside address the text names; None where that is not ours."""
        words = named.lower()
        tunnels = (TunnelId(one, word) for one in _CONNECTION.findall(words) for word in _ADDRESS.findall(words))
        return next((self._tallies[tunnel] for tunnel in tunnels if tunnel in self._tallies), None)
