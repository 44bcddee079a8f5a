"""A web server under attack, and how a decent client fares meanwhile."""

import resource
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import bcrypt

from testbed.attackers import ATTACKS, HOST
from testbed.programs import free_port

PASSWORD = "a decent client's"


@dataclass(frozen=True)
class Outcome:
    """What the decent client saw, and what the attack cost the server: MiB at most, lines of its log a second."""

    latencies: list[float]
    failures: list[str]
    most_resident: float
    log_lines: int
    seconds: float

    @property
    def p99(self) -> float:
        """Seconds; of the answers that came."""
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)] if self.latencies else float("inf")


def besieged(attack: str, folder: Path, page_size: int, requests: int, descriptors: int = 4096) -> Outcome:
    """Runs one of ATTACKS while a decent client sends so many requests. The server may have so many descriptors."""
    web, log, port = folder / "web.yaml", folder / "server.log", free_port()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(12)).decode()
    web.write_text(f"basic_auth_users: {{scraper: '{hashed}'}}\n" if attack == "guessed passwords" else "{}\n")
    with log.open("wb") as output:
        command = (sys.executable, "-m", "testbed.page_server", str(port), str(page_size), str(web))
        server = subprocess.Popen(command, stdout=output, stderr=output, preexec_fn=_limit(descriptors))
    try:
        _until_it_answers(port, server)
        attackers = subprocess.Popen((sys.executable, "-m", "testbed.attackers", attack, str(port)))
        try:
            return _fare(port, server, log, requests)
        finally:
            attackers.kill()
            attackers.wait()
    finally:
        server.kill()
        server.wait()


def _limit(descriptors: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def _until_it_answers(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            _get(port, "/metrics")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not start")


def _fare(port: int, server: "subprocess.Popen[bytes]", log: Path, requests: int) -> Outcome:
    latencies, failures, most, started = [], [], 0.0, time.monotonic()
    for number in range(requests):
        sent = time.monotonic()
        try:
            status = _get(port, "/-/healthy" if number % 2 else "/metrics")
        except (OSError, HTTPException) as error:
            failures.append(repr(error))
        else:
            latencies.append(time.monotonic() - sent)
            failures.extend([str(status)] if status != 200 else [])
        most = max(most, int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096 / 2**20)
        time.sleep(0.1)
    lines = len(log.read_bytes().splitlines())
    return Outcome(latencies, failures, most, lines, time.monotonic() - started)


def _get(port: int, path: str) -> int:
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        authorization = b64encode(f"scraper:{PASSWORD}".encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {authorization}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def attacks() -> list[str]:
    """Their names."""
    return list(ATTACKS)
