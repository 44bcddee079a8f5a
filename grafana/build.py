"""Writes the dashboards as JSON: `python -m grafana.build`; with `--check`, says whether the files are current.

The files are for provisioning and for import by hand. `--export FOLDER` writes them as grafana.com wants them: there,
whoever imports a dashboard is asked for the data source.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.board import Board, assemble
from grafana.connection import CONNECTION
from grafana.exporter import EXPORTER
from grafana.fleet import FLEET
from grafana.logs import LOGS
from grafana.options import OPTIONS_BOARD

HERE = Path(__file__).resolve().parent
BOARDS = (FLEET, CONNECTION, OPTIONS_BOARD, LOGS, EXPORTER)


def files() -> Mapping[Path, str]:
    """Each file and what it has to hold."""
    return {
        HERE / f"{board.uid}.json": json.dumps(_written(board), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for board in BOARDS
    }


def _written(board: Board) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(JSONEncoder().encode(assemble(board)))
    for one in (*dashboard["links"], *dashboard["annotations"]["list"]):
        # The SDK knows one place only, a menu that nobody opens at night; without it Grafana shows them on the page.
        one.pop("placement", None)
    return dashboard


def exports() -> Mapping[str, str]:
    """Each dashboard as grafana.com wants it, by the file's name."""
    return {path.name: json.dumps(_exported(json.loads(text)), indent=2) + "\n" for path, text in files().items()}


def _exported(dashboard: dict[str, Any]) -> dict[str, Any]:
    """The same with the inputs that an import asks for. Every panel keeps to the variable; its choice is the input."""
    inputs, required = [], [{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"}]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource":
            kind = variable["query"]
            name = f"DS_{kind.upper()}"
            inputs.append(
                {"name": name, "label": variable["label"], "type": "datasource", "pluginId": kind, "pluginName": kind}
            )
            required.append({"type": "datasource", "id": kind, "name": kind, "version": "1.0.0"})
            variable["current"] = {"selected": False, "text": f"${{{name}}}", "value": f"${{{name}}}"}
    every = [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", ()))]
    kinds = sorted({panel["type"] for panel in every} - {"row"})
    required += [{"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds]
    return {"__inputs": inputs, "__elements": {}, "__requires": required, "id": None, **dashboard}


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """The files that do not hold what they have to."""
    return [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files, or checks them; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")
    parser.add_argument(
        "--export", type=Path, metavar="FOLDER", help="write what grafana.com wants into a folder instead"
    )
    options = parser.parse_args(arguments)
    if options.export:
        options.export.mkdir(parents=True, exist_ok=True)
        for name, text in exports().items():
            (options.export / name).write_text(text, "utf-8")
        return 0
    check = options.check
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
