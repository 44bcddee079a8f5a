"""The commands as functions: a test, or another program, can call them without a process."""

import argparse
import inspect
import json
from pathlib import Path

import pytest

from aws_vpn_exporter import cli
from aws_vpn_exporter.aws.session import CannotStartError
from aws_vpn_exporter.commands.check_config import check_config
from aws_vpn_exporter.commands.compare import compare
from aws_vpn_exporter.commands.demo import demo
from aws_vpn_exporter.commands.iam_policy import iam_policy
from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.devices import DeviceError

COMMANDS = ["serve", "demo", "diagnose", "compare", "check-config", "iam-policy", "bundle", "maintenance-plan"]
REQUIRED = {"compare": ["--device=swanctl.conf", "--vpn-connection-id=vpn-0"], "bundle": ["--out=folder"]}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_the_parameters_of_its_function(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, object]]] = []
    parse = argparse.ArgumentParser.parse_args

    def with_recorder(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
        options = parse(parser, arguments)
        function = options.command

        def record(**given: object) -> int:
            inspect.signature(function).bind(**given)
            calls.append((function.__name__, given))
            return 7

        options.command = record
        return options

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", with_recorder)
    assert cli.main([name, *REQUIRED.get(name, [])]) == 7
    assert [called for called, _ in calls] == [name.replace("-", "_")]


def test_check_config_prints_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_config(None, None, live=False) == 0
    assert capsys.readouterr().out.startswith("No configuration file: these are the defaults.\n")


def test_check_config_prints_sources_charges_and_standby_tunnels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("traffic: {interval: 1m}\nlogs: {}\npolicies:\n- match: all\n  standby_tunnels: [203.0.113.1]\n")
    assert check_config(file, None, live=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5:] == [
        "Source:   traffic, every 1m",
        "Source:   logs, every 1m",
        "Source:   customer_gateways, every 10m",
        "Charge:   traffic: about $1.73 a month for each connection of two tunnels",
        "Policy 1: all connections: standby tunnels: 203.0.113.1",
    ]


def test_iam_policy_prints_a_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert iam_policy(None) == 0
    statements = json.loads(capsys.readouterr().out)["Statement"]
    assert [statement["Action"] for statement in statements] == [
        ["ec2:DescribeVpnConnections"],
        ["ec2:DescribeCustomerGateways"],
    ]


def test_demo_lists_its_scenarios_and_refuses_others(capsys: pytest.CaptureFixture[str]) -> None:
    web: dict[str, object] = {"web_config_file": None, "listen_addresses": (":0",), "log_level": "info"}
    web |= {"log_format": "logfmt", "enable_lifecycle": False}
    assert demo("tour", list_scenarios=True, **web) == 0  # type: ignore[arg-type]
    assert "connection-down" in capsys.readouterr().out
    with pytest.raises(CannotStartError, match="there is no scenario 'nonsense'"):
        demo("nonsense", list_scenarios=False, **web)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "complaint"), [(None, "cannot be read: No such file"), ("hello", "is not known")])
def test_a_device_file_that_cannot_be_used_is_named(text: str | None, complaint: str, tmp_path: Path) -> None:
    device, config = tmp_path / "swanctl.conf", tmp_path / "config.yaml"
    if text:
        device.write_text(text)
    config.write_text("policies: [{match: all, device_file: swanctl.conf}]\n")
    with pytest.raises(DeviceError, match=f"swanctl.conf: .*{complaint}"):
        compare(None, device, "vpn-0")
    with pytest.raises(ConfigError, match=f"swanctl.conf: .*{complaint}"):
        check_config(config, None, live=False)
