"""What a fault is: how the lab is built for it, what is done, how one sees that it has taken effect, and the remedy."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.cloud import Cloud
from lab.fleet import CONNECTION, REGION
from lab.laboratory import Lab, Plan
from lab.network import NUMBERS, TUNNELS
from lab.phrases import Record


@dataclass
class Stage:
    """A running lab under its simulated AWS, on which a fault is shown. Tunnel 1 is the one that has it."""

    lab: Lab
    cloud: Cloud
    begun: float = 0.0
    """When the fault was brought about, by the machine's clock."""
    rekeys: int = 0
    """How many rekeys tunnel 1 had had by then."""

    def telemetry(self, number: int = 1) -> tuple[str, str]:
        """A tunnel's status and message, as AWS reports them."""
        described: Any = self.cloud.fleet.describe(REGION)
        one = described["VpnConnections"][0]["VgwTelemetry"][number - 1]
        return str(one["Status"]), str(one["StatusMessage"])

    def modify(self, options: Mapping[str, Any]) -> None:
        """Set options of tunnel 1 at AWS, in the spelling of a request, by the AWS CLI."""
        self.cloud.run(
            f"aws ec2 modify-vpn-tunnel-options {TUNNEL} --tunnel-options {shlex.quote(json.dumps(options))}"
        )

    def replace(self) -> None:
        """Let AWS replace the endpoint of tunnel 1, by the AWS CLI."""
        self.cloud.run(f"aws ec2 replace-vpn-tunnel {TUNNEL}")

    def daemon_said(self, pattern: str) -> bool:
        """Whether AWS's IKE daemon of tunnel 1 has logged something like it since the fault began."""
        return any(re.search(pattern, line) for moment, line in self._lines() if moment >= self.begun)

    def records(self, number: int = 1) -> list[Record]:
        """What AWS has logged of a tunnel since the fault began, in order."""
        found = (record for of, record in self.cloud.fleet.records() if of == number and record.moment >= self.begun)
        return sorted(found, key=lambda record: record.moment)

    def logged(self, text: str) -> bool:
        """Whether AWS has logged it of tunnel 1 since the fault began."""
        return any(text in record.detail for record in self.records())

    def rekeyed(self, times: int = 1) -> bool:
        """Whether tunnel 1 was rekeyed so often since the fault began."""
        return self.lab.associations[1].status.rekeys - self.rekeys >= times

    def _lines(self) -> list[tuple[float, str]]:
        found = []
        with self.lab.charons["aws", 1].log.open(errors="replace") as lines:
            for line in lines:
                stamp, _, said = line.partition(" ")
                if re.fullmatch(r"\d+\.\d{3}", stamp):
                    found.append((float(stamp), said))
        return found


TUNNEL = f"--vpn-connection-id {CONNECTION} --vpn-tunnel-outside-ip-address {TUNNELS[1].outside}"
"""How the AWS CLI is told of tunnel 1."""

Act = Callable[[Stage], None]
Seen = Callable[[Stage], object]


def nothing(stage: Stage) -> None:
    """The plan has the fault in it already."""


def first_down(stage: Stage) -> bool:
    """Tunnel 1 is down at AWS."""
    return not stage.lab.carries(1)


def both_down(stage: Stage) -> bool:
    """Both tunnels are down at AWS."""
    return not any(map(stage.lab.carries, NUMBERS))


def first_up(stage: Stage) -> bool:
    """Tunnel 1 is up at AWS."""
    return stage.lab.carries(1)


@dataclass(frozen=True)
class Remedy:
    """What helps: in words, and done. `survives` rekeys are waited for, in which the tunnel must not fall."""

    words: str
    done: Act
    survives: int = 0


@dataclass(frozen=True)
class Fault:
    """One fault.

    `act` is done once `before` holds, and has taken effect when `seen` holds. `causes` are the verdicts that may be
    called likely; none where the tunnel is up and nothing should be said.
    """

    name: str
    words: str
    seen: Seen
    causes: frozenset[str]
    act: Act = nothing
    plan: Plan = field(default_factory=Plan)
    before: Seen = lambda stage: all(map(stage.lab.carries, NUMBERS))
    remedy: Remedy | None = None


def values(*words: object) -> list[dict[str, object]]:
    """A set as AWS states it."""
    return [{"Value": word} for word in words]


SHORT = {"Phase2LifetimeSeconds": 900, "RekeyMarginTimeSeconds": 60}
"""The shortest lifetime that AWS allows: 15 s here."""

START = {"IkeVersions": values("ikev2"), "StartupAction": "start"}
"""AWS initiates."""


def both(changes: Mapping[str, Any]) -> Mapping[int, Mapping[str, Any]]:
    """The same for both tunnels."""
    return dict.fromkeys(NUMBERS, changes)
