"""Writes docs/DIAGNOSIS.md: each scenario of the tests with the causes that come out, their evidence and remedy.

`python -m tools.diagnosis_table` rewrites it, `python -m tools.diagnosis_table --check` fails where it is not current.
"""

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

FILE = Path(__file__).parent.parent / "docs" / "DIAGNOSIS.md"

HEAD = """\
# Diagnosis

<!-- Written by tools/diagnosis_table.py from the code and the scenarios of its tests: change it there. -->

For a tunnel that is down, or up without a route, the exporter names the probable causes, the best supported first. Each
has its evidence, its remedy, and what could be turned on to know more. Two rules hold throughout:

- A cause is `likely` or `possible`, never certain.
- Absence of evidence is not evidence. A source that is off, silent or too old says nothing, neither for a cause nor
  against one; what is missing is named instead.
"""

FRIENDS = """\
## False friends

What looks like evidence and is none. The tests hold the exporter to each line.

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
AWS's lifetime is the moment at which a security association ends, so it is held against the moment at which strongSwan
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
    return (
        "\n".join(
            [
                HEAD,
                "## Causes\n",
                _table(("cause", "remedy", "runbook"), map(_cause_row, _first_of_each())),
                "## Scenarios\n",
                _table(("what is so", "what comes out", "evidence"), map(_scenario_row, CAUSES.values())),
                FRIENDS
                + _table(("what is so", "what comes out"), (_scenario_row(s)[:2] for s in FALSE_FRIENDS.values())),
                "## To know more\n",
                _table(("source", "what for"), ((f"`{source}`", sentence) for source, sentence in TURN_ON.items())),
                DEVICES + _formats(),
                LIFETIMES + _table(("file", "phase 1", "phase 2", "if nothing is set"), LIFETIME_ROWS),
                NOTES.rstrip("\n"),
            ]
        )
        + "\n"
    )


def _first_of_each() -> list[Cause]:
    found: Mapping[CauseKind, Cause] = {
        cause.kind: cause for scenario in CAUSES.values() for cause in causes(scenario.case)
    }
    return [found[kind] for kind in CauseKind]


def _cause_row(cause: Cause) -> tuple[str, ...]:
    name, _, anchor = cause.runbook.partition("#")
    return f"`{cause.kind}`", cause.remedy, f"[{anchor.replace('-', ' ')}](runbooks/{name}#{anchor})"


def _scenario_row(scenario: Scenario) -> tuple[str, ...]:
    found = causes(scenario.case)
    named = ", ".join(f"`{cause.kind}` ({cause.confidence})" for cause in found)
    return scenario.description, named or "nothing", " ".join(found[0].evidence) if found else ""


def _formats() -> str:
    titles = " and ".join(reader.title for reader in READERS)
    options = ", ".join(f"`{option.key}`" for option in OPTIONS if option.name in READABLE)
    return f"Formats: {titles}. Options: {options}.\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def main() -> int:
    """Writes or checks; the exit code."""
    if "--check" not in sys.argv:
        FILE.write_text(page())
    elif not FILE.exists() or FILE.read_text() != page():
        print(f"not current: {FILE.name}; run python -m tools.diagnosis_table", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
