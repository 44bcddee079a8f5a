"""How a decent client of the web server fares under each attack, and what that costs: rewrites docs/RELIABILITY.md.

`python -m tools.siege [ATTACK ...]` runs some of them and writes nothing.
"""

import sys
import tempfile
from pathlib import Path

from testbed.programs import REPOSITORY
from testbed.siege import attacks, besieged
from tools.generated import write_figures

PAGE_SIZE = 8_000_000
REQUESTS = 100


def main() -> int:
    """Runs what is named, or all."""
    rows = []
    for attack in sys.argv[1:] or attacks():
        rows.append(_row(attack))
        print(rows[-1], end="", flush=True)
    if not sys.argv[1:]:
        write_figures(REPOSITORY / "docs" / "RELIABILITY.md", "siege", _table(rows))
    return 0


def _table(rows: list[str]) -> str:
    return (
        f"{REQUESTS} requests, every second one for a page of {PAGE_SIZE / 1e6:.0f} MB, while hostile clients do\n"
        "nothing else. Attackers, server and client share the machine.\n\n"
        "| attack | p99 | slowest | failures | resident at most | log lines a second |\n"
        "|---|---|---|---|---|---|\n" + "".join(rows)
    )


def _row(attack: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        seen = besieged(attack, Path(folder), PAGE_SIZE, REQUESTS)
    return (
        f"| {attack} | {seen.p99:.2f} s | {max(seen.latencies, default=0):.2f} s | {len(seen.failures)} "
        f"| {seen.most_resident:.0f} MiB | {seen.log_lines / seen.seconds:.1f} |\n"
    )


if __name__ == "__main__":
    sys.exit(main())
