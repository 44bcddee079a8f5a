"""The image of this checkout, built by `tools/image/build.sh` where that can be done, and run by podman."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aws_vpn_exporter import __version__
from testbed.programs import REPOSITORY
from tests.support.real_programs import missing

NAME = f"localhost/aws-vpn-exporter:{__version__}"
VALUES = {"image": {"registry": "localhost", "repository": "aws-vpn-exporter", "pullPolicy": "Never"}}
"""What makes the chart use it."""

_AS_THE_CHART_DOES = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534")
_AS_THIS_MACHINE_CAN = (
    "--runtime=runc",
    "--network=host",
    "--ulimit=nofile=20000:20000",
    "--ulimit=nproc=4096:4096",
)


@functools.cache
def archive() -> Path:
    """The archive that holds the image. Built anew only when something in it has changed."""
    if os.geteuid() != 0:
        missing("building and running an image without a daemon needs root")
    for program in ("buildah", "podman", "runc", "debootstrap"):
        if not shutil.which(program):
            missing(f"{program}, without which there is no image here, is not installed")
    run = subprocess.run([REPOSITORY / "tools" / "image" / "build.sh"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return Path(run.stdout.split()[-1])


@dataclass(frozen=True)
class Engine:
    """podman with images and containers of its own, which are gone with the folder."""

    folder: Path

    def run(self, *command: str, entrypoint: str = "") -> str:
        """What a command in a container of its own writes. Raises CalledProcessError where it fails."""
        other = [f"--entrypoint={entrypoint}"] if entrypoint else []
        line = self._podman("run", "--rm", *_AS_THE_CHART_DOES, *_AS_THIS_MACHINE_CAN, *other, NAME, *command)
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def running(
        self, command: Sequence[str], environment: Mapping[str, str], mounts: Mapping[Path, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """A container that runs until the block ends. Signals to the process reach the one in the container."""
        given = [f"--env={name}={value}" for name, value in environment.items()]
        given += [f"--volume={source}:{path}:ro" for source, path in mounts.items()]
        line = self._podman("run", "--rm", *_AS_THE_CHART_DOES, *_AS_THIS_MACHINE_CAN, *given, NAME, *command)
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield process
            finally:
                subprocess.run(self._podman("rm", "--all", "--force", "--time=0"), check=True, capture_output=True)

    def inspect(self, template: str) -> str:
        """What the image's own description says."""
        line = self._podman("image", "inspect", "--format", template, NAME)
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    def _podman(self, *arguments: str) -> list[str]:
        storage = ("--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run", "--storage-driver", "overlay")
        return ["podman", *storage, "--cgroup-manager", "cgroupfs", *arguments]


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """podman with the image loaded. Nothing is left in the folder, which would be busy otherwise."""
    made = Engine(folder)
    subprocess.run(made._podman("load", "--quiet", "--input", str(archive())), check=True, capture_output=True)
    try:
        yield made
    finally:
        subprocess.run(made._podman("rmi", "--all", "--force"), check=True, capture_output=True)
        subprocess.run(["umount", f"{folder}/storage/overlay"], check=False, capture_output=True)
