"""Which connections a poll asks for: all of them, or, in between, only those that are not well.

A full answer is large, 0.56 MB for 100 connections. Those that are not well are few, and it is their next change that
somebody waits for: they are asked for by their ids, more often, and set into the last full answer.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.model import Connection, ConnectionState, TunnelState
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.target import FailureCause, PollError, Target

FASTER = 10.0
"""Seconds between two polls of a target with connections that are not well. AWS allows 20 calls a second."""

MOST_BY_ID = 50
"""Where more connections than these are not well, the event is large and the next full answer comes soon enough."""


class _Full(NamedTuple):
    """A full answer and when it came, in seconds of the clock."""

    answer: tuple[Connection, ...]
    at: float


class ConnectionPolls:
    """Asks AWS for a target's connections. The methods may be called from any thread, for one target from one."""

    def __init__(self, aws: Aws, clock: Callable[[], float]) -> None:
        self._aws = aws
        self._clock = clock
        self._full: dict[Target, _Full] = {}

    def fetch(self, target: Target, settings: Settings, poll_interval: float) -> tuple[Connection, ...]:
        """The target's connections. Raises PollError.

        A full answer is at most `poll_interval` seconds old; what is not well is always asked for anew.
        """
        known = self._full.get(target)
        if known and self._clock() - known.at < poll_interval - FASTER / 2:
            ids = not_well(known.answer, settings)
            if 0 < len(ids) <= MOST_BY_ID:
                return self._partly(target, known, ids)
        return self._in_full(target)

    def _in_full(self, target: Target) -> tuple[Connection, ...]:
        self._full.pop(target, None)
        asked_at = self._clock()
        answer = connections.connections(self._aws, target)
        self._full[target] = _Full(answer, asked_at)
        return answer

    def _partly(self, target: Target, known: _Full, ids: tuple[str, ...]) -> tuple[Connection, ...]:
        try:
            newer = {one.id: one for one in connections.connections(self._aws, target, ids)}
        except PollError as error:
            if error.cause is FailureCause.NOT_FOUND:
                return self._in_full(target)  # one of them is gone, and AWS then answers for none
            raise
        answer = _with(known.answer, newer)
        self._full[target] = known._replace(answer=answer)
        return answer


def _with(answer: tuple[Connection, ...], newer: Mapping[str, Connection]) -> tuple[Connection, ...]:
    return tuple(newer.get(one.id, one) for one in answer)


def not_well(answer: tuple[Connection, ...], settings: Settings) -> tuple[str, ...]:
    """The ids of the connections whose next change somebody waits for."""
    return tuple(one.id for one in answer if _is_not_well(one, settings))


def _is_not_well(connection: Connection, settings: Settings) -> bool:
    expected = settings.expected_tunnels(connection)
    if not connection.in_service or expected == 0 or settings.is_ignored(connection):
        return False
    states = [tunnel.telemetry.state for tunnel in connection.tunnels if tunnel.telemetry]
    up = connection.tunnels_up
    return (
        connection.state is ConnectionState.MODIFYING
        or (up is not None and up < expected)
        or TunnelState.UP_WITHOUT_ROUTES in states
    )
