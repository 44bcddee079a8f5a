"""A simulated AWS that enforces the printed policy: it is enough for what is turned on, and nothing can be spared."""

import fnmatch
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aws_vpn_exporter.cli import main
from aws_vpn_exporter.demo.backend import LogRecord
from aws_vpn_exporter.demo.faults import FaultName, RefusedError, refusal
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import run, with_credentials

CONFIGURATION = (
    "regions: all\ntraffic: {interval: 1s}\nmaintenance: {interval: 1s}\nnegotiated: {interval: 1s}\n"
    "logs: {interval: 1s, log_groups: [/demo/vpn]}\n"
)
SERVICE_OF = {"GetMetricData": "cloudwatch", "FilterLogEvents": "logs"}
OPTIONAL = "ec2:DescribeCustomerGateways"
"""Names the gateways on pages; without it they go without a name."""
ACTIONS = (
    "ec2:DescribeVpnConnections",
    "ec2:DescribeRegions",
    "ec2:GetVpnTunnelReplacementStatus",
    "ec2:GetActiveVpnTunnelStatus",
    "cloudwatch:GetMetricData",
    "logs:FilterLogEvents",
)


@dataclass
class Enforcing:
    """The fleet of the scenario `causes`, as far as a policy's statements allow asking about it."""

    statements: list[Mapping[str, object]]
    fleet: Fleet = field(default_factory=lambda: Fleet(time.time, "causes"))

    def fault(self, operation: str, _region: str) -> FaultName | None:
        """Refuses an operation that no statement names."""
        action = f"{SERVICE_OF.get(operation, 'ec2')}:{operation}"
        return None if operation == "GetCallerIdentity" or any(self._resources(action)) else "denied"

    def describe(self, region: str) -> Mapping[str, object]:
        return self.fleet.describe(region)

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        self._check("ec2:GetVpnTunnelReplacementStatus", region, connection_id)
        return self.fleet.maintenance(region, connection_id, address)

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        self._check("ec2:GetActiveVpnTunnelStatus", region, connection_id)
        return self.fleet.negotiated(region, connection_id, address)

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        return self.fleet.traffic(region, connection_id, address, metric, begin, seconds)

    def log(self, region: str, group: str, begin: float, end: float) -> list[LogRecord] | None:
        name = group.removeprefix(f"arn:aws:logs:{region}:123456789012:log-group:").removesuffix(":*")
        arn = f"arn:aws:logs:{region}:123456789012:log-group:{name}:*"
        self._allow("logs:FilterLogEvents", arn)
        records = self.fleet.log(region, group, begin, end)
        return None if records is None else list(records)

    def _check(self, action: str, region: str, connection_id: str) -> None:
        self._allow(action, f"arn:aws:ec2:{region}:123456789012:vpn-connection/{connection_id}")

    def _allow(self, action: str, arn: str) -> None:
        if not any(fnmatch.fnmatchcase(arn, resource) for resource in self._resources(action)):
            denied = refusal(action.split(":")[0], "denied")
            assert denied is not None
            raise RefusedError(denied)

    def _resources(self, action: str) -> Iterator[str]:
        for statement in self.statements:
            actions, resources = statement["Action"], statement["Resource"]
            assert isinstance(actions, list)
            if action in actions:
                yield from [resources] if isinstance(resources, str) else resources  # type: ignore[misc]


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIGURATION)
    assert main(["iam-policy", f"--config.file={file}"]) == 0
    statements: list[dict[str, object]] = json.loads(capsys.readouterr().out)["Statement"]
    return statements


def checked(statements: list[dict[str, object]], folder: Path) -> tuple[int, str]:
    """The exit code and output of `check-config --live` where AWS enforces the statements."""
    fleet = Enforcing(list(statements))
    with SimulatedAws(fleet, regions=["eu-west-1"], script=fleet.fault) as aws:
        file = f"--config.file={folder / 'config.yaml'}"
        done = run("check-config", "--live", "--timeout=60", file, **with_credentials(aws.url))
    return done.returncode, done.stdout


def test_the_policy_is_enough(printed: list[dict[str, object]], tmp_path: Path) -> None:
    code, output = checked(printed, tmp_path)
    assert code == 0, output
    assert "123456789012/eu-west-1: answers" in output


@pytest.mark.parametrize("action", ACTIONS)
def test_no_action_can_be_spared(action: str, printed: list[dict[str, object]], tmp_path: Path) -> None:
    allowed = [{**one, "Action": [name for name in one["Action"] if name != action]} for one in printed]  # type: ignore[attr-defined]
    assert allowed != printed
    code, output = checked(allowed, tmp_path)
    assert code == 2, output
    assert "denied" in output


def test_every_action_is_one_of_these(printed: list[dict[str, object]]) -> None:
    assert sorted(action for one in printed for action in one["Action"]) == sorted((*ACTIONS, OPTIONAL))  # type: ignore[attr-defined]


def test_another_log_group_or_connection_is_out_of_reach(printed: list[dict[str, object]]) -> None:
    fleet = Enforcing(list(printed))
    with pytest.raises(RefusedError):
        fleet.log("eu-west-1", "/payroll", 0, 1)
    assert all(resource != "*" for resource in fleet._resources("ec2:GetActiveVpnTunnelStatus"))
