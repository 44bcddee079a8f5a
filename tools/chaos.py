"""Chaos runs of the exporter against a failing AWS, several at once: rewrites docs/RELIABILITY.md.

`python -m tools.chaos [--seeds 5] [--polls 10000] [--accounts 40]`; with other values than these it writes nothing.
Exits 1 on a violation.
"""

import argparse
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from testbed.chaos import ChaosRun, Result
from testbed.programs import REPOSITORY
from tools.generated import write_figures

LONGEST = 1200.0
"""Seconds for one seed."""
SEEDS, POLLS, ACCOUNTS = 5, 10_000, 40


def main() -> int:
    """Runs the seeds and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds, from 0 on; default: %(default)s")
    parser.add_argument("--polls", type=int, default=POLLS, help="polls for each seed; default: %(default)s")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="default: %(default)s")
    options = parser.parse_args()
    results = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(_run, seed, options.accounts, options.polls) for seed in range(options.seeds)]
        for seed, run in enumerate(runs):
            results.append(run.result())
            print(_row(seed, results[-1]), *results[-1].violations[:10], sep="\n", flush=True)
    bad = sum(len(result.violations) + result.tracebacks for result in results)
    short = [result for result in results if result.polls < options.polls]
    if (options.seeds, options.polls, options.accounts) == (SEEDS, POLLS, ACCOUNTS) and not bad and not short:
        write_figures(REPOSITORY / "docs" / "RELIABILITY.md", "chaos", _table(results))
    return 1 if bad or short else 0


def _run(seed: int, accounts: int, polls: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        return ChaosRun(seed, accounts, Path(folder)).run(polls, LONGEST)


def _table(results: list[Result]) -> str:
    rows = "\n".join(_row(seed, result) for seed, result in enumerate(results))
    return (
        f"{ACCOUNTS} accounts in two regions, each asked once a second.\n\n"
        "| seed | polls | pages held against the truth | faults, reloads, stops, kills | violations | tracebacks "
        "| all well after the last fault |\n|---|---|---|---|---|---|---|\n" + rows + "\n"
    )


def _row(seed: int, result: Result) -> str:
    return (
        f"| {seed} | {result.polls} | {result.pages} | {sum(result.events.values())} | {len(result.violations)} "
        f"| {result.tracebacks} | {result.seconds_to_recover:.0f} s |"
    )


if __name__ == "__main__":
    sys.exit(main())
