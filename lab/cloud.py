"""AWS over a lab: its API on a local port, and the commands of those who use it."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aws_vpn_exporter.demo.server import SimulatedAws
from lab import exporter_on_lab_time
from lab.changes import LabChanges
from lab.fleet import CONNECTION, REGION, LabFleet
from lab.laboratory import Lab
from lab.namespaces import LabError
from lab.pace import Clock
from testbed.exporter_process import clean_environment, with_credentials

_PATIENCE = 60.0


class Cloud:
    """The simulated AWS, with the lab's connection in it, between `with` and its end.

    Its time runs at the lab's pace, unless the clock given says otherwise. `account_id` is whose account it is.
    """

    def __init__(self, lab: Lab, clock: Clock | None = None, account_id: str = "123456789012") -> None:
        self.clock = clock or Clock(lab.plan.pace)
        self.fleet = LabFleet(lab, self.clock)
        self.changes = LabChanges(lab, self.fleet)
        self._aws = SimulatedAws(self.fleet, changes=self.changes, account_id=account_id)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._running.enter_context(self._aws)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.changes.settle()
        self._running.close()

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment variables that lead a client of AWS here."""
        return with_credentials(self._aws.url, AWS_DEFAULT_REGION=REGION)

    def run(self, command: str, folder: Path | None = None) -> str:
        """Run a command of the AWS CLI as a person would, and wait until AWS has carried it out; what it printed.

        Raises subprocess.CalledProcessError.
        """
        program, *arguments = shlex.split(command)
        assert program == "aws"
        beside = Path(sys.executable).with_name("aws")
        done = subprocess.run(
            [beside, *arguments],
            env=clean_environment(**self.settings),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
        self.changes.settle()
        return done.stdout

    def diagnose(self, config: Path) -> Mapping[str, Any]:
        """What `aws-vpn-exporter diagnose --output json` says of the connection, on AWS's time. Raises LabError."""
        said = self.exporter("diagnose", f"--config.file={config}", "--output=json")
        if not said.stdout:
            raise LabError(f"diagnose said nothing: {said.stderr[-2000:]}")
        [connection] = json.loads(said.stdout)["connections"]
        assert connection["vpn_connection_id"] == CONNECTION
        return dict(connection)

    def exporter(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the exporter, run to its end on AWS's time."""
        return subprocess.run(
            [*exporter_on_lab_time.COMMAND, *arguments],
            env=clean_environment(**self.settings, **exporter_on_lab_time.settings(self.clock)),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
