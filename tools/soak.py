"""The long run: what stays in memory after many polls with churn. Rewrites docs/RELIABILITY.md.

`python -m tools.soak [--polls 5000]`; with another number it writes nothing.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chaos import answer
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import REPOSITORY
from tools.generated import write_figures

POLLS = 5_000
CONNECTIONS = 30
REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1", "ap-northeast-1", "sa-east-1")
SAMPLES = 10


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=POLLS, help="default: %(default)s")
    polls = parser.parse_args().polls
    with tempfile.TemporaryDirectory() as folder:
        resident = _resident(polls, Path(folder))
    table = (
        f"{polls} polls of {len(REGIONS)} regions; in each answer connections have come, gone and changed, "
        f"{CONNECTIONS} at a time. A scrape a second.\n\n| polls | resident |\n|---|---|\n"
        + "".join(f"| {number} | {mib:.1f} MiB |\n" for number, mib in resident)
    )
    print(table)
    if polls == POLLS:
        write_figures(REPOSITORY / "docs" / "RELIABILITY.md", "soak", table)
    return 0


def _resident(polls: int, folder: Path) -> list[tuple[int, float]]:
    """After how many polls how many MiB were resident."""
    chance = random.Random(12)
    asked = [0]

    def describe(region: str) -> Mapping[str, object]:
        asked[0] += 1
        chosen = chance.sample(range(10_000), CONNECTIONS)
        return answer({(f"vpn-{n:08x}", f"203.0.113.{i}"): chance.random() < 0.8 for n in chosen for i in (1, 2)})

    config = folder / "config.yaml"
    config.write_text(f"regions: [{', '.join(REGIONS)}]\npoll_interval: 1s\nstale_after: 10s\n")
    seen: list[tuple[int, float]] = []
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(describe))
        command = ("serve", f"--config.file={config}")
        exporter = stack.enter_context(ExporterProcess(command, with_credentials(aws.url), folder / "log"))
        exporter.until_ready()
        while asked[0] < polls:
            exporter.metrics()
            time.sleep(1)
            if asked[0] >= (len(seen) + 1) * polls / SAMPLES:
                pages = int(Path(f"/proc/{exporter.process.pid}/statm").read_text().split()[1])
                seen.append((asked[0], pages * 4096 / 2**20))
    return seen


if __name__ == "__main__":
    sys.exit(main())
