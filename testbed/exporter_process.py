"""The exporter as a process of its own, as users run it."""

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed.programs import free_port

COMMAND = (sys.executable, "-m", "aws_vpn_exporter")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=clean_environment(**environment), capture_output=True, text=True, timeout=90
    )


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without AWS settings, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {**kept, **nothing, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1", **more}


def with_credentials(url: str, **more: str) -> dict[str, str]:
    """Settings that lead to the simulated AWS at `url`."""
    return {
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
        **more,
    }


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class ExporterProcess:
    """`aws-vpn-exporter COMMAND` on a port of its own, from the moment that it answers until the block ends."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    scheme: str = "http"
    port: int = field(default_factory=free_port)

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *self.arguments, f"--web.listen-address=127.0.0.1:{self.port}"],
                env=clean_environment(**self.environment),
                stdout=log,
                stderr=log,
            )
        try:
            self.until(self._answers, "it answers", 60)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def restart(self) -> None:
        """Kills it without a chance to clean up, and starts it again."""
        self.__exit__(None, None, None)
        self.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """The answer to one request. Header names are written with underscores."""
        request = urllib.request.Request(
            f"{self.scheme}://127.0.0.1:{self.port}{path}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._trusting()) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.headers, refusal.read())

    def until(self, condition: object, what: str, seconds: float = 60) -> None:
        """Returns once the condition holds; fails after so many seconds."""
        assert callable(condition)
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"the exporter has ended:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n{self.log.read_text()[-4000:]}"
            time.sleep(0.05)

    def until_ready(self) -> None:
        """Returns once it answers and every target has been tried."""
        self.until(lambda: self._answers() and self.get("/-/ready").status == 200, "it is ready")

    def metrics(self) -> str:
        """The text of /metrics."""
        return self.get("/metrics").text

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """The exit code after the signal, and the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(30), time.monotonic() - started

    def _answers(self) -> bool:
        try:
            return bool(self.get("/-/healthy").status)
        except OSError:
            return False

    def _trusting(self) -> ssl.SSLContext | None:
        if self.scheme == "http":
            return None
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
