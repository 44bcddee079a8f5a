"""The command as a process: exit codes, one clear line for what can never work, signals, reloads."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import COMMAND, ExporterProcess, clean_environment, run, with_credentials
from testbed.exposition import values
from testbed.programs import free_port


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedAws]:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        yield running


def one_line(said: str) -> str:
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    return said


def test_no_credentials_is_one_line_and_a_failure() -> None:
    ended = run("serve", f"--web.listen-address=127.0.0.1:{free_port()}", AWS_REGION="eu-west-1")
    assert ended.returncode == 1
    assert "no AWS credentials found" in one_line(ended.stderr)


def test_no_region_is_one_line_and_a_failure() -> None:
    ended = run("serve", AWS_ACCESS_KEY_ID="demo", AWS_SECRET_ACCESS_KEY="demo")
    assert ended.returncode == 1
    assert "AWS_REGION" in one_line(ended.stderr)


def test_a_missing_profile_is_one_line_and_a_failure() -> None:
    ended = run("serve", AWS_PROFILE="nobody", AWS_REGION="eu-west-1")
    assert ended.returncode == 1
    assert "nobody" in one_line(ended.stderr)


def test_half_a_pair_of_credentials_is_one_line_and_a_failure() -> None:
    port = free_port()
    ended = run("serve", f"--web.listen-address=127.0.0.1:{port}", AWS_ACCESS_KEY_ID="demo", AWS_REGION="eu-west-1")
    assert ended.returncode == 1
    assert "credentials" in one_line(ended.stderr)


def test_a_port_in_use_is_one_line_and_a_failure(simulated: SimulatedAws) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("serve", f"--web.listen-address={address}", **with_credentials(simulated.url))
    assert ended.returncode == 1
    assert f"cannot listen on {address}" in one_line(ended.stderr)


@pytest.mark.parametrize("address", ["10450", "localhost", ":port", "127.0.0.1:99999", "nowhere.invalid:80"])
def test_an_address_that_is_none_is_one_line_and_a_failure(address: str, simulated: SimulatedAws) -> None:
    ended = run("serve", f"--web.listen-address={address}", **with_credentials(simulated.url))
    assert ended.returncode == 1
    assert address in one_line(ended.stderr)


@pytest.mark.parametrize("flag", ["--nonsense", "--log.level=loud", "--config"])
def test_a_bad_flag_is_one_line_and_wrong_use(flag: str) -> None:
    ended = run("serve", flag)
    assert ended.returncode == 2
    assert "--help" in one_line(ended.stderr)


def test_no_command_is_one_line_and_wrong_use() -> None:
    ended = run()
    assert ended.returncode == 2
    assert "COMMAND" in one_line(ended.stderr)


def test_a_bad_configuration_is_one_line_and_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("poll_intervall: 30s\n")
    ended = run("serve", f"--config.file={file}", AWS_REGION="eu-west-1")
    assert ended.returncode == 1
    assert f"{file}:1: poll_intervall: unknown key; did you mean poll_interval?" in one_line(ended.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(number: int, simulated: SimulatedAws, tmp_path: Path) -> None:
    with ExporterProcess(("serve",), with_credentials(simulated.url), tmp_path / "log") as exporter:
        exporter.until_ready()
        code, seconds = exporter.stop(number)
    assert code == 0
    assert seconds < 2


def test_a_signal_ends_it_in_two_seconds_though_aws_and_a_client_hang(tmp_path: Path) -> None:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as hanging:
        hanging.fail("DescribeVpnConnections", "hang")
        with ExporterProcess(("serve",), with_credentials(hanging.url), tmp_path / "log") as exporter:
            exporter.until(lambda: hanging.calls.get(("DescribeVpnConnections", "eu-west-1")), "AWS is asked")
            with socket.create_connection(("127.0.0.1", exporter.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: slow")
                code, seconds = exporter.stop()
    assert code == 0
    assert seconds < 2


def test_it_ends_on_sigterm_as_pid_1(simulated: SimulatedAws, tmp_path: Path) -> None:
    """The kernel gives PID 1 no default handlers, so a container would otherwise wait for SIGKILL."""
    port = free_port()
    inside = [*COMMAND, "serve", f"--web.listen-address=127.0.0.1:{port}"]
    namespace = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a PID namespace")
    log = tmp_path / "log"
    with log.open("wb") as out:
        outer = subprocess.Popen(
            [*namespace, *inside], env=clean_environment(**with_credentials(simulated.url)), stdout=out, stderr=out
        )
    exporter = ExporterProcess((), {}, log, port=port)
    exporter.process = outer
    try:
        exporter.until_ready()
        (child,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        assert outer.wait(2) == 0
    finally:
        outer.kill()


def test_a_reload_takes_a_good_file_and_refuses_a_bad_one(simulated: SimulatedAws, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("regions: [eu-west-1]\npoll_interval: 1s\n")
    command = ("serve", f"--config.file={file}", "--web.enable-lifecycle")
    with ExporterProcess(command, with_credentials(simulated.url), tmp_path / "log") as exporter:
        exporter.until_ready()
        loaded = values(exporter.metrics(), "aws_vpn_exporter_config_last_reload_success_timestamp_seconds")

        file.write_text("regions: [no]\n")
        refused = exporter.get("/-/reload", "POST")
        assert refused.status == 500
        complaint = f"{file}:1: regions[0]: should be a region such as eu-west-1, not 'no'"
        assert complaint in (tmp_path / "log").read_text()
        assert str(file) not in refused.text, "whoever may reload need not be allowed to read the configuration"
        page = exporter.metrics()
        assert values(page, "aws_vpn_exporter_config_last_reload_successful") == [0.0]
        assert values(page, "aws_vpn_exporter_config_last_reload_success_timestamp_seconds") == loaded
        assert len(values(page, "aws_vpn_target_up")) == 1

        file.write_text("regions: [eu-west-1, us-east-1]\ntags: [site]\n")
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(lambda: len(values(exporter.metrics(), "aws_vpn_target_up")) == 2, "the new region is there")
        page = exporter.metrics()
        assert values(page, "aws_vpn_connection_info", tag_site="Saltmere") == [1.0]
        assert values(page, "aws_vpn_exporter_config_last_reload_successful") == [1.0]

        file.write_text("regions: [us-east-1]\n")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda: len(values(exporter.metrics(), "aws_vpn_target_up")) == 1, "the hang-up is heard")
        assert not values(exporter.metrics(), "aws_vpn_connection_info")

        file.write_text("nonsense")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(
            lambda: values(exporter.metrics(), "aws_vpn_exporter_config_last_reload_successful") == [0.0], "it says so"
        )


def test_all_regions_are_the_enabled_ones(simulated: SimulatedAws, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("regions: all\n")
    command = ("serve", f"--config.file={file}")
    with ExporterProcess(command, with_credentials(simulated.url), tmp_path / "log") as exporter:
        exporter.until_ready()
        assert len(values(exporter.metrics(), "aws_vpn_target_up")) == 4


def test_regions_that_cannot_be_listed_are_a_failing_target(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("regions: all\npoll_interval: 1s\n")
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        running.fail("DescribeRegions", "denied")
        command = ("serve", f"--config.file={file}")
        with ExporterProcess(command, with_credentials(running.url), tmp_path / "log") as exporter:
            exporter.until_ready()
            page = exporter.metrics()
            assert values(page, "aws_vpn_target_up", region="all", account_id="123456789012") == [0.0]
            assert values(page, "aws_vpn_target_poll_failures_total", cause="denied")
            running.heal()
            exporter.until(lambda: len(values(exporter.metrics(), "aws_vpn_target_up")) == 4, "regions are listed")


def test_without_sts_the_connections_are_watched_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("poll_interval: 1s\n")
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        running.fail("GetCallerIdentity", "denied")
        command = ("serve", f"--config.file={file}")
        with ExporterProcess(command, with_credentials(running.url), tmp_path / "log") as exporter:
            exporter.until_ready()
            assert values(exporter.metrics(), "aws_vpn_connection_tunnels_up", account_id="unknown")
            running.heal()
            exporter.until(
                lambda: values(exporter.metrics(), "aws_vpn_connection_tunnels_up", account_id="123456789012"),
                "the account is known",
            )
            assert not values(exporter.metrics(), "aws_vpn_target_up", account_id="unknown")


def test_targets_are_there_while_sts_hangs(tmp_path: Path) -> None:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        running.fail("GetCallerIdentity", "hang")
        with ExporterProcess(("serve",), with_credentials(running.url), tmp_path / "log") as exporter:
            exporter.until(
                lambda: values(exporter.metrics(), "aws_vpn_connection_tunnels_up", account_id="unknown"),
                "the connections are watched",
                10,
            )
            assert values(exporter.metrics(), "aws_vpn_target_up", account_id="unknown") == [1.0]


def test_a_custom_endpoint_is_named_in_one_line(simulated: SimulatedAws, tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = {**with_credentials(simulated.url), "AWS_ENDPOINT_URL_EC2": simulated.url}
    with ExporterProcess(("serve", "--log.format=json"), settings, log) as exporter:
        exporter.until_ready()
    named = [line for line in log.read_text().splitlines() if "ec2" in line and simulated.url in line]
    assert len(named) == 1
    assert named[0].startswith("{")


def test_the_demo_shows_connections_with_fewer_than_two_tunnels_up(tmp_path: Path) -> None:
    with ExporterProcess(("demo",), {}, tmp_path / "log") as exporter:
        exporter.until_ready()
        up = values(exporter.metrics(), "aws_vpn_connection_tunnels_up")
    assert {0.0, 1.0, 2.0} <= set(up)
    assert f"http://127.0.0.1:{exporter.port}/metrics" in (tmp_path / "log").read_text()


def test_the_demo_knows_its_scenarios() -> None:
    listed = run("demo", "--list-scenarios")
    assert listed.returncode == 0
    assert "connection-down" in listed.stdout
    refused = run("demo", "--scenario=nonsense")
    assert refused.returncode == 1
    assert "connection-down" in one_line(refused.stderr)


def test_check_config_prints_what_would_be_watched(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "regions: [eu-west-1, us-east-1]\npoll_interval: 1m30s\ntags: [site]\n"
        "policies:\n- match: {tags: {kind: single}}\n  expected_tunnels: 1\n"
        "- match: all\n  customer_gateway: {phase1_lifetime_seconds: 3600}\n"
    )
    checked = run("check-config", f"--config.file={file}")
    assert checked.returncode == 0
    for words in (
        "eu-west-1, us-east-1",
        "1m30s",
        "site",
        "kind=single: tunnels expected: 1",
        "phase1_lifetime_seconds 3600",
    ):
        assert words in checked.stdout
    assert run("check-config").returncode == 0
    refused = run("check-config", f"--config.file={tmp_path / 'missing.yaml'}")
    assert refused.returncode == 1
    assert "cannot be read: No such file" in one_line(refused.stderr)


def test_iam_policy_asks_for_no_more_than_is_turned_on(tmp_path: Path) -> None:
    assert '"ec2:DescribeRegions"' not in run("iam-policy").stdout
    file = tmp_path / "config.yaml"
    file.write_text("regions: all\n")
    assert '"ec2:DescribeRegions"' in run("iam-policy", f"--config.file={file}").stdout
