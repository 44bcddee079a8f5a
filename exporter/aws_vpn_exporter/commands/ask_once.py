"""What `diagnose`, `compare` and `check-config --live` share: asking AWS about everything once, and the exit codes."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_vpn_exporter import log_format, summary
from aws_vpn_exporter.aws.session import Aws, CannotStartError
from aws_vpn_exporter.exporter import Exporter
from aws_vpn_exporter.status import CUSTOMER_GATEWAYS
from aws_vpn_exporter.summary import ConnectionCard, TargetRow
from aws_vpn_exporter.target import ALL_REGIONS

ALL_WELL = 0
NOT_WELL = 1
NO_ANSWER = 2
"""The exit code where something could not be found out, for lack of an answer say: neither well nor not well."""


TIMEOUT = 120.0
"""Seconds, unless the user says otherwise: an organization of 1,000 accounts and 17 regions takes half of it."""

_TRIES = 3
"""The exporter asks a throttling AWS again at its next poll; who asks only once has to try again at once."""


def ask_once(config_file: Path | None, timeout: float = TIMEOUT, region: str | None = None) -> Exporter:
    """An exporter that has polled every target and source once, or as far as `timeout` seconds allow.

    With a `region`, only that one is polled. Shows its progress on a terminal. Raises ConfigError or CannotStartError
    where that can never work.
    """
    log_format.setup("error", "logfmt")
    aws = Aws(tries=_TRIES)
    exporter = Exporter(aws, config_file, only_region=region)
    aws.check_credentials()
    exporter.start()
    terminal = sys.stderr.isatty()
    end = time.monotonic() + timeout
    while not (exporter.all_tried and exporter.sources_ready) and time.monotonic() < end:
        if terminal:
            tried, total = exporter.progress
            print(f"\rasked about {tried} of {total} accounts and regions ", end="", file=sys.stderr, flush=True)
        time.sleep(0.1)
    if terminal:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return exporter


def refusals(rows: Iterable[TargetRow]) -> Iterator[str]:
    """A line for each account of which a policy of the organization refuses regions, with what to do about it."""
    every = list(rows)
    for account_id in sorted({row.target.account_id for row in every if row.refused}):
        of_account = [row for row in every if row.target.account_id == account_id]
        yield from (row.detail for row in of_account if row.refused and row.target.region == ALL_REGIONS)
        refused = [row.target.region for row in of_account if row.refused and row.target.region != ALL_REGIONS]
        answering = ", ".join(row.target.region for row in of_account if row.tone == "good")
        if refused:
            yield (
                f"{account_id}: a policy of the organization refuses {len(refused)} regions: {', '.join(refused)}."
                + (f" To leave them out, name those that answer: `regions: [{answering}]`." if answering else "")
            )


def unanswered(rows: Iterable[TargetRow]) -> list[TargetRow]:
    """The targets about which nothing could be found out, where something ought to be."""
    return [row for row in rows if row.tone != "good" and not row.refused]


def unseen(rows: Iterable[TargetRow]) -> Iterator[str]:
    """A line for each optional source that did not answer about everything."""
    for row in rows:
        for tone, name, said in row.sources:
            if tone != "good" and not row.refused:
                yield f"{row.target}: {name}: {said if tone == 'bad' else 'no answer in time'}"


def connections_and_targets(
    exporter: Exporter, only: str | None = None, account: str | None = None
) -> tuple[list[ConnectionCard], list[TargetRow]]:
    """What is known of connections and targets; with an id `only`, that connection and its target.

    With an `account`, only its own. Raises CannotStartError where there is no such connection or account.
    """
    statuses, now = exporter.statuses(), time.time()
    if account is not None:
        known = sorted({status.target.account_id for status in statuses})
        statuses = [status for status in statuses if status.target.account_id == account]
        if not statuses:
            raise CannotStartError(f"the account {account} is not watched; watched are {', '.join(known) or 'none'}")
    cards, targets = summary.cards(statuses, exporter.settings, now), summary.target_rows(statuses, now)
    if only is None:
        return cards, targets
    cards = [card for card in cards if card.connection.id == only]
    if not cards:
        failing = [row for row in targets if row.tone != "good"]
        why = f"; {failing[0].target} could not be looked at: {failing[0].detail}" if failing else ""
        looked = ", ".join(str(row.target) for row in targets) or "nothing"
        raise CannotStartError(f"there is no connection {only} in what is watched; looked in {looked}{why}")
    return cards, [row for row in targets if row.target == cards[0].target]


def saw_everything(targets: Iterable[TargetRow]) -> bool:
    """Whether every target answered, and every optional source that is on answered about it.

    The customer gateways are not asked for by the configuration: that they are not known is shown, and costs no more.
    What a policy of the organization refuses does not count: nothing that is watched is there.
    """
    asked = [row for row in targets if not row.refused]
    return not unanswered(asked) and all(
        tone == "good" for row in asked for tone, name, _ in row.sources if name != CUSTOMER_GATEWAYS
    )
