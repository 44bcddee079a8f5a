"""A chaos run: an exporter, a simulated AWS of many accounts that fails in every way, and a checker of the truth.

The checker keeps what was true at each moment and holds every page against it. It knows nothing of the exporter but its
metrics and the configuration that it runs with.
"""

import contextlib
import random
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.simulated_organization import FaultName, Organization, SimulatedOrganization, account_ids

POLL_INTERVAL = 1.0
STALE_AFTER = 10.0
SLACK = 10.0
"""Seconds that a page may be behind on a busy machine."""

FAULTS: tuple[FaultName, ...] = ("denied", "throttled", "expired", "invalid", "hang", "drip", "cut", "reset", "html")
OPERATIONS = ("DescribeVpnConnections", "AssumeRole", "ListAccounts", "GetCallerIdentity")
CANARY = "not-a-real-key.but-it-must-not-leak"

Key = tuple[str, str]
"""Account and region."""
States = Mapping[tuple[str, str], bool]
"""By connection and outside address, whether the tunnel is up."""


@dataclass
class Truth:
    """What each account and region held, since when; moments are of the monotonic clock."""

    random: random.Random
    history: dict[Key, deque[tuple[float, States]]] = field(default_factory=dict)

    def describe(self, account: str, region: str) -> Mapping[str, object]:
        """The answer that AWS gives now."""
        return answer(self.now((account, region)))

    def now(self, key: Key) -> States:
        """The states that hold now."""
        held = self.history.get(key)
        return held[-1][1] if held else {}

    def change(self, key: Key) -> None:
        """Creates, deletes or changes a connection."""
        states = dict(self.now(key))
        connection = f"vpn-{self.random.randrange(4):08x}"
        tunnels = [(connection, f"203.0.113.{number}") for number in (1, 2)]
        if self.random.random() < 0.2:
            for tunnel in tunnels:
                states.pop(tunnel, None)
        else:
            states |= {tunnel: self.random.random() < 0.7 for tunnel in tunnels}
        self.history.setdefault(key, deque([(0.0, {})])).append((time.monotonic(), states))

    def between(self, key: Key, begin: float, end: float) -> list[States]:
        """All states that held at some moment between the two."""
        held = list(self.history.get(key, [(0.0, {})]))
        ends = [since for since, _ in held[1:]] + [end]
        return [states for (since, states), until in zip(held, ends, strict=True) if until >= begin and since <= end]


def answer(states: States) -> Mapping[str, object]:
    """The states as DescribeVpnConnections gives them."""
    by_connection: dict[str, list[Mapping[str, object]]] = {}
    for (connection, address), up in states.items():
        report = {"OutsideIpAddress": address, "Status": "UP" if up else "DOWN", "StatusMessage": ""}
        by_connection.setdefault(connection, []).append(report)
    return {
        "VpnConnections": [
            {
                "VpnConnectionId": name,
                "State": "available",
                "VgwTelemetry": reports,
                "CustomerGatewayConfiguration": CANARY,
            }
            for name, reports in sorted(by_connection.items())
        ]
    }


def violations(page: str, truth: Truth, keys: set[Key], now: float) -> Iterator[str]:
    """What the page says that was not so, or leaves out though it claims to know."""
    up: dict[Key, bool] = {}
    shown: dict[Key, dict[tuple[str, str], bool]] = {key: {} for key in keys}
    for family in text_string_to_metric_families(page):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            key = (sample.labels.get("account_id", ""), sample.labels.get("region", ""))
            if sample.name == "aws_vpn_target_up":
                up[key] = sample.value == 1.0
            if sample.name == "aws_vpn_tunnel_up":
                tunnel = (sample.labels["vpn_connection_id"], sample.labels["tunnel_ip"])
                shown.setdefault(key, {})[tunnel] = sample.value == 1.0
    for key in keys:
        oldest = now - STALE_AFTER - SLACK
        # A failing target may show nothing; one that is up shows all that there is.
        if (up.get(key) or shown[key]) and shown[key] not in truth.between(key, oldest, now):
            state = "is up" if up.get(key) else "fails"
            yield f"{key} {state} and shows {shown[key]}, which was never so in the last {now - oldest:.0f} s"
    for key in set(shown) - keys:
        yield f"{key} is nobody's account and region"
    if CANARY in page:
        yield "a secret is on the page"


@dataclass
class Result:
    """What a run found."""

    polls: int = 0
    pages: int = 0
    violations: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0
    seconds_to_recover: float = 0.0


