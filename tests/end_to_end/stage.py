"""A stage for one outage: a simulated account whose tunnels a test switches, and the whole chain behind it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import Chain, Mailbox, Message, chain
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import find, wait_for

SPEED = 100
CONFIG = """
regions: [eu-west-1]
poll_interval: 1s
stale_after: 3s
tags: [site]
"""
ACCOUNT = "123456789012"
LONG_UP = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
OPTIONS = {
    "IkeVersions": [{"Value": "ikev2"}],
    "LogOptions": {"CloudWatchLogOptions": {"LogEnabled": True}},
}


@dataclass
class Line:
    """A connection whose tunnels can be switched."""

    name: str
    site: str
    connection: str
    addresses: tuple[str, str]
    customer_gateway: str = "cgw-0c1f2e3d4b5a69788"
    changed: datetime = LONG_UP
    _up: tuple[bool, bool] = (True, True)

    @property
    def up(self) -> tuple[bool, bool]:
        """Whether each tunnel is up; setting it is the moment of the change."""
        return self._up

    @up.setter
    def up(self, now: tuple[bool, bool]) -> None:
        self._up, self.changed = now, datetime.now(UTC).replace(microsecond=0)

    def described(self) -> dict[str, object]:
        return {
            "VpnConnectionId": self.connection,
            "CustomerGatewayId": self.customer_gateway,
            "TransitGatewayId": "tgw-0f00ba4c0ffee1234",
            "State": "available",
            "Type": "ipsec.1",
            "Options": {
                "StaticRoutesOnly": False,
                "TunnelOptions": [{"OutsideIpAddress": address, **OPTIONS} for address in self.addresses],
            },
            "Tags": [{"Key": "Name", "Value": self.name}, {"Key": "site", "Value": self.site}],
            "VgwTelemetry": [
                _telemetry(address, up, self.changed) for address, up in zip(self.addresses, self.up, strict=True)
            ],
        }


def _telemetry(address: str, up: bool, changed: datetime) -> dict[str, object]:
    return {
        "OutsideIpAddress": address,
        "Status": "UP" if up else "DOWN",
        "StatusMessage": "4 BGP ROUTES" if up else "IPSEC IS DOWN",
        "AcceptedRouteCount": 4 if up else 0,
        "LastStatusChange": LONG_UP if up else changed,
    }


@dataclass
class Stage:
    """What a test switches and sees. `mill` is the connection that has the outage, `harbour` the one beside it."""

    folder: Path
    mill: Line = field(
        default_factory=lambda: Line(
            "north-mill", "Wintergate", "vpn-0a1b2c3d4e5f60718", ("203.0.113.10", "203.0.113.11")
        )
    )
    harbour: Line = field(
        default_factory=lambda: Line(
            "harbour-office",
            "Quillhaven",
            "vpn-0f1e2d3c4b5a69788",
            ("203.0.113.20", "203.0.113.21"),
            "cgw-0f9e8d7c6b5a43210",
        )
    )
    aws: SimulatedAws = field(init=False)
    mailbox: Mailbox = field(default_factory=Mailbox)
    exporters: list[ExporterProcess] = field(default_factory=list)
    chain: Chain = field(init=False)

    def __post_init__(self) -> None:
        self.aws = SimulatedAws(
            lambda region: {"VpnConnections": [self.mill.described(), self.harbour.described()]}, account_id=ACCOUNT
        )

    def until_messages(self, receiver: str, *firing: bool) -> list[Message]:
        """Waits until the receiver has got so many messages; they are exactly these, firing or resolved."""
        wait_for(
            lambda: len(self.mailbox.messages(receiver)) >= len(firing),
            60,
            f"{len(firing)} messages to {receiver}",
            self.folder,
        )
        messages = self.mailbox.messages(receiver)
        assert [message.firing for message in messages] == list(firing), messages
        return messages

    def pages(self) -> list[Message]:
        """The pages about the connection that has the outage. While AWS fails for long, blindness pages as well."""
        return [message for message in self.mailbox.messages("pager") if self.mill.name in message.title]

    def until_pages(self, *firing: bool) -> None:
        """Waits until these are the pages about the connection that has the outage, firing or resolved."""
        wait_for(
            lambda: [page.firing for page in self.pages()] == list(firing),
            60,
            f"pages about {self.mill.name}",
            self.folder,
        )

    def until_muted(self, *alerts: tuple[str, str]) -> None:
        """Waits until Alertmanager holds these alerts back."""
        wait_for(lambda: self.chain.muted() >= set(alerts), 60, f"{alerts} to be muted", self.folder)

    def until(self, expression: str) -> None:
        """Waits until Prometheus has an answer to the query."""
        wait_for(lambda: self.chain.query(expression), 60, expression, self.folder)


@contextmanager
def stage(folder: Path, replicas: int = 1, old: bool = False) -> Iterator[Stage]:
    """All of it, running, with every tunnel up."""
    for program in ("prometheus", "alertmanager"):
        find(program, old)  # before anything starts: a missing one skips the test
    config = folder / "exporter.yaml"
    config.write_text(CONFIG)
    made = Stage(folder)
    with ExitStack() as stack:
        stack.enter_context(made.aws)
        stack.enter_context(made.mailbox)
        for number in range(replicas):
            exporter = ExporterProcess(
                ("serve", f"--config.file={config}"), with_credentials(made.aws.url), folder / f"exporter-{number}.log"
            )
            made.exporters.append(stack.enter_context(exporter))
        for exporter in made.exporters:
            exporter.until_ready()
        targets = [f"127.0.0.1:{exporter.port}" for exporter in made.exporters]
        made.chain = stack.enter_context(chain(folder, targets, made.mailbox.url, speed=SPEED, old=old))
        yield made
