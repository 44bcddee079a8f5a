"""Asking AWS about one tunnel at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
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


_DENIED = frozenset({FailureCause.DENIED, FailureCause.REFUSED_BY_POLICY})


class PerTunnel:
    """Asks about each tunnel of a target, and remembers whether all of them were denied."""

    def __init__(self) -> None:
        self._denied = 0
        """How many polls in a row were denied for every tunnel that they asked about."""

    def ask(self, tunnels: Sequence[TunnelId], ask: Callable[[TunnelId], T]) -> SourceAnswer[T]:
        """Asks about each tunnel; the answer's partial error is the first failure.

        After one tunnel's failure the others are still asked about, unless all of them would fail the same way. After
        a poll that was denied for all, the next begins with another tunnel, and ends there where that is denied too:
        a denied source makes fewer calls than one that answers. Raises PollError where there is no answer at all.
        """
        values: dict[TunnelId, T] = {}
        first: PollError | None = None
        begin = self._denied % len(tunnels) if tunnels else 0
        for tunnel in (*tunnels[begin:], *tunnels[:begin]):
            try:
                with poll_errors():
                    values[tunnel] = ask(tunnel)
            except PollError as error:
                first = first or error
                if error.cause in _WOULD_REPEAT or (self._denied and not values and error.cause in _DENIED):
                    break
        all_denied = first is not None and not values and first.cause in _DENIED
        self._denied = self._denied + 1 if all_denied else 0
        if first and not values:
            raise first
        return SourceAnswer(values, first)


def members(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The members of an answer's structure; none where AWS leaves it out.

    Raises MalformedAnswerError for what is no answer of AWS: botocore makes an empty one of any other XML.
    """
    if not answer.keys() - {"ResponseMetadata"} and not answer.get("ResponseMetadata", {}).get("RequestId"):
        raise MalformedAnswerError(f"not an answer with {name}")
    return answer.get(name) or {}
