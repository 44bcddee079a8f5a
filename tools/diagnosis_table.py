"""Writes docs/DIAGNOSIS.md: each scenario of the tests with the causes that come out, their evidence and remedy."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from aws_vpn_exporter.devices import READERS
from aws_vpn_exporter.devices.settings import READABLE
from aws_vpn_exporter.diagnosis.case import TURN_ON
from aws_vpn_exporter.diagnosis.cause import Cause, CauseKind
from aws_vpn_exporter.diagnosis.causes import causes
from aws_vpn_exporter.options import OPTIONS
from testbed.diagnosis_scenarios import CAUSES, FALSE_FRIENDS, Scenario
from tools.generated import ROOT, main

HEAD = """\
# Diagnosis

<!-- Written by tools/diagnosis_table.py from the code and the scenarios of its tests: change it there, then run
`make generate`. -->

For a tunnel that is down, or up without a route, the exporter names the probable causes, the best supported first. Each
has its evidence, its remedy, and what could be turned on to know more. Two rules hold throughout:

- A cause is `likely` or `possible`, never certain.
- Absence of evidence is not evidence. A source that is off, silent or too old counts neither for a cause
  nor against one; what is missing is named instead.
"""

SCENARIOS = """\
## Scenarios

What is known of a tunnel, the causes that are named for it, and the evidence for the first of them.
"""

FALSE_EVIDENCE = """\
## Misleading evidence

Situations that look like a certain cause and do not show it, with the causes that are named nevertheless.
"""

DEVICES = """\
## Device files

A device's own configuration can be read instead of stating its values by hand. What cannot be read, or has no
counterpart at AWS, is named with its line and not guessed; an option of which a part is not understood counts as not
stated. Keys and passwords in the file are not looked at, and no text of it is repeated beyond the names of connections.
"""

LIFETIMES = """\
Which time is taken for AWS's lifetime:

"""

LIFETIME_ROWS = (
    (
        "strongSwan",
        "`rekey_time` (or `reauth_time`) and `over_time`",
        "`life_time`, or `rekey_time` and 10 %",
        "4 hours and 10 %; 1 hour and 10 %",
    ),
    (
        "Cisco IOS",
        "`lifetime` of the ISAKMP policy or the IKEv2 profile",
        "`set security-association lifetime seconds`, or the router's own",
        "86400 s, with IKEv2 not known; 3600 s",
    ),
)

NOTES = """\
AWS's lifetime is the moment at which a security association ends, so it is compared with the moment at which strongSwan
closes one and not against that of the rekey, which comes earlier on both sides. It is also the number that strongSwan
announces with IKEv1. So `rekey_time = 1h` alone is 3960 seconds; `life_time = 1h` is AWS's 3600.

- Dead peer detection: only strongSwan's `dpd_timeout` with `version = 1` is a time-out. With IKEv2 the time-out follows
  from the retransmission settings in another file, and IOS does not write down how often it tries. What each side does
  with a dead peer is its own affair and is not compared.
- Phase 2 without a Diffie-Hellman group is shown as `none`. AWS permits no such thing, so it always differs.
- AEAD ciphers such as GCM have no integrity algorithm in phase 1, only a pseudo-random function; AWS has no option for
  that.
- Sets differ where the device offers something that AWS does not permit. As long as both have a member in common they
  may still agree; the comparison names it.
"""


def page() -> str:
    """docs/DIAGNOSIS.md."""
    parts = [
        HEAD,
        "## Causes\n",
        *map(_cause_section, _first_of_each()),
        SCENARIOS,
        *map(_scenario_section, CAUSES.values()),
        FALSE_EVIDENCE,
        *map(_scenario_section, FALSE_FRIENDS.values()),
        "## Sources that tell more\n",
        _table(("source", "what for"), ((f"`{source}`", sentence) for source, sentence in TURN_ON.items())),
        DEVICES,
        _formats(),
        LIFETIMES + _table(("file", "phase 1", "phase 2", "if nothing is set"), LIFETIME_ROWS),
        NOTES,
    ]
    return "\n".join(parts)


def _first_of_each() -> list[Cause]:
    found: Mapping[CauseKind, Cause] = {
        cause.kind: cause for scenario in CAUSES.values() for cause in causes(scenario.case)
    }
    return [found[kind] for kind in CauseKind]


def _cause_section(cause: Cause) -> str:
    name, _, anchor = cause.runbook.partition("#")
    link = f"[{anchor.replace('-', ' ').capitalize().replace('aws', 'AWS')}](runbooks/{name}#{anchor})"
    return f"### `{cause.kind}`\n\n{cause.remedy} Runbook: {link}.\n"


def _scenario_section(scenario: Scenario) -> str:
    found = causes(scenario.case)
    named = ", ".join(f"`{cause.kind}` ({cause.confidence})" for cause in found)
    evidence = "".join(f"- {sentence}\n" for sentence in found[0].evidence) if found else ""
    heading = f"### {scenario.description.rstrip('.')}\n\nCauses: {named or 'none'}.\n"
    return f"{heading}\nEvidence for the first:\n\n{evidence}" if evidence else heading


def _formats() -> str:
    titles = " and ".join(reader.title for reader in READERS)
    options = ", ".join(f"`{option.key}`" for option in OPTIONS if option.name in READABLE)
    return f"Formats: {titles}.\n\nOptions: {options}.\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def generated() -> Mapping[Path, str]:
    """The document and its text."""
    return {ROOT / "docs" / "DIAGNOSIS.md": page()}


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
