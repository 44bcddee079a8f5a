"""When to apply pending maintenance: a tunnel at a time, while another way is up, before AWS does it itself. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aws_vpn_exporter.diagnosis.case import Case, is_up
from aws_vpn_exporter.policy import Window
from aws_vpn_exporter.status import ConnectionStatus

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Work:
    """A tunnel with maintenance pending. `by` is the Unix time from which AWS applies it itself; infinite for never."""

    connection: ConnectionStatus
    case: Case
    by: float

    @property
    def windows(self) -> tuple[Window, ...]:
        """When it may be done: the windows that policies give, or any time where they give none."""
        return self.connection.settings.planned(self.connection.connection) or (Window(0.0, _NEVER),)


@dataclass(frozen=True, slots=True)
class Step:
    """A tunnel's maintenance, and the Unix times between which it is done."""

    work: Work
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in their order, no two at once, and what could not be planned, each with the reason as a sentence."""

    steps: tuple[Step, ...]
    left_out: tuple[tuple[Work, str], ...]


def pending(connections: Iterable[ConnectionStatus]) -> Iterator[Work]:
    """What has maintenance pending, of connections in service that no policy ignores."""
    for one in connections:
        if one.connection.in_service and not one.settings.is_ignored(one.connection):
            for case in one.cases:
                maintenance = case.evidence.maintenance
                if maintenance and maintenance.pending:
                    yield Work(one, case, maintenance.auto_applied_after or _NEVER)


def plan(connections: Sequence[ConnectionStatus], now: float, length: float) -> Plan:
    """A plan from the Unix time `now` on, in steps of `length` seconds; what AWS applies first comes first."""
    steps: list[Step] = []
    left_out: list[tuple[Work, str]] = []
    waiting: list[Work] = []
    for work in sorted(pending(connections), key=lambda work: (work.by, work.case.tunnel.outside_ip)):
        if _another_way(work, connections):
            waiting.append(work)
        else:
            left_out.append((work, "No other way to its site is up, so the site would be cut off."))
    time = now
    while waiting:
        begins = [(begin, work) for work in waiting if (begin := _next_begin(work, time, length)) is not None]
        left_out += [(work, _too_late(work)) for work in waiting if all(work is not one for _, one in begins)]
        if not begins:
            break
        begin, work = min(begins, key=lambda one: (one[0], one[1].by))
        steps.append(Step(work, begin, begin + length))
        time = begin + length
        waiting = [other for _, other in begins if other is not work]
    return Plan(tuple(steps), tuple(left_out))


def _next_begin(work: Work, time: float, length: float) -> float | None:
    """The first moment from `time` on at which a whole step is within a window and over before AWS does it."""
    fitting = (max(window.start, time) for window in work.windows if max(window.start, time) + length <= window.end)
    begin = min(fitting, default=None)
    return begin if begin is not None and begin + length <= work.by else None


def _too_late(work: Work) -> str:
    when = "in its planned windows" if work.connection.settings.planned(work.connection.connection) else "from now on"
    before = ", and before AWS applies it by itself" if work.by < _NEVER else ""
    return f"There is no time for it {when}, one tunnel after the other{before}."


def _another_way(work: Work, connections: Sequence[ConnectionStatus]) -> bool:
    """Whether another tunnel of the connection carries traffic, or one of another connection to the same site."""
    own = work.connection
    site = own.settings.site(own.connection)
    ways = [
        case
        for one in connections
        for case in one.cases
        if one is own or (site and one.connection.in_service and one.settings.site(one.connection) == site)
    ]
    return any(is_up(way.tunnel) and not way.carries_nothing for way in ways if way is not work.case)
