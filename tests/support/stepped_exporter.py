"""An exporter without threads, for tests that step through time."""

from collections.abc import Collection
from dataclasses import dataclass

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.metrics.page import PLAIN, MetricsPage
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.poller import Pause, Poller, Schedule
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.target import Account, Discovered, Target

TARGET = Target("123456789012", "eu-west-1")


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class SteppedExporter:
    """Polls over the wire, one step of the clock at a time."""

    def __init__(self, aws: Aws, settings: Settings | None = None, targets: Collection[Target] = (TARGET,)) -> None:
        self.clock = Clock()
        schedule: Schedule[tuple[Connection, ...]] = Schedule(
            30, lambda found: Pause(30 if found else 600), lambda _: 300
        )
        self.poller = Poller(lambda target: connections.connections(aws, target), schedule, self.clock, lambda: 0.0)
        self.poller.watch(dict.fromkeys(targets, Discovered()))
        aws.register_accounts([Account(target.account_id) for target in targets], "eu-west-1")
        self._metrics = MetricsPage(settings or Settings())

    def after(self, seconds: float) -> str:
        """The page after so many seconds, with all polls that were due by then."""
        self.quietly_after(seconds)
        return self.page()

    def quietly_after(self, seconds: float) -> None:
        """The same, without reading the page."""
        self.clock.now += seconds
        for target, _ in self.poller.take_due():
            self.poller.poll(target)

    def page(self, content_type: str = PLAIN) -> str:
        """The page now."""
        statuses = [TargetStatus(poll) for poll in self.poller.statuses()]
        return self._metrics.text(statuses, [], content_type, self.clock.now).decode()
