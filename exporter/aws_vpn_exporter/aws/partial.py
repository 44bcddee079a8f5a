"""Asking AWS about one tunnel at a time: what is known, and what went wrong first."""

from collections.abc import Callable, Collection
from typing import TypeVar

from aws_vpn_exporter.aws.errors import translated
from aws_vpn_exporter.evidence import Round, TunnelId
from aws_vpn_exporter.model import FailureCause, PollError

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
"""Causes that the next tunnel would meet as well. A denial is not among them: a policy may single out connections."""


def each(tunnels: Collection[TunnelId], ask: Callable[[TunnelId], T]) -> Round[T]:
    """Asks about each tunnel; the round's error is the first failure.

    One tunnel's failure costs no other; what would meet every one ends the round.
    """
    values: dict[TunnelId, T] = {}
    first: PollError | None = None
    for tunnel in tunnels:
        try:
            with translated():
                values[tunnel] = ask(tunnel)
        except PollError as error:
            first = first or error
            if error.cause in _WOULD_REPEAT:
                break
    return Round(values, first)