class ChaosRun:
    """One run; everything that happens follows from the seed and the machine's speed."""

    def __init__(self, seed: int, accounts: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.truth = Truth(self.random)
        self.regions = ("eu-west-1", "us-east-1")
        ids = account_ids(accounts)
        self.organization = Organization(
            {account: f"team {account}" for account in ids}, self.regions, self.truth.describe, session_seconds=90.0
        )
        self.keys = {(account, region) for account in ids for region in self.regions}
        self.folder = folder
        self.result = Result()
        self._config = folder / "config.yaml"

    def run(self, polls: int, seconds: float) -> Result:
        """Goes on until so many polls have been made, or so many seconds have passed."""
        for key in sorted(self.keys):
            self.truth.change(key)
        self._configure(good=True)
        with SimulatedOrganization(self.organization) as aws:
            environment = with_credentials(aws.url, AWS_REGION=self.regions[0])
            arguments = ("serve", f"--config.file={self._config}", "--log.level=debug")
            with ExporterProcess(arguments, environment, self.folder / "log") as exporter:
                exporter.until_ready()
                end = time.monotonic() + seconds
                while self._polls() < polls and time.monotonic() < end:
                    self._happen(exporter)
                    self._check(exporter)
                self._heal(exporter)
        log = (self.folder / "log").read_text(errors="replace")
        self.result.tracebacks = log.count("Traceback")
        if CANARY in log or "not-a-real-token" in log:
            self.result.violations.append("a secret is in the log")
        self.result.polls = self._polls()
        return self.result

    def _polls(self) -> int:
        return sum(n for (operation, _), n in self.organization.calls.items() if operation == "DescribeVpnConnections")

    def _happen(self, exporter: ExporterProcess) -> None:
        events: Mapping[str, tuple[float, Callable[[], None]]] = {
            "change": (0.5, lambda: self.truth.change(self.random.choice(sorted(self.keys)))),
            "fault": (0.25, self._fault),
            "end of a fault": (0.12, self._end_fault),
            "good reload": (0.02, lambda: self._reload(exporter, good=True)),
            "bad reload": (0.02, lambda: self._reload(exporter, good=False)),
            "stopped for a while": (0.01, lambda: self._stop_for_a_while(exporter)),
            "killed and restarted": (0.01, lambda: self._restart(exporter)),
        }
        for name, (probability, happen) in events.items():
            if self.random.random() < probability:
                happen()
                self.result.events[name] += 1

    def _fault(self) -> None:
        operation = self.random.choices(OPERATIONS, (10, 5, 1, 1))[0]
        account = self.random.choice(sorted(self.organization.accounts))
        about = account if operation in ("DescribeVpnConnections", "AssumeRole") else "999999999999"
        fault = self.random.choice(FAULTS)
        self.organization.faults[operation, about] = fault
        self.result.events[f"{operation}: {fault}"] += 1

    def _end_fault(self) -> None:
        if self.organization.faults:
            del self.organization.faults[self.random.choice(sorted(self.organization.faults))]

    def _configure(self, good: bool) -> None:
        text = (
            f"organization: {{role_name: vpn-exporter}}\nregions: [{', '.join(self.regions)}]\n"
            f"poll_interval: {POLL_INTERVAL:.0f}s\ndiscovery_interval: {POLL_INTERVAL:.0f}s\n"
            f"stale_after: {STALE_AFTER:.0f}s\n"
        )
        self._config.write_text(text if good else text + "regoins: all\n")

    def _reload(self, exporter: ExporterProcess, good: bool) -> None:
        self._configure(good)
        exporter.process.send_signal(signal.SIGHUP)

    def _stop_for_a_while(self, exporter: ExporterProcess) -> None:
        exporter.process.send_signal(signal.SIGSTOP)
        end = time.monotonic() + self.random.uniform(1, STALE_AFTER + 5)
        while time.monotonic() < end:
            self.truth.change(self.random.choice(sorted(self.keys)))
            time.sleep(0.5)
        exporter.process.send_signal(signal.SIGCONT)

    def _restart(self, exporter: ExporterProcess) -> None:
        self._configure(good=True)
        exporter.restart()

    def _check(self, exporter: ExporterProcess) -> None:
        asked = time.monotonic()
        with contextlib.suppress(OSError):
            page = exporter.get("/metrics", accept="application/openmetrics-text; version=1.0.0").text
            self.result.pages += 1
            self.result.violations += violations(page, self.truth, self._expected(page), asked)

    def _expected(self, page: str) -> set[Key]:
        """All targets; while the accounts are not known yet, right after a restart, those that are."""
        return {key for key in self.keys if f'account_id="{key[0]}",region="{key[1]}"' in page}

    def _heal(self, exporter: ExporterProcess) -> None:
        self.organization.faults.clear()
        self._reload(exporter, good=True)
        healed = time.monotonic()
        exporter.until(lambda: self._all_is_well(exporter), "all targets are up and show the truth", 180)
        self.result.seconds_to_recover = time.monotonic() - healed

    def _all_is_well(self, exporter: ExporterProcess) -> bool:
        page = exporter.get("/metrics", accept="application/openmetrics-text; version=1.0.0").text
        values = [line for line in page.splitlines() if line.startswith("aws_vpn_target_up{")]
        up = len(values) == len(self.keys) and all(line.endswith(" 1.0") for line in values)
        shown = {line.split(" ")[0] for line in page.splitlines() if line.startswith("aws_vpn_tunnel_up{")}
        return up and len(shown) == sum(len(self.truth.now(key)) for key in self.keys)
