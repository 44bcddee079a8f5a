"""One event is one page, whatever falls with it; a stray site beside it gets its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import Chain, Mailbox, Message, chain
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import find, wait_for

pytestmark = pytest.mark.timeout(900)

SPEED = 100
CONFIG = """
regions: [eu-west-1, eu-central-1]
poll_interval: 2s
tags: [site]
"""
SINCE = datetime(2026, 3, 8, 2, 14, 5, tzinfo=UTC)


@dataclass
class Fleet:
    """Three hundred branches on one transit gateway in eu-west-1, one site beside them, and one in another region."""

    down: bool = False
    branches: list[str] = field(default_factory=lambda: [f"vpn-{number:017x}" for number in range(300)])
    beside: str = "vpn-0aaaaaaaaaaaaaaaa"
    abroad: str = "vpn-0bbbbbbbbbbbbbbbb"

    def describe(self, region: str) -> dict[str, object]:
        """Answer DescribeVpnConnections."""
        if region != "eu-west-1":
            return {"VpnConnections": [self._connection(self.abroad, "abroad", {"TransitGatewayId": "tgw-0b"})]}
        branches = [
            self._connection(one, f"branch-{number}", {"TransitGatewayId": "tgw-0a"})
            for number, one in enumerate(self.branches)
        ]
        return {"VpnConnections": [*branches, self._connection(self.beside, "beside", {"VpnGatewayId": "vgw-0a"})]}

    def _connection(self, connection: str, name: str, gateway: dict[str, str]) -> dict[str, object]:
        status = {"Status": "DOWN", "StatusMessage": "IPSEC IS DOWN", "AcceptedRouteCount": 0}
        if not self.down:
            status = {"Status": "UP", "StatusMessage": "2 BGP ROUTES", "AcceptedRouteCount": 2}
        return {
            "VpnConnectionId": connection,
            "State": "available",
            "CustomerGatewayId": f"cgw-{connection[4:]}",
            "Options": {"StaticRoutesOnly": False},
            "Tags": [{"Key": "Name", "Value": name}],
            "VgwTelemetry": [
                {"OutsideIpAddress": address, "LastStatusChange": SINCE, **status}
                for address in ("203.0.113.1", "203.0.113.2")
            ],
            **gateway,
        }


@contextmanager
def running(folder: Path, fleet: Fleet, old: bool) -> Iterator[tuple[Mailbox, Chain]]:
    """An exporter, Prometheus and Alertmanager that watch the fleet."""
    for program in ("prometheus", "alertmanager"):
        find(program, old)
    config = folder / "exporter.yaml"
    config.write_text(CONFIG)
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(fleet.describe))
        mailbox = stack.enter_context(Mailbox())
        command = ("serve", f"--config.file={config}")
        exporter = stack.enter_context(ExporterProcess(command, with_credentials(aws.url), folder / "exporter.log"))
        exporter.until_ready()
        made = chain(folder, [f"127.0.0.1:{exporter.port}"], mailbox.url, speed=SPEED, old=old)
        yield mailbox, stack.enter_context(made)


def outages(mailbox: Mailbox) -> list[Message]:
    """The pages about connections. On a machine that is slow enough, blindness for half an hour is a page as well."""
    return [message for message in mailbox.messages("pager") if "DOWN" in message.title]


def until_pages(mailbox: Mailbox, firing: bool, number: int, folder: Path) -> list[Message]:
    """Waits until so many pages have come that are firing, or resolved."""

    def pages() -> list[Message]:
        return [message for message in outages(mailbox) if message.firing is firing]

    wait_for(lambda: len(pages()) >= number, 240, f"{number} pages", folder)
    return pages()


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_three_hundred_connections_are_one_page_and_stray_sites_get_theirs(tmp_path: Path, old: bool) -> None:
    fleet = Fleet()
    with running(tmp_path, fleet, old) as (mailbox, made):
        wait_for(
            lambda: len(made.query("vpn_connection:aws_vpn_connection:last_up_timestamp_seconds")) == 302,
            240,
            "every connection to be known as up",
            tmp_path,
        )
        fleet.down = True
        pages = until_pages(mailbox, True, 3, tmp_path)
        titles = sorted(page.title for page in pages)
        assert titles == [
            "300 VPNs DOWN: tgw-0a",
            f"VPN DOWN: abroad ({fleet.abroad})",
            f"VPN DOWN: beside ({fleet.beside})",
        ]
        event = next(page for page in pages if page.title.startswith("300"))
        assert (
            "300 VPN connections that went down within ten minutes of one another are down. They share tgw-0a."
            in event.text
        )
        assert "Shared: 300 on tgw-0a" in event.text
        assert f"branch-0 ({fleet.branches[0]})" in event.text

        # A single page that was late would come now: so much later it would have been sent.
        made_before = len(outages(mailbox))
        wait_for(
            lambda: made.query('ALERTS{alertname="AwsVpnTunnelWontRecoverAlone",alertstate="firing"}'),
            240,
            "it to last",
            tmp_path,
        )
        assert len(outages(mailbox)) == made_before == 3

        fleet.down = False
        assert len(until_pages(mailbox, False, 3, tmp_path)) == 3
        assert len([page for page in outages(mailbox) if page.firing]) == 3
