"""The keepalive: what is shipped fits together, and real programs ping with it and notice a path that dies."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from testbed.chain import JOB, Chain, hurry, seconds, shipped_rules
from testbed.exporter_process import ExporterProcess
from testbed.programs import REPOSITORY, find, free_port, program, wait_for
from tests.helm.chart import manifests, one
from tests.support.real_programs import missing

KEEPALIVE = REPOSITORY / "alerts" / "keepalive"
MODULES = KEEPALIVE / "blackbox.yml"
SCRAPE = KEEPALIVE / "scrape.yaml"
PAGE = REPOSITORY / "docs" / "KEEPALIVE.md"
EXPORTER = "prometheus-blackbox-exporter"
IDLE_AFTER = 10.0
"""Seconds after which a tunnel without traffic may drop, says AWS."""
HOSTS = ("127.0.0.1", "127.0.0.2")
SPEED = 60


def job() -> dict[str, Any]:
    [only] = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    return dict(only)


def rule() -> dict[str, Any]:
    """What AwsVpnPathDead goes by."""
    rules = [rule for group in shipped_rules()["groups"] for rule in group["rules"]]
    return next(rule for rule in rules if rule.get("record") == "vpn_connection:aws_vpn_connection:path_dead")


def checked(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_pings_come_before_a_tunnel_is_idle_and_end_before_the_next_one() -> None:
    [module] = job()["params"]["module"]
    allowed = seconds(yaml.safe_load(MODULES.read_text())["modules"][module]["timeout"])
    # The exporter takes half a second off the time that Prometheus gives it.
    assert allowed <= seconds(job()["scrape_timeout"]) - 0.5
    assert seconds(job()["scrape_timeout"]) < seconds(job()["scrape_interval"]) < IDLE_AFTER


def test_the_alert_knows_the_job_and_its_labels() -> None:
    assert f'probe_success{{job="{job()["job_name"]}"}}' in rule()["expr"]
    joined = re.findall(r"and on \(([^)]*)\)", rule()["expr"])
    assert [set(labels.split(", ")) for labels in joined] == [set(job()["static_configs"][0]["labels"])]


def test_the_page_names_what_is_shipped() -> None:
    text = PAGE.read_text()
    assert job()["job_name"] in text
    assert all(label in text for label in job()["static_configs"][0]["labels"])


def test_the_blackbox_exporter_accepts_the_module(tmp_path: Path) -> None:
    exporter = find(EXPORTER)
    done = checked(exporter, "--config.check", f"--config.file={MODULES}")
    assert done.returncode == 0, done.stderr
    spoilt = tmp_path / "spoilt.yml"
    spoilt.write_text(MODULES.read_text().replace("preferred_ip_protocol", "favourite_ip_protocol"))
    assert checked(exporter, "--config.check", f"--config.file={spoilt}").returncode != 0


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_prometheus_accepts_the_job(tmp_path: Path, old: bool) -> None:
    config = tmp_path / "prometheus.yaml"
    config.write_text(SCRAPE.read_text())
    done = checked(find("promtool", old), "check", "config", config)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_file_beside_its_own(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yaml"
    config.write_text(yaml.safe_dump({"scrape_config_files": [str(SCRAPE)]}))
    done = checked(find("promtool"), "check", "config", config)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class FarSide:
    """Hosts that answer pings or stay silent, and a blackbox exporter beside them that pings."""

    exporter: str
    """Where it listens, as host:port."""
    orders: IO[str]
    heard: IO[str]

    def be(self, how: str) -> None:
        """Let all hosts be `silent` or `answering`; it is so when this returns."""
        self.orders.write(f"{how}\n")
        self.orders.flush()
        assert self.heard.readline().strip() == how

    def ping(self, host: str) -> bool:
        """Whether the host answers, as the blackbox exporter sees it."""
        query = urlencode({"module": "icmp", "target": host})
        with urlopen(f"http://{self.exporter}/probe?{query}", timeout=10) as answer:
            said = re.search(r"^probe_success (\d)$", answer.read().decode(), re.MULTILINE)
        assert said
        return said[1] == "1"


def unshared() -> list[str]:
    """A command that gives another one a network of its own; skips where this machine lets nobody have one."""
    command = ["unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--net"]
    try:
        done = checked(*command, "true")
    except FileNotFoundError:
        missing("hosts that fall silent need a network of their own, and there is no unshare")
    if done.returncode:
        missing(f"hosts that fall silent need a network of their own: {done.stderr.strip()}")
    return command


@contextmanager
def far_side(folder: Path) -> Iterator[FarSide]:
    here = [sys.executable, str(Path(__file__).with_name("far_side.py"))]
    exporter = [str(find(EXPORTER)), f"--config.file={MODULES}"]
    with socket.create_server(("127.0.0.1", 0)) as door, (folder / "far-side.log").open("w") as log:
        number = door.fileno()
        process = subprocess.Popen(
            [*unshared(), *here, str(number), *exporter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[number],
            text=True,
        )
        assert process.stdin
        assert process.stdout
        with process, process.stdin:
            made = FarSide(f"127.0.0.1:{door.getsockname()[1]}", process.stdin, process.stdout)
            made.be("answering")
            yield made


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarSide]:
    with far_side(tmp_path) as made:
        yield made


def test_a_ping_is_answered_or_given_up_before_the_next_one(far: FarSide) -> None:
    assert far.ping("127.0.0.1")
    far.be("silent")
    begin = time.monotonic()
    assert not far.ping("127.0.0.1")
    assert time.monotonic() - begin < seconds(job()["scrape_interval"])
    far.be("answering")
    assert far.ping("127.0.0.1")


@pytest.fixture
def well(tmp_path: Path) -> Iterator[ExporterProcess]:
    """An exporter to which AWS says that every tunnel is up, whatever becomes of a path."""
    find("prometheus")
    with ExporterProcess(("demo", "--scenario=all-healthy"), {}, tmp_path / "exporter.log") as made:
        made.until_ready()
        yield made


def first_connection(exporter: ExporterProcess) -> dict[str, str]:
    """The identity of a connection, as the exporter writes it."""
    found = re.search(r"^aws_vpn_connection_tunnels_up\{(.*)\} 2", exporter.metrics(), re.MULTILINE)
    assert found
    return dict(re.findall(r'(\w+)="([^"]*)"', found[1]))


@contextmanager
def prometheus(folder: Path, watched: ExporterProcess, far: FarSide) -> Iterator[Chain]:
    """Prometheus with the shipped job and rules; what a person would only wait for is shortened.

    Hosts and connection are those that are here. How often is pinged, and what the rules look at, is as it is shipped.
    """
    pings = job()
    pings["static_configs"] = [{"targets": list(HOSTS), "labels": first_connection(watched)}]
    pings["relabel_configs"][-1]["replacement"] = far.exporter
    here = [{"targets": [f"127.0.0.1:{watched.port}"]}]
    exporter = {"job_name": JOB, "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": here}
    config = {"rule_files": ["rules.yaml"], "scrape_configs": [exporter, pings]}
    (folder / "rules.yaml").write_text(yaml.safe_dump(hurry(shipped_rules(), SPEED)))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"]
    options.append(f"--web.listen-address={address}")
    with program(folder / "prometheus.log", find("prometheus"), *options):
        yield Chain(f"http://{address}", "")


@pytest.mark.timeout(240)
def test_a_path_that_dies_while_aws_calls_it_up_pages_until_it_answers(
    far: FarSide, well: ExporterProcess, tmp_path: Path
) -> None:
    identity = ",".join(f'{name}="{value}"' for name, value in first_connection(well).items())
    pings = f'probe_success{{job="aws-vpn-keepalive",{identity}}}'
    page = f'ALERTS{{alertname="AwsVpnPathDead",alertstate="firing",severity="critical",job="{JOB}",{identity}}}'
    with prometheus(tmp_path, well, far) as made:

        def until(true: Callable[[], object], what: str) -> None:
            wait_for(true, 100, what, tmp_path)

        until(lambda: len(made.query(f"{pings} == 1")) == len(HOSTS), "every host answers")
        assert {row["metric"]["instance"] for row in made.query(pings)} == set(HOSTS)
        far.be("silent")
        until(lambda: len(made.query(f"{pings} == 0")) == len(HOSTS), "every host is silent")
        assert not made.query(page)
        until(lambda: made.query(page), "the page")
        assert len(made.query('ALERTS{alertstate="firing",severity="critical"}')) == 1
        far.be("answering")
        until(lambda: not made.query(page), "the end of the page")


def test_the_chart_makes_the_same_of_what_the_page_shows() -> None:
    shown = re.search(r"^```yaml\n(keepaliveProbe:.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert shown
    probe = one("Probe", manifests(yaml.safe_load(shown[1])))["spec"]
    shipped = job()
    assert probe["jobName"] == shipped["job_name"]
    assert [probe["module"]] == shipped["params"]["module"]
    assert (probe["interval"], probe["scrapeTimeout"]) == (shipped["scrape_interval"], shipped["scrape_timeout"])
    [group] = shipped["static_configs"]
    assert probe["targets"]["staticConfig"] == {"static": group["targets"], "labels": group["labels"]}
