"""How a decent client of the web server fares under each attack, and what the attack costs the server."""

import tempfile
from pathlib import Path

from testbed.siege import attacks, besieged

PAGE = 8_000_000
REQUESTS = 100


def table() -> str:
    """Each attack, one after the other."""
    return (
        "## A decent client under attack\n\n"
        f"{REQUESTS} requests, every second one for a page of {PAGE / 1e6:.0f} MB, while hostile clients\n"
        "(`testbed/attackers.py`) do nothing else; attackers, server and client share the machine.\n\n"
        "| attack | p99 | slowest | failures | resident at most | log lines a second |\n|---|---|---|---|---|---|\n"
        + "".join(_row(attack) for attack in attacks())
    )


def _row(attack: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        seen = besieged(attack, Path(folder), PAGE, REQUESTS)
    return (
        f"| {attack} | {seen.p99:.2f} s | {max(seen.latencies, default=0):.2f} s | {len(seen.failures)} "
        f"| {seen.most_resident:.0f} MiB | {seen.log_lines / seen.seconds:.1f} |\n"
    )
