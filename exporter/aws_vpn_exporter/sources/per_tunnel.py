"""Asking AWS about one tunnel at a time."""

from collections.abc import Callable, Collection
from typing import TypeVar

from aws_vpn_exporter.aws.errors import poll_errors
from aws_vpn_exporter.evidence import SourceAnswer
from aws_vpn_exporter.model import TunnelId
from aws_vpn_exporter.target import FailureCause, PollError

T = TypeVar("T")

_WOULD_REPEAT = frozenset(
    {
        FailureCause.THROTTLED,
        FailureCause.CREDENTIALS,
        FailureCause.CLOCK_SKEW,
        FailureCause.REGION,
        FailureCause.TIMEOUT,
        FailureCause.NETWORK,
    }
)
"""Failures that the next tunnel would meet as well. Not DENIED: an IAM policy may allow some connections only."""


def for_each_tunnel(tunnels: Collection[TunnelId], ask: Callable[[TunnelId], T]) -> SourceAnswer[T]:
    """Asks about each tunnel; the answer's partial error is the first failure.

    After one tunnel's failure the others are still asked about, unless all of them would fail the same way. Raises
    PollError where there is no answer at all.
    """
    values: dict[TunnelId, T] = {}
    first: PollError | None = None
    for tunnel in tunnels:
        try:
            with poll_errors():
                values[tunnel] = ask(tunnel)
        except PollError as error:
            first = first or error
            if error.cause in _WOULD_REPEAT:
                break
    if first and not values:
        raise first
    return SourceAnswer(values, first)
