"""Wall time, CPU and memory of whole exporter processes, read off the operating system's own accounts."""

import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.exporter_process import ExporterProcess, clean_environment, with_credentials
from testbed.exposition import values
from testbed.programs import free_port

LATENCY = 0.08
PLAIN_CLIENTS = 60
"""Targets that the plain way is measured with; it would not fit into memory with all of them."""


@dataclass(frozen=True)
class Usage:
    """CPU seconds so far and resident memory in MiB of a process."""

    cpu: float
    resident: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls((int(fields[11]) + int(fields[12])) / 100, pages * 4096 / 2**20)


@contextmanager
def simulated(accounts: int, regions: int, latency: float, connections: int = 0) -> Iterator[str]:
    """The URL of a simulated AWS in a process of its own."""
    port = free_port()
    numbers = map(str, (port, accounts, regions, latency, connections))
    process = subprocess.Popen([sys.executable, "-m", "testbed.simulated_organization", *numbers])
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1)
            except ConnectionRefusedError:
                time.sleep(0.1)
            except OSError as error:
                if "refused" not in str(error):
                    break
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def exporter(url: str, config: str) -> Iterator[ExporterProcess]:
    """A running exporter with the configuration."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(config)
        with ExporterProcess(
            ("serve", f"--config.file={file}"), with_credentials(url), Path(folder) / "log"
        ) as running:
            yield running


def until_ready(running: ExporterProcess, seconds: float) -> None:
    """Waits, asking rarely, so that the waiting itself costs the exporter little."""
    end = time.monotonic() + seconds
    while running.get("/-/ready").status != 200 and time.monotonic() < end:
        time.sleep(0.25)


def first_sweep() -> str:
    """1,000 accounts in 17 regions, all empty, at 80 ms latency."""
    config = "regions: all\norganization: {role_name: vpn-exporter}\n"
    with simulated(1000, 17, LATENCY) as url, exporter(url, config) as running:
        started = time.monotonic()
        until_ready(running, 180)
        wall, usage = time.monotonic() - started, Usage.of(running.process.pid)
        first = _scrapes(running, 1)
        answered = sum(values(running.metrics(), "aws_vpn_target_up"))
        plain = _plain_clients(url)
    return (
        "## First sweep of 1,000 accounts in 17 regions, 80 ms latency\n\n"
        "| | wall | CPU | resident | the first scrape |\n|---|---|---|---|---|\n"
        f"| {answered:,.0f} targets answered | {wall:.0f} s | {usage.cpu:.0f} s | {usage.resident:.0f} MiB | "
        f"{first:.2f} s |\n"
        f"| the plain way, a session and client for each of {PLAIN_CLIENTS} targets | | {plain.cpu:.1f} s | "
        f"{plain.resident:.0f} MiB | |\n"
        f"| the plain way, scaled to 17,000 | | {plain.cpu / PLAIN_CLIENTS * 17000:,.0f} s | "
        f"{plain.resident / PLAIN_CLIENTS * 17000 / 1024:,.0f} GiB | |\n"
    )


PLAIN = """
import boto3, os, sys
def usage():
    t = os.times()
    return t.user + t.system, int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
before = usage()
clients = []
for _ in range(int(sys.argv[1])):
    clients.append(boto3.Session().client("ec2"))
    clients[-1].describe_vpn_connections()
after = usage()
print(after[0] - before[0], after[1] - before[1])
"""


def _plain_clients(url: str) -> Usage:
    environment = clean_environment(**with_credentials(url, AWS_DEFAULT_REGION="eu-west-1"))
    command = [sys.executable, "-c", PLAIN, str(PLAIN_CLIENTS)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    cpu, resident = map(float, output.split())
    return Usage(cpu, resident)


def busy_targets(seconds: float = 60) -> str:
    """1,000 accounts with 2 connections each, polled every 30 s, scraped every 30 s."""
    config = "regions: [eu-west-1]\norganization: {role_name: vpn-exporter}\n"
    with simulated(1000, 1, LATENCY, connections=2) as url, exporter(url, config) as running:
        until_ready(running, 120)
        running.metrics()
        before, started = Usage.of(running.process.pid), time.monotonic()
        for _ in range(round(seconds / 30)):
            time.sleep(30)
            running.get("/metrics", Accept_Encoding="gzip")
        after, wall = Usage.of(running.process.pid), time.monotonic() - started
        scrape = _scrapes(running, 1)
        many = _scrapes(running, 16)
    return (
        "## At rest: 1,000 targets with 2 connections each, polled and scraped every 30 s\n\n"
        "| CPU | resident | a scrape | each of 16 scrapes at once |\n|---|---|---|---|\n"
        f"| {(after.cpu - before.cpu) / wall:.1%} of a core | {after.resident:.0f} MiB "
        f"| {scrape:.2f} s | {many:.2f} s |\n"
    )


def _scrapes(running: ExporterProcess, at_once: int) -> float:
    with ThreadPoolExecutor(at_once) as pool:
        started = time.monotonic()
        list(pool.map(lambda _: running.get("/metrics", Accept_Encoding="gzip"), range(at_once)))
        return (time.monotonic() - started) / at_once


def one_account() -> str:
    """One account with 20 to 1,000 connections, defaults throughout."""
    return (
        "## One account, polled and scraped every 30 s\n\n"
        "| connections | ready after start | CPU | resident |\n|---|---|---|---|\n"
        + "".join(_account_of(connections) for connections in (20, 100, 1000))
    )


def _account_of(connections: int, seconds: float = 120) -> str:
    with simulated(1, 1, 0.02, connections) as url:
        started = time.monotonic()
        with exporter(url, "regions: [eu-west-1]\n") as running:
            until_ready(running, 20)
            ready = time.monotonic() - started
            running.metrics()
            before, since = Usage.of(running.process.pid), time.monotonic()
            for _ in range(round(seconds / 30)):
                time.sleep(30)
                running.get("/metrics", Accept_Encoding="gzip")
            after, wall = Usage.of(running.process.pid), time.monotonic() - since
    return (
        f"| {connections:,} | {ready:.1f} s | {(after.cpu - before.cpu) / wall:.2%} of a core "
        f"| {after.resident:.0f} MiB |\n"
    )
