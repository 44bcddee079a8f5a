"""Writes the dashboards as JSON: `python -m grafana.build`; with `--check`, says whether the files are current."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.board import assemble
from grafana.connection import CONNECTION
from grafana.exporter import EXPORTER
from grafana.fleet import FLEET
from grafana.options import OPTIONS_BOARD

HERE = Path(__file__).resolve().parent
BOARDS = (FLEET, CONNECTION, OPTIONS_BOARD, EXPORTER)


def files() -> Mapping[Path, str]:
    """Each file and what it has to hold."""
    encoder = JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False)
    return {HERE / f"{board.uid}.json": encoder.encode(assemble(board)) + "\n" for board in BOARDS}


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """The files that do not hold what they have to."""
    return [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files, or checks them; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")
    check = parser.parse_args(arguments).check
    wanted = files()
    outdated = stale(wanted)
    for path in outdated:
        if not check:
            path.write_text(wanted[path], "utf-8")
        outcome = "is not current: run `python -m grafana.build`" if check else "written"
        sys.stdout.write(f"{path.relative_to(HERE.parent)}: {outcome}\n")
    return 1 if check and outdated else 0


if __name__ == "__main__":
    sys.exit(main())
