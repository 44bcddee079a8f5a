"""A chaos run by hand: `python -m tools.chaos [--seeds 5] [--polls 10000] [--accounts 40]`. Exits 1 on a violation."""

import argparse
import sys
import tempfile
from pathlib import Path

from testbed.chaos import ChaosRun

LONGEST = 1200.0
"""Seconds for one seed."""


def main() -> int:
    """Runs the seeds one after the other and prints a line for each."""
    parser = argparse.ArgumentParser(description="Chaos runs of the exporter against a failing AWS.")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0 on; default: %(default)s")
    parser.add_argument("--polls", type=int, default=10_000, help="polls for each seed; default: %(default)s")
    parser.add_argument("--accounts", type=int, default=40, help="default: %(default)s")
    options = parser.parse_args()
    bad = 0
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            result = ChaosRun(seed, options.accounts, Path(folder)).run(options.polls, LONGEST)
        bad += len(result.violations) + result.tracebacks
        print(
            f"seed {seed}: {result.polls} polls, {result.pages} pages, {sum(result.events.values())} events, "
            f"{len(result.violations)} violations, {result.tracebacks} tracebacks, "
            f"all well {result.seconds_to_recover:.0f} s after the last fault",
            flush=True,
        )
        for violation in result.violations[:10]:
            print(f"  {violation}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
