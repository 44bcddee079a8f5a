"""Writes docs/LAB-FAULTS.md: each fault, what the daemons did, what the exporter said, and what helped.

`python -m lab.table` rehearses every fault and rewrites the page. What is measured in seconds differs from run to run,
and so does the number of log lines; the tests hold the page to the state and the likely causes.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from lab.faults import FAULTS
from lab.rehearsal import Rehearsal, rehearse
from testbed.programs import REPOSITORY

PAGE = REPOSITORY / "docs" / "LAB-FAULTS.md"

_HEAD = """\
# Faults of the lab

<!-- Written by `make lab-table`, which rehearses every fault: change lab/faults/ instead. -->

Each fault was brought about in the [lab](LAB.md), where real daemons speak IKE, ESP and BGP, and the exporter was asked
about the first tunnel, with everything turned on that it can read. Its words are those of `aws-vpn-exporter diagnose`.
Seconds are the lab's; one of them stands for a minute at AWS. will_not_recover_alone is left out: it says why a tunnel
stays down, and comes with time.

| fault | AWS reports | called likely | called possible | seconds until it shows | until up again |
|---|---|---|---|---|---|
"""

_LONGEST = 12
"""Log lines that are shown of a fault."""

_STAYS_DOWN = "will_not_recover_alone"

Row = tuple[str, str]
"""AWS's state of the tunnel in the exporter's words, and the likely causes."""


def row(made: Rehearsal) -> Row:
    """What is compared."""
    return made.verdict.state, _causes(made, "likely")


def rows(page: str) -> Mapping[str, Row]:
    """What a page says of each fault."""
    lines = re.findall(r"^\| \[([\w-]+)\]\([^)]*\) \| ([^|]*) \| ([^|]*) \|", page, re.MULTILINE)
    return {name: (state, likely) for name, state, likely in lines}


def page(rehearsals: Iterable[Rehearsal]) -> str:
    """The whole page."""
    known = list(rehearsals)
    return _HEAD + "\n".join((*map(_line, known), "", *(line for made in known for line in _details(made))))


def _line(made: Rehearsal) -> str:
    name = made.fault.name
    state, likely = row(made)
    possible = _causes(made, "possible")
    up = "" if made.seconds_until_up is None else f"{made.seconds_until_up:.1f}"
    return f"| [{name}](#{name}) | {state} | {likely} | {possible} | {made.seconds_until_seen:.1f} | {up} |"


def _details(made: Rehearsal) -> Iterator[str]:
    yield f"## {made.fault.name}\n"
    yield f"{made.fault.words}\n"
    if made.log:
        yield "What AWS logged of the tunnel, in seconds after the fault began:\n"
        yield "```text"
        yield from (f"{second:6.1f}  {text}" for second, text in made.log[:_LONGEST])
        if len(made.log) > _LONGEST:
            yield f"        and {len(made.log) - _LONGEST} more lines"
        yield "```\n"
    else:
        yield "AWS logged nothing of the tunnel.\n"
    for heading, facts in (("For", made.verdict.evidence), ("Against", made.verdict.against)):
        if facts:
            yield f"{heading} the first cause:\n"
            yield "\n".join((*(f"- {fact}" for fact in facts), ""))
    if made.verdict.state != "up" and not made.verdict.likely:
        yield "No cause is called likely: nothing that was read speaks clearly for one.\n"
    if made.verdict.remedy:
        yield f"The exporter's advice: {made.verdict.remedy}\n"
    if made.fault.remedy:
        survived = f" It survived {made.rekeys_survived} rekey." if made.rekeys_survived else ""
        yield f"What was done: {made.fault.remedy.words} The tunnel came up.{survived}\n"


def _causes(made: Rehearsal, confidence: str) -> str:
    found = sorted(cause for cause, said in made.verdict.causes if said == confidence and cause != _STAYS_DOWN)
    return ", ".join(found) or "none"


def main() -> int:
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        PAGE.write_text(page(pool.map(rehearse, FAULTS.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
