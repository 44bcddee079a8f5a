"""What `diagnose`, `compare` and `check-config --live` share: asking AWS about everything once, and the exit codes."""

import sys
import time
from pathlib import Path

from aws_vpn_exporter import log_format, summary
from aws_vpn_exporter.aws.session import Aws, CannotStartError
from aws_vpn_exporter.exporter import Exporter
from aws_vpn_exporter.summary import ConnectionCard, TargetRow

ALL_WELL = 0
NOT_WELL = 1
NO_ANSWER = 2
"""The exit code where something could not be found out, for lack of an answer say: neither well nor not well."""


def ask_once(config_file: Path | None) -> Exporter:
    """An exporter that has polled every target and source once; shows its progress on a terminal.

    Raises ConfigError or CannotStartError where that can never work.
    """
    log_format.setup("error", "logfmt")
    aws = Aws()
    exporter = Exporter(aws, config_file)
    aws.check_credentials()
    exporter.start()
    terminal = sys.stderr.isatty()
    while not (exporter.ready and exporter.sources_ready):
        if terminal:
            tried, total = exporter.progress
            print(f"\rasked about {tried} of {total} accounts and regions ", end="", file=sys.stderr, flush=True)
        time.sleep(0.1)
    if terminal:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return exporter


def connections_and_targets(
    exporter: Exporter, only: str | None = None
) -> tuple[list[ConnectionCard], list[TargetRow]]:
    """What is known of connections and targets; with an id `only`, that connection and its target.

    Raises CannotStartError where there is no such connection.
    """
    statuses, now = exporter.statuses(), time.time()
    cards, targets = summary.cards(statuses, exporter.settings, now), summary.target_rows(statuses, now)
    if only is None:
        return cards, targets
    cards = [card for card in cards if card.connection.id == only]
    if not cards:
        failing = [row for row in targets if row.tone != "good"]
        why = f"; {failing[0].target} could not be looked at: {failing[0].detail}" if failing else ""
        raise CannotStartError(f"there is no connection {only} in what is watched{why}")
    return cards, [row for row in targets if row.target == cards[0].target]
