"""The tunnels' logs in CloudWatch Logs: what is new in them since the last look, counted by what it is about.

A log group is read on from where the last poll ended. Around the moment at which a tunnel that is down changed its
status, the tunnel's own stream is read once more, however long ago that is and however full the group.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import SourceAnswer, TunnelLog
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, Tunnel, TunnelId
from aws_vpn_exporter.sources import log_lines
from aws_vpn_exporter.sources.log_owner import Owners
from aws_vpn_exporter.sources.log_tally import AFTER_A_CHANGE, BEFORE_A_CHANGE, Tally
from aws_vpn_exporter.sources.protocol import Source, SourceBlock
from aws_vpn_exporter.target import PollError
from aws_vpn_exporter.wording import clean

LOOK_BACK = 3600
"""Seconds. A group is read from so long ago on, at the start and after an outage."""

LATENESS = 120
"""Seconds. Events that CloudWatch Logs receives so late are still found."""

MOST_PAGES = 10
PAGE = 1000
"""In one poll, at most so many pages of so many events are read of each log group."""

_MOST_FALLS = 10
"""Around so many changes of status are streams read in one poll; the others follow in the next."""
_PAGES_OF_A_FALL = 3

Groups = Mapping[TunnelId, Collection[str]]
"""Each tunnel's log groups, by ARN."""


def log_groups(connections: Iterable[Connection]) -> Groups:
    """The log groups of the tunnels whose logs are turned on."""
    found: dict[TunnelId, Collection[str]] = {}
    for connection in connections:
        for tunnel in connection.tunnels:
            if groups := frozenset(name for name, _ in _written(tunnel)):
                found[TunnelId(connection.id, tunnel.outside_ip)] = groups
    return found


