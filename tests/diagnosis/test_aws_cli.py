"""The real AWS CLI takes each printed command and sends what is meant, to the simulated AWS."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.diagnosis.cause import CauseKind
from aws_vpn_exporter.diagnosis.causes import causes
from aws_vpn_exporter.diagnosis.commands import commands
from testbed.diagnosis_cases import THIS
from testbed.diagnosis_scenarios import CAUSES

CONNECTION = "vpn-0123456789abcdef0"

PRINTED = sorted(
    {
        line
        for scenario in CAUSES.values()
        for cause in causes(scenario.case)
        for result in [commands(cause, scenario.case, "eu-west-1")]
        for line in (*result.look, *result.change)
    }
)


class Recorder:
    """Takes each call that would change something, and notes it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def modify_tunnel_options(self, region: str, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        return self._noted("modify-vpn-tunnel-options", parameters)

    def replace_tunnel(self, region: str, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        return self._noted("replace-vpn-tunnel", parameters)

    def create_route(self, region: str, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        return self._noted("create-vpn-connection-route", parameters)

    def delete_route(self, region: str, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        return self._noted("delete-vpn-connection-route", parameters)

    def _noted(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        self.calls.append((operation, parameters))
        return {}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    answer = {"VpnConnections": [{"VpnConnectionId": CONNECTION, "State": "available"}]}
    with (
        SimulatedAws(lambda _: answer, changes=recorder) as aws,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_ENDPOINT_URL", aws.url)
        patch.setenv("AWS_PAGER", "")
        yield recorder


def test_commands_of_each_kind_are_printed() -> None:
    operations = {shlex.split(line)[2] for line in PRINTED}
    assert {"describe-vpn-connections", "modify-vpn-tunnel-options", "replace-vpn-tunnel"} <= operations
    assert "create-vpn-connection-route" in operations
    assert CauseKind.UNKNOWN in {cause.kind for scenario in CAUSES.values() for cause in causes(scenario.case)}


@pytest.mark.parametrize("line", PRINTED)
def test_the_aws_cli_takes_the_command(
    line: str, recorder: Recorder, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunnel-options.json").write_text('{"PreSharedKey": "made.up.for.this.test"}')
    recorder.calls.clear()
    program, *arguments = shlex.split(line)
    assert program == "aws"
    assert create_clidriver().main(arguments) == 0
    if arguments[1] == "describe-vpn-connections":
        assert not recorder.calls
        return
    [(operation, parameters)] = recorder.calls
    assert operation == arguments[1]
    assert parameters["VpnConnectionId"] == CONNECTION
    assert parameters.get("VpnTunnelOutsideIpAddress", THIS) == THIS
