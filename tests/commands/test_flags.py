"""Flags as Prometheus's programs have them: repeated ones, the environment, help, and errors that point somewhere."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from aws_vpn_exporter import cli
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import COMMAND, ExporterProcess, clean_environment, run, with_credentials
from testbed.exposition import values
from testbed.programs import free_port, wait_for

PASSES_A_SOCKET = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What systemd does for a service with a .socket unit."""


def answers(port: int) -> bool:
    with urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=10) as answer:
        return bool(answer.status == 200)


@pytest.mark.parametrize(
    ("arguments", "said", "helpful"),
    [
        ("serve --web.listen-adress=:1", "flag --web.listen-adress; did you mean --web.listen-address?", "serve"),
        ("serve --listen-address :1", "unknown flag --listen-address; did you mean --web.listen-address?", "serve"),
        ("serve --nonsense", "unknown flag --nonsense;", "serve"),
        ("serve extra", "unexpected argument 'extra';", "serve"),
        ("compare --devise=x", "unknown flag --devise; did you mean --device?", "compare"),
        ("--verison", "unknown flag --verison; did you mean --version?", ""),
        ("diagnos", "there is no command 'diagnos'; did you mean diagnose?", ""),
        ("serve --web.telemetry-path=metrics", "should be a path such as /metrics", "serve"),
        ("serve --web.telemetry-path=/-/healthy", "should be a path such as /metrics", "serve"),
    ],
)  # fmt: skip
def test_wrong_use_points_to_the_help_that_helps(
    arguments: str, said: str, helpful: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments.split())
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    command = f"aws-vpn-exporter {helpful}".strip()
    assert error.startswith(f"{command}: ")
    assert error.endswith(f"ee `{command} --help`\n")


@pytest.mark.parametrize("command", cli.parser().commands())
def test_help_names_exit_codes_and_the_environment(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    codes = shown.partition("exit codes:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in codes] == (["0", "1", "2"])
    assert "wrong use" in codes[-1]
    assert "AWS_VPN_EXPORTER_CONFIG_FILE" in shown


def test_flags_come_from_the_environment_and_the_command_line_goes_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("tags: [site]\n")
    monkeypatch.setenv("AWS_VPN_EXPORTER_CONFIG_FILE", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("AWS_VPN_EXPORTER_OUTPUT", "json")
    monkeypatch.setenv("AWS_VPN_EXPORTER_LIVE", "false")
    monkeypatch.setenv("AWS_VPN_EXPORTER_PORT", "tcp://192.0.2.1:10450")  # Kubernetes, for a Service of this name
    assert cli.main(["check-config"]) == 0
    assert json.loads(capsys.readouterr().out)["tags"] == ["site"]
    assert cli.main(["check-config", "--output", "text"]) == 0
    assert "Tags:     site" in capsys.readouterr().out
    for variable, value in (("AWS_VPN_EXPORTER_LIVE", "perhaps"), ("AWS_VPN_EXPORTER_OUTPUT", "xml")):
        monkeypatch.setenv(variable, value)
        with pytest.raises(SystemExit):
            cli.main(["check-config"])
        error = capsys.readouterr().err
        assert variable in error
        assert value in error
        monkeypatch.setenv(variable, "")


def test_several_addresses_and_another_path_are_served(tmp_path: Path) -> None:
    second = free_port()
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws:
        flags = ("serve", f"--web.listen-address=127.0.0.1:{second}", "--web.telemetry-path=/vpn/metrics")
        with ExporterProcess(flags, with_credentials(aws.url), tmp_path / "log") as exporter:
            exporter.until_ready()
            assert exporter.get("/metrics").status == 404
            assert "aws_vpn_tunnel_up" in exporter.get("/vpn/metrics").text
            assert 'href="vpn/metrics"' in exporter.get("/").text
            with urlopen(f"http://127.0.0.1:{second}/vpn/metrics") as answer:
                assert b"aws_vpn_tunnel_up" in answer.read()
            assert f"listens on 127.0.0.1:{second}, 127.0.0.1:{exporter.port}" in exporter.log.read_text()
            assert exporter.stop()[0] == 0


def test_addresses_of_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    log = tmp_path / "serve.log"
    addresses = f"127.0.0.1:{first}, 127.0.0.1:{second}"
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws, log.open("wb") as output:
        environment = clean_environment(**with_credentials(aws.url, AWS_VPN_EXPORTER_WEB_LISTEN_ADDRESS=addresses))
        process = subprocess.Popen([*COMMAND, "serve"], env=environment, stdout=output, stderr=output)
        try:
            wait_for(lambda: answers(first) and answers(second), 60, "it listens", tmp_path)
        finally:
            process.kill()
            process.wait()


def test_it_serves_on_the_socket_that_systemd_passes(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "serve.log"
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws, log.open("wb") as output:
        command = [sys.executable, "-c", PASSES_A_SOCKET, str(port), *COMMAND, "serve", "--web.systemd-socket"]
        environment = clean_environment(**with_credentials(aws.url))
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            wait_for(lambda: answers(port), 60, "it answers", tmp_path)
            assert "listens on the sockets of systemd" in log.read_text()
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_the_demo_works_behind_a_proxy(variable: str, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with ExporterProcess(("demo",), {variable: nobody, "NO_PROXY": "example.com"}, tmp_path / "log") as exporter:
        exporter.until_ready()
        assert values(exporter.metrics(), "aws_vpn_target_up") == [1.0]


def test_without_a_socket_unit_it_says_what_is_missing() -> None:
    refused = run("serve", "--web.systemd-socket", AWS_REGION="eu-west-1", LISTEN_PID="1", LISTEN_FDS="1")
    assert refused.returncode == 1
    assert "systemd has passed no sockets" in refused.stderr


def test_lists_and_policies_are_printed_for_programs_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["demo", "--list-scenarios", "--output=json"]) == 0
    assert "connection-down" in json.loads(capsys.readouterr().out)["scenarios"]
    assert cli.main(["bundle", f"--out={tmp_path}", "--output=json"]) == 0
    assert "alerts/aws-vpn.rules.yaml" in json.loads(capsys.readouterr().out)["files"]
    for flag in ("--output", "--format"):
        assert cli.main(["iam-policy", f"{flag}=terraform"]) == 0
        assert 'resource "aws_iam_policy"' in capsys.readouterr().out
