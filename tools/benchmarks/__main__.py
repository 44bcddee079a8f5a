"""Runs the benchmarks: each figure of the exporter beside the plain way of doing the same, in the same run.

`python -m tools.benchmarks [NAME ...]` prints; without names all are run and docs/PERFORMANCE.md is rewritten.
"""

import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tools.benchmarks import answers, pages, processes

PAGE = Path(__file__).parent.parent.parent / "docs" / "PERFORMANCE.md"

BENCHMARKS: dict[str, Callable[[], str]] = {
    "sweep": processes.first_sweep,
    "busy": processes.busy_targets,
    "small": processes.one_account,
    "answers": answers.table,
    "pages": pages.table,
}

HEAD = """\
# Performance

<!-- Written by `make benchmark` (tools/benchmarks). -->

Measured {date} on {machine}, Python {python}, against the simulated AWS in a process of its own on the same machine.
Machines differ and are noisy: the ratios hold, the absolute figures do not. "The plain way" is what one writes first, a
boto3 client per target and `generate_latest` per scrape; it is measured in the same run.

"""


def main() -> None:
    """Runs what is named."""
    names = sys.argv[1:] or list(BENCHMARKS)
    sections = []
    for name in names:
        sections.append(BENCHMARKS[name]())
        print(sections[-1], flush=True)
    if not sys.argv[1:]:
        head = HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", machine=_machine(), python=platform.python_version())
        PAGE.write_text(head + "\n".join(sections))


def _machine() -> str:
    listed = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{listed} cores ({platform.machine()}, {platform.system()})"


if __name__ == "__main__":
    main()
