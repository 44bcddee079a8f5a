"""A changed configuration file is read without a signal and without a request; readiness without AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, run, with_credentials


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedAws]:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws:
        yield aws


def exchange(folder: Path, number: int, text: str) -> None:
    """As the kubelet does with a mounted ConfigMap: a new folder, and one link that leads to it from then on."""
    (folder / f"data{number}").mkdir()
    (folder / f"data{number}" / "config.yaml").write_text(text)
    (folder / "new").symlink_to(f"data{number}")
    (folder / "new").rename(folder / "data")


def test_a_changed_file_is_read_and_a_bad_one_refused(simulated: SimulatedAws, tmp_path: Path) -> None:
    exchange(tmp_path, 1, "regions: [eu-west-1]\n")
    file = tmp_path / "config.yaml"
    file.symlink_to("data/config.yaml")
    arguments = ("serve", f"--config.file={file}", "--config.auto-reload-interval=1s")
    with ExporterProcess(arguments, with_credentials(simulated.url), tmp_path / "log") as exporter:
        exporter.until_ready()
        assert 'region="us-east-1"' not in exporter.metrics()
        exchange(tmp_path, 2, "regions: [eu-west-1, us-east-1]\n")
        exporter.until(lambda: 'region="us-east-1"' in exporter.metrics(), "the new file is in force")
        exchange(tmp_path, 3, "regions: nowhere\n")
        refused = "aws_vpn_exporter_config_last_reload_successful 0"
        exporter.until(lambda: refused in exporter.metrics(), "the bad file is refused")
        assert 'region="us-east-1"' in exporter.metrics()
        file.unlink()
        file.symlink_to("data2/config.yaml")
        exporter.until(lambda: refused not in exporter.metrics(), "the good file is in force again")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--config.auto-reload-interval=soon",), "should be a duration such as 30s"),
        (("--config.auto-reload-interval=10ms",), "at least 1s"),
        (("--config.auto-reload-interval=30s",), "there is no file to look at"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], complaint: str) -> None:
    ended = run("serve", *arguments, AWS_REGION="eu-west-1")
    assert ended.returncode != 0
    assert complaint in ended.stderr


def test_it_is_ready_though_aws_does_not_answer(tmp_path: Path) -> None:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as hanging:
        for operation in ("GetCallerIdentity", "DescribeVpnConnections"):
            hanging.fail(operation, "hang")
        with ExporterProcess(("serve",), with_credentials(hanging.url), tmp_path / "log") as exporter:
            exporter.until(lambda: hanging.calls.get(("DescribeVpnConnections", "eu-west-1")), "AWS is asked")
            assert exporter.get("/-/ready").status == 503
            exporter.until_ready()
            assert "timeout" not in exporter.log.read_text(), "the first poll has ended, so that this shows nothing"
            assert "aws_vpn_connection_tunnels_up{" not in exporter.metrics()
