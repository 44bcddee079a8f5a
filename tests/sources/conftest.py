"""A simulated AWS around an account, and its failures."""

from collections.abc import Callable, Iterator

import pytest

from aws_vpn_exporter.demo.faults import FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.sources.accounts import Account

CAUSES: dict[FaultName, str] = {
    "denied": "denied",
    "throttled": "throttled",
    "expired_token": "credentials",
    "clock_skew": "clock_skew",
    "opt_in_region": "credentials",
    "opt_in_required": "region",
    "server_error": "server_error",
    "server_error_html": "server_error",
    "proxy_html": "server_error",
    "portal_html": "malformed",
    "hang": "timeout",
    "slow": "timeout",
    "reset": "network",
    "short": "malformed",
    "truncated": "malformed",
    "empty": "malformed",
}
"""What each fault is called where the answer is JSON."""


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def simulate(account: Account) -> Iterator[Callable[..., SimulatedAws]]:
    """Starts a simulated AWS around the account, with pages of a size."""
    running: list[SimulatedAws] = []

    def start(page_size: int = 10_000) -> SimulatedAws:
        running.append(SimulatedAws(lambda _: {"VpnConnections": []}, sources=account, page_size=page_size))
        return running[-1].__enter__()

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def aws(simulate: Callable[..., SimulatedAws]) -> SimulatedAws:
    return simulate()
