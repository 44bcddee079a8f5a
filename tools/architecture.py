"""Writes docs/ARCHITECTURE.md: the rooms of the package, and a picture of who imports whom, by the map in pyproject."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.generated import ROOT, main

PACKAGE = ROOT / "exporter" / "aws_vpn_exporter"

HEAD = """\
# Architecture

<!-- Written by tools/architecture.py from pyproject.toml and the rooms' own first lines; change it there, then run
`make generate`. -->

One process. It asks AWS in the background, keeps the last good answers, and answers scrapes from memory: a scrape never
calls AWS. What it knows is a frozen value for each target (an account in a region), replaced as a whole by the next
answer; metrics, status page and commands read the same values, so that they cannot contradict each other.

"""

FLOW = """\
## How an answer becomes a page

```mermaid
flowchart LR
  ec2["AWS: DescribeVpnConnections"] --> connections["aws: cut secrets, then read"] --> poll["poller: last good answer"]
  optional["AWS: CloudWatch, logs, maintenance"] --> sources["sources: evidence"] --> status
  poll --> status["status: what is known of a target"] --> diagnosis["diagnosis: causes"]
  status --> metrics["metrics: /metrics"]
  diagnosis --> metrics
  status --> summary["summary: words"]
  diagnosis --> summary
  summary --> page["web: status page"]
  summary --> diagnose["commands: diagnose"]
```

"""

ROOMS = """\
## The rooms

Imports lead downwards only; `make lint` holds it.

"""

TAIL = """\
[CONTRIBUTING.md](../CONTRIBUTING.md) says where to go to add or change a thing, and what the words mean;
[SECURITY-MODEL.md](SECURITY-MODEL.md) what the exporter promises to whom.
"""


def layers() -> list[list[str]]:
    """The rooms, from the top of the map down; those of one layer do not import each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (rooms,) = [one["layers"] for one in contracts if one.get("containers") == ["aws_vpn_exporter"]]
    return [[name.strip() for name in layer.split("|")] for layer in rooms]


def about(room: str) -> str:
    """The first sentence of the room's docstring."""
    file = PACKAGE / room / "__init__.py"
    docstring = ast.get_docstring(ast.parse((file if file.exists() else PACKAGE / f"{room}.py").read_text())) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def document() -> str:
    """docs/ARCHITECTURE.md."""
    return "".join((HEAD, FLOW, ROOMS, *_picture(), TAIL))


def _picture() -> Iterator[str]:
    yield "```mermaid\nflowchart TB\n"
    for number, rooms in enumerate(layers()):
        yield f'  subgraph layer{number}[" "]\n' + "".join(f"    {room}_[{room}]\n" for room in rooms) + "  end\n"
    yield "".join(f"  layer{number} --> layer{number + 1}\n" for number in range(len(layers()) - 1))
    yield "```\n\n| room | what it is |\n|---|---|\n"
    yield from (f"| `{room}` | {about(room)} |\n" for rooms in layers() for room in rooms)
    yield "\n"


def generated() -> Mapping[Path, str]:
    """The document and its text."""
    return {ROOT / "docs" / "ARCHITECTURE.md": document()}


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", generated()))
