"""Asking AWS about one tunnel at a time: what is known, and what went wrong first."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from aws_vpn_exporter.aws.errors import translated
from aws_vpn_exporter.evidence import TunnelId
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


@dataclass(frozen=True, slots=True)
class Partial(Generic[T]):
    """What a round of calls brought. `error` is the first failure; the tunnels it concerns are not in `values`."""

    values: Mapping[TunnelId, T]
    error: PollError | None = None


def each(tunnels: Collection[TunnelId], ask: Callable[[TunnelId], T]) -> Partial[T]:
    """Asks about each tunnel. One tunnel's failure costs no other; what would meet every one ends the round."""
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
    return Partial(values, first)
