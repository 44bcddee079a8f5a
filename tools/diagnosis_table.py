"""Writes docs/DIAGNOSIS.md: each scenario of the tests with the causes that come out, their evidence and remedy."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from aws_vpn_exporter.diagnosis.case import TURN_ON
from aws_vpn_exporter.diagnosis.cause import CauseKind, Clue, Rule
from aws_vpn_exporter.diagnosis.causes import RULES, UNKNOWN, causes
from testbed.diagnosis_cases import Scenario
from testbed.diagnosis_false_friends import FALSE_FRIENDS
from testbed.diagnosis_scenarios import CAUSES
from tools.generated import ROOT, main

HEAD = """\
# Diagnosis

<!-- Written by tools/diagnosis_table.py from the code and the scenarios of its tests: change it there, then run
`make generate`. -->

For a tunnel that is down, or up without a route, the exporter names the probable causes, the best supported first.
Each has its evidence, what speaks against it, its remedy, and what could be turned on to know more. Rules that hold
throughout:

- A cause is `likely` or `possible`, never certain.
- Each fact is as direct as its source: AWS's log names a cause; AWS's state, or a change that AWS booked, says it;
  timing, traffic and settings let one infer it; some facts only fit it, and many others as well.
- The more direct outranks the less direct. A cause is `likely` on direct evidence, or on an inference that nothing
  speaks against. Where something of the same weight contradicts it, it is `possible`, and what speaks against it is
  shown. Where something more direct contradicts it, it is not named.
- A symptom yields to its cause: a dead peer is no more than `possible` where the whole site, or a whole region, went.
- Absence of evidence is not evidence. A source that is off, silent or too old counts neither for a cause nor against
  one; what is missing is named instead.
- Every command that is printed goes through one gate. It stops what a known fact contradicts: a key beside a
  certificate, IKEv2 where IKEv1 is in use, a static route where routes are in a transit gateway's table, a new
  endpoint in the first half hour, a value that was only read in a file, a weaker algorithm, what is so already. It
  holds back what would interrupt the last tunnel that works, and what speaks against its own cause.
"""

SCENARIOS = """\
## Scenarios

What is known of a tunnel, the causes that are named for it, and the evidence for the first of them.
"""

FALSE_EVIDENCE = """\
## Misleading evidence

Situations that look like a certain cause and do not show it, with the causes that are named nevertheless.
"""


def page() -> str:
    """docs/DIAGNOSIS.md."""
    parts = [
        HEAD,
        "## Causes\n",
        *map(_rule_section, (*RULES, UNKNOWN)),
        SCENARIOS,
        *map(_scenario_section, CAUSES.values()),
        FALSE_EVIDENCE,
        *map(_scenario_section, FALSE_FRIENDS.values()),
        "## Sources that tell more\n",
        _table(("source", "what for"), ((f"`{source}`", sentence) for source, sentence in TURN_ON.items())),
    ]
    return "\n".join(parts)


def _rule_section(rule: Rule) -> str:
    """A cause: its evidence, its remedy, and where the fact behind it stands."""
    lines = [f"### `{rule.kind}`", "", f"{rule.remedy} {_link(rule.runbook)}", ""]
    lines += [f"- More closely, {one.detail}: {one.remedy}" for one in rule.variants]
    lines += [f"- For it: {_first_line(clue)}" for clue in rule.supports]
    lines += [f"- Against it: {_first_line(clue)}" for clue in rule.refutes]
    symptom_of = ", ".join(f"`{kind}`" for kind in CauseKind if kind in rule.yields_to)
    lines += [f"- Only a symptom, where one of these is likely: {symptom_of}."] * bool(symptom_of)
    lines += [f"- Source: {rule.source}."] * bool(rule.source)
    return "\n".join(lines) + "\n"


def _first_line(clue: Clue) -> str:
    return (clue.__doc__ or "").strip().partition("\n")[0]


def _link(runbook: str) -> str:
    name, _, anchor = runbook.partition("#")
    return f"Runbook: [{anchor.replace('-', ' ').capitalize().replace('aws', 'AWS')}](runbooks/{name}#{anchor})."


def _scenario_section(scenario: Scenario) -> str:
    found = causes(scenario.case)
    named = ", ".join(f"`{cause.kind}` ({cause.confidence})" for cause in found)
    evidence = "".join(f"- {sentence}\n" for sentence in found[0].evidence) if found else ""
    heading = f"### {scenario.description.rstrip('.')}\n\nCauses: {named or 'none'}.\n"
    return f"{heading}\nEvidence for the first:\n\n{evidence}" if evidence else heading


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def generated() -> Mapping[Path, str]:
    """The document and its text."""
    return {ROOT / "docs" / "DIAGNOSIS.md": page()}


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