def _written(tunnel: Tunnel) -> Iterator[tuple[str, bool]]:
    """The groups that AWS writes to, each with whether it is that of the BGP log."""
    for switch, group, bgp in (
        ("LogEnabled", tunnel.log_group, False),
        ("BgpLogEnabled", tunnel.bgp_log_group, True),
    ):
        if group and tunnel.options.get(switch):
            yield group, bgp


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
    """How far a group has been read: from `start` (milliseconds) on, but for the events that are known already.

    `complete_since` is the moment from which on nothing was left out, in milliseconds.
    """

    start: int
    complete_since: int
    known: dict[str, int] = field(default_factory=dict)

    def move(self, seen: Mapping[str, int], start: int) -> None:
        """Goes on to `start`. Only what the next poll will meet again needs to be known."""
        self.known = {identity: time for identity, time in {**self.known, **seen}.items() if time >= start}
        self.start = start


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
        self._tallies: dict[TunnelId, Tally] = {}
        self._owners = Owners((), ())
        self._unmatched, self._stranger = 0, ""

    @staticmethod
    def resources(block: LogsBlock, partition: str) -> list[str]:
        """The log groups that the configuration lists, in any region and account."""
        names = block.log_groups or (LOG_GROUP_NAME,)
        return [f"arn:{partition}:logs:*:*:log-group:{name}:*" for name in names]

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[TunnelLog]:
        """Reads what is new, with a CloudWatch Logs client. A group that cannot be read costs no other.

        Events from before the first call are shown but not counted: a restart must not count them twice.
        """
        groups = log_groups(connections)
        if self.counted_from is None:
            self.counted_from = now
        oldest = int((now - LOOK_BACK) * 1000)
        names = sorted({name for written in groups.values() for name in written})
        self._positions = {name: self._positions.get(name) or _Position(oldest, oldest) for name in names}
        self._tallies = {tunnel: self._tallies.get(tunnel) or Tally() for tunnel in groups}
        self._owners = Owners(connections, groups)
        for tunnel_id, tunnel in _tunnels(connections):
            if tunnel_id in self._tallies:
                self._tallies[tunnel_id].follow(tunnel)
        first: PollError | None = None
        for name, position in self._positions.items():
            if position.start < oldest:
                position.start = position.complete_since = oldest
            try:
                self._read_group(client, name, position, int(now * 1000))
            except PollError as error:
                first = first or error
        first = first or self._read_around_changes(client, connections, now)
        if first and not self._tallies:
            raise first
        return SourceAnswer(
            {tunnel: tally.log(self._is_cut(groups[tunnel], tally)) for tunnel, tally in self._tallies.items()},
            first,
            notes=tuple(self._notes()),
            unmatched=self._unmatched,
        )

    def _notes(self) -> Iterator[str]:
        if self._unmatched:
            yield (
                f"{self._unmatched} lines in the log groups fit no tunnel here; the latest is of the stream "
                f"{self._stranger or 'without a name'}."
            )

    def _is_cut(self, groups: Collection[str], tally: Tally) -> bool:
        """Whether lines around the tunnel's change of status may have been left out."""
        if tally.changed is None or tally.read_around == tally.changed:
            return tally.cut
        first = (tally.changed - BEFORE_A_CHANGE) * 1000
        return any(self._positions[name].complete_since > first for name in groups)

    def _read_around_changes(self, client: Any, connections: Collection[Connection], now: float) -> PollError | None:
        """Reads the streams of tunnels that are down, where what was read does not reach back to the change."""
        left = _MOST_FALLS
        for tunnel_id, tunnel in _tunnels(connections):
            tally = self._tallies.get(tunnel_id)
            if tally is None or tally.changed is None or tally.read_around == tally.changed or left == 0:
                continue
            first = (tally.changed - BEFORE_A_CHANGE) * 1000
            written = [(name, bgp) for name, bgp in _written(tunnel) if self._positions[name].complete_since > first]
            if not written:
                continue
            left -= 1
            try:
                whole = [self._read_stream(client, tunnel_id, tally.changed, name, bgp, now) for name, bgp in written]
            except PollError as error:
                return error
            tally.read_around, tally.cut = tally.changed, not all(whole)
        return None

    def _read_stream(self, client: Any, tunnel: TunnelId, changed: float, name: str, bgp: bool, now: float) -> bool:
        """Reads one tunnel's lines around a moment, in a group; whether that was all of them. Raises PollError."""
        connection = tunnel.vpn_connection_id
        # The BGP log names the connection in its lines, the tunnel's activity log in the name of its stream.
        only = {"filterPattern": f'"{connection}"'} if bgp else {"logStreamNamePrefix": connection}
        begin, end = changed - BEFORE_A_CHANGE, min(now, changed + AFTER_A_CHANGE)
        span = {"startTime": int(begin * 1000), "endTime": int(max(begin, end) * 1000)}
        pages = 0
        token: dict[str, str] = {}
        with poll_errors():
            while pages < _PAGES_OF_A_FALL:
                answer = _asked(client, name, {**only, **span, **token})
                for event in answer["events"]:
                    line = log_lines.read(str(event.get("message") or ""))
                    owner = self._owners.of(line, str(event.get("logStreamName") or ""))
                    if owner in self._tallies:
                        self._tallies[owner].pin(line, int(event.get("timestamp") or 0) / 1000)
                if not answer.get("nextToken"):
                    return True
                pages, token = pages + 1, {"nextToken": answer["nextToken"]}
        return False

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
            # A group that is too full to be read, even from one millisecond to the next, must not hold the reader fast.
            position.move(seen, newest if newest > position.start else now)
            position.complete_since = now

    def _read_pages(self, client: Any, name: str, position: _Position, now: int, seen: dict[str, int]) -> bool:
        # The end keeps events from the future, whatever they are, from moving the start beyond now.
        span = {"startTime": position.start, "endTime": max(now, position.start)}
        token: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = _asked(client, name, {**span, **token})
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
        stream = str(event.get("logStreamName") or "")
        owner = self._owners.of(line, stream)
        if owner is None:
            self._unmatched, self._stranger = self._unmatched + 1, clean(line.source or stream)
            return
        self._tallies[owner].take(line, time, counted=time >= (self.counted_from or 0.0))


def _asked(client: Any, name: str, request: Mapping[str, object]) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = client.filter_log_events(
        logGroupIdentifier=name.removesuffix(":*"), limit=PAGE, **request
    )
    if "events" not in answer:  # an answer in JSON that is cut off comes out of botocore as an empty one
        raise MalformedAnswerError("not a FilterLogEvents answer")
    return answer


def _tunnels(connections: Iterable[Connection]) -> Iterator[tuple[TunnelId, Tunnel]]:
    return ((TunnelId(one.id, tunnel.outside_ip), tunnel) for one in connections for tunnel in one.tunnels)
