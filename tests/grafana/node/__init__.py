"""The dashboards through Grafana's own libraries, which run in Node: see main.mjs."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grafana.build import HERE as BOARDS
from testbed.dashboards.prometheus import Prometheus
from testbed.programs import MissingProgramError

HERE = Path(__file__).resolve().parent
VERSIONS = ("13", "10")
"""Of the library: 13.2.2 and 10.4.19, as package-lock.json says."""

Looks = Mapping[str, object]
"""By a dashboard's uid, over which `span` it is looked at and what is chosen (`choose`)."""
Shown = dict[str, Any]


def libraries() -> Path:
    """The folder with Grafana's libraries; skips, or in CI fails, where they are not installed."""
    if not shutil.which("node"):
        raise MissingProgramError("Node is not here: Grafana's own libraries run in it (Node 18 or later)")
    # As install.sh has it.
    key = hashlib.sha256((HERE / "package-lock.json").read_bytes() + (HERE / "bundle.mjs").read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aws-vpn-exporter" / f"grafana-libraries-{key.hexdigest()[:12]}"
    if not folder.is_dir():
        raise MissingProgramError("Grafana's libraries are not here: run `make grafana-libraries`")
    return folder


def recording_of(api: Prometheus, looks: Looks) -> str:
    """A recording of all that the dashboards ask, looked at as told."""
    return _run("record", json.dumps(looks), api.url, *map(str, board_files()), timeout=600)


def shown_of(
    source: Path | Prometheus, boards: Sequence[Path], looks: Looks | None = None, version: str = VERSIONS[0]
) -> list[Shown]:
    """What dashboards show of recorded answers or of a Prometheus, as shown.mjs describes it, and as `text`."""
    where = source.url if isinstance(source, Prometheus) else str(source)
    told = _run("show", json.dumps(looks or {}), where, *map(str, boards), version=version)
    return list(json.loads(told))


def board_files() -> list[Path]:
    """The committed dashboards."""
    return sorted(BOARDS.glob("aws-vpn-*.json"))


def _run(*arguments: str, version: str = VERSIONS[0], timeout: float = 280) -> str:
    environment = {
        **os.environ,
        "GRAFANA_LIBRARIES": str(libraries()),
        "GRAFANA": version,
        "TZ": "UTC",
    }
    done = subprocess.run(
        ["node", str(HERE / "main.mjs"), *arguments], env=environment, capture_output=True, text=True, timeout=timeout
    )
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    return done.stdout
