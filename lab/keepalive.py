"""Pings through each tunnel by the real blackbox exporter, at the site, with the module that is shipped."""

import sys
from pathlib import Path

from lab import inside, prober
from lab.namespaces import Namespaces
from lab.network import VPC_HOSTS
from testbed.programs import REPOSITORY, find

EXPORTER = "prometheus-blackbox-exporter"
MODULES = REPOSITORY / "alerts" / "keepalive" / "blackbox.yml"
_LOG = inside.ROOM / "probes.log"


class Keepalive:
    """Pings a host behind each tunnel about once a second, from the moment that it is made until it ends.

    Raises MissingProgramError.
    """

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        exporter = [str(find(EXPORTER)), f"--config.file={MODULES}", f"--web.listen-address={prober.ADDRESS}"]
        program = [sys.executable, str(Path(prober.__file__)), *VPC_HOSTS]
        self._programs = [
            namespaces.start("lan", exporter, inside.ROOM / "blackbox.log"),
            namespaces.start("lan", program, _LOG),
        ]

    def end(self) -> None:
        """Send no more pings."""
        for program in reversed(self._programs):
            self._namespaces.end(program, 15)

    def answered(self) -> dict[str, int]:
        """How many pings each host has answered so far, as the blackbox exporter saw it."""
        lines = self._namespaces.outside(_LOG).read_text().split("\n")
        return {host: sum(line == f"{host} 1" for line in lines) for host in VPC_HOSTS}
