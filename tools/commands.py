"""Writes docs/COMMANDS.md, every command with its flags and exit codes, from the command line's own parser."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_vpn_exporter import cli
from aws_vpn_exporter.flag_parser import FlagParser, variable
from tools.generated import ROOT, main

HEAD = """\
# Commands

<!-- Written by tools/commands.py; do not edit. -->

`aws-vpn-exporter COMMAND --help` says the same. Flags are written `--flag=value` or `--flag value`.

Each flag can be set by the environment variable beside it too; the flag itself goes before. Switches take `true` or
`false` there, and a flag that may be given several times takes values with commas between them. Variables that belong
to no flag are left alone: Kubernetes sets some for a Service of this name.
"""


def document() -> str:
    """docs/COMMANDS.md."""
    return "\n".join([HEAD, *(_command(name, parser) for name, parser in cli.parser().commands().items())])


def _command(name: str, parser: FlagParser) -> str:
    codes = (parser.epilog or "").partition("exit codes:\n")[2].partition("\n\n")[0]
    sentences = "; ".join(f"{line.split()[0]}: {line.split(maxsplit=1)[1]}" for line in codes.splitlines())
    rows = "\n".join(_row(action) for action in parser.flags())
    return (
        f"## `{name}`\n\n{parser.description}\n\nExit codes: {sentences}.\n\n"
        f"| flag | variable | meaning |\n|---|---|---|\n{rows}\n"
    )


def _row(action: argparse.Action) -> str:
    named = f" {action.metavar}" if action.metavar else f" {{{','.join(action.choices)}}}" if action.choices else ""
    names = ", ".join(f"`{flag}{named}`" for flag in action.option_strings)
    meaning = (action.help or "") % {"default": action.default}
    required = "; required" if action.required else ""
    return f"| {names} | `{variable(action.option_strings[0])}` | {meaning}{required} |"


def generated() -> Mapping[Path, str]:
    """The document and its text."""
    return {ROOT / "docs" / "COMMANDS.md": document()}


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", generated()))
