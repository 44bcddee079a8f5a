"""In between two full answers only the connections that are not well are asked for, by their ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from aws_vpn_exporter.aws.connection_polls import FASTER, ConnectionPolls, not_well
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.policy import Policy, Settings
from aws_vpn_exporter.target import Account
from tests.support.stepped_exporter import TARGET, Clock

POLL_INTERVAL = 30.0


@dataclass
class Lines:
    """Connections by id, each with whether its two tunnels are up."""

    up: dict[str, bool] = field(default_factory=lambda: {"vpn-a": True, "vpn-b": True})

    def describe(self, region: str) -> dict[str, object]:
        """Answer DescribeVpnConnections."""
        return {"VpnConnections": [self._one(*line) for line in self.up.items()]}

    def _one(self, connection: str, up: bool) -> dict[str, object]:
        status = "UP" if up else "DOWN"
        return {
            "VpnConnectionId": connection,
            "State": "available",
            "VgwTelemetry": [{"OutsideIpAddress": f"203.0.113.{n}", "Status": status} for n in (1, 2)],
        }


class Polls:
    """Polls of the lines as the clock goes on."""

    def __init__(self, lines: Lines, settings: Settings) -> None:
        self.lines = lines
        self.settings = settings
        self._clock = Clock()
        aws = Aws(tries=1)
        aws.register_accounts([Account(TARGET.account_id)], TARGET.region)
        self._polls = ConnectionPolls(aws, self._clock.monotonic)

    def after(self, seconds: float) -> dict[str, int | None]:
        """The tunnels up of each connection, as a poll after so many seconds knows them."""
        self._clock.now += seconds
        return {one.id: one.tunnels_up for one in self.fetch()}

    def fetch(self) -> tuple[Connection, ...]:
        return self._polls.fetch(TARGET, self.settings, POLL_INTERVAL)


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Polls]:
    lines = Lines()
    with SimulatedAws(lines.describe) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield Polls(lines, Settings())


def test_only_what_is_not_well_is_asked_for_until_a_full_answer_is_due(polls: Polls) -> None:
    polls.lines.up["vpn-a"] = False
    assert polls.after(0) == {"vpn-a": 0, "vpn-b": 2}
    polls.lines.up = {"vpn-a": True, "vpn-b": False}
    assert polls.after(FASTER) == {"vpn-a": 2, "vpn-b": 2}, "vpn-b was well and is not asked for"
    assert polls.after(POLL_INTERVAL - FASTER) == {"vpn-a": 2, "vpn-b": 0}


def test_a_connection_that_is_gone_brings_a_full_answer(polls: Polls) -> None:
    polls.lines.up["vpn-a"] = False
    polls.after(0)
    polls.lines.up = {"vpn-b": True, "vpn-c": True}
    assert polls.after(FASTER) == {"vpn-b": 2, "vpn-c": 2}


def test_where_everything_is_well_every_poll_is_full(polls: Polls) -> None:
    polls.after(0)
    polls.lines.up["vpn-b"] = False
    assert polls.after(FASTER) == {"vpn-a": 2, "vpn-b": 0}


def test_where_most_connections_are_down_every_poll_is_full(polls: Polls) -> None:
    polls.lines.up = {f"vpn-{number:03}": False for number in range(60)}
    polls.after(0)
    polls.lines.up["vpn-new"] = True
    assert polls.after(FASTER)["vpn-new"] == 2


@pytest.mark.parametrize("policy", [Policy(ignore=True), Policy(expected_tunnels=0)], ids=["ignored", "parked"])
def test_nobody_waits_for_a_connection_that_is_not_alarmed(polls: Polls, policy: Policy) -> None:
    polls.lines.up["vpn-a"] = False
    answer = polls.fetch()
    assert not_well(answer, Settings()) == ("vpn-a",)
    assert not_well(answer, Settings(policies=(policy,))) == ()
