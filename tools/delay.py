"""From "AWS says so" to the pager: 200 connections fall at random moments, and alerts/README.md gets the figures.

Everything runs at its shipped pace: the exporter's own intervals, the rules, the Alertmanager example. It takes as long
as that takes, about 20 minutes. `python -m tools.delay --falls N` tries fewer and writes nothing.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from boto3.session import Session

from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import Mailbox, Message, chain
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import REPOSITORY
from tools.generated import write_figures

PAGE = REPOSITORY / "alerts" / "README.md"
FALLS, SEED = 200, 13
APART = 170.0
"""Seconds between two falls in a region: long enough for the first one's page, so that they are no single event."""
PATIENCE = 240.0


@dataclass
class Falls:
    """Connections of many regions, each of which goes down once and is repaired when its page has come."""

    number: int
    seed: int
    moments: dict[str, float] = field(default_factory=dict)
    """When each connection goes down, in Unix seconds."""
    paged: dict[str, float] = field(default_factory=dict)
    """When the page of each came."""
    regions: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Fix the moments from now on."""
        chance = random.Random(self.seed)
        names = Session(region_name="eu-west-1").get_available_regions("ec2")
        for number in range(self.number):
            connection = f"vpn-{number:017x}"
            self.regions[connection] = names[number % len(names)]
            wave = number // len(names)
            self.moments[connection] = time.time() + 60 + wave * APART + chance.uniform(0, APART - 140)

    def describe(self, region: str) -> Mapping[str, object]:
        """Answer DescribeVpnConnections."""
        return {
            "VpnConnections": [self._connection(one) for one, place in self.regions.items() if place == region],
        }

    def _connection(self, connection: str) -> Mapping[str, object]:
        down = self.moments[connection] <= time.time() and connection not in self.paged
        status = {"Status": "UP", "StatusMessage": "2 BGP ROUTES", "AcceptedRouteCount": 2}
        if down:
            status = {"Status": "DOWN", "StatusMessage": "IPSEC IS DOWN", "AcceptedRouteCount": 0}
        return {
            "VpnConnectionId": connection,
            "State": "available",
            "TransitGatewayId": f"tgw-{connection[4:]}",
            "CustomerGatewayId": f"cgw-{connection[4:]}",
            "Options": {"StaticRoutesOnly": False},
            "VgwTelemetry": [
                {"OutsideIpAddress": address, "LastStatusChange": datetime.now(UTC), **status}
                for address in ("203.0.113.1", "203.0.113.2")
            ],
        }

    def note(self, message: Message) -> None:
        """Take a page."""
        if message.receiver == "pager" and message.firing:
            for connection in self.moments:
                if connection in message.title:
                    self.paged.setdefault(connection, time.time())

    @property
    def delays(self) -> list[float]:
        """Seconds from the fall to the page, of each that was paged."""
        return sorted(self.paged[one] - moment for one, moment in self.moments.items() if one in self.paged)


def main() -> int:
    """Measures; the exit code is 1 where a page did not come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--falls", type=int, default=FALLS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    falls = measured(options.falls, options.seed)
    missing = falls.number - len(falls.delays)
    table = _table(falls)
    print(table)
    if missing:
        print(f"{missing} pages did not come")
    elif (options.falls, options.seed) == (FALLS, SEED):
        write_figures(PAGE, "delay", table)
    return 1 if missing else 0


def measured(number: int, seed: int) -> Falls:
    """The falls, each with its page unless that did not come in time."""
    falls = Falls(number, seed)
    falls.begin()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(SimulatedAws(falls.describe))
        mailbox = stack.enter_context(Mailbox(falls.note))
        config = folder / "exporter.yaml"
        config.write_text(f"regions: [{', '.join(sorted(set(falls.regions.values())))}]\n")
        command = ("serve", f"--config.file={config}")
        exporter = stack.enter_context(ExporterProcess(command, with_credentials(aws.url), folder / "exporter.log"))
        exporter.until_ready()
        stack.enter_context(chain(folder, [f"127.0.0.1:{exporter.port}"], mailbox.url, speed=1))
        end = max(falls.moments.values()) + PATIENCE
        while len(falls.paged) < number and time.time() < end:
            time.sleep(1)
    return falls


def _table(falls: Falls) -> str:
    delays = falls.delays
    half, most = statistics.median(delays), delays[int(len(delays) * 0.95)]
    return (
        f"| Falls | Median | 95 of 100 | Slowest |\n| ---: | ---: | ---: | ---: |\n"
        f"| {len(delays)} | {half:.0f} s | {most:.0f} s | {delays[-1]:.0f} s |\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
