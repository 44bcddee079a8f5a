"""Imports run one way; an arrow that turns back fails here."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "exporter" / "aws_vpn_exporter"

ALLOWED = {
    "options": set(),
    "model": {"options"},
    "evidence": {"model"},
    "log_events": {"evidence", "parse"},
    "diagnosis": {"evidence", "model", "options"},
    "repair": {"diagnosis", "evidence", "model", "options"},
    "devices": {"model", "options"},
    "logs": set(),
    "parse": {"model", "options"},
    "catalogue": {"diagnosis", "evidence", "model", "options"},
    "exposition": {"catalogue", "model"},
    "config": {"catalogue", "devices", "evidence", "model", "options"},
    "poller": {"model"},
    "aws": {"config", "evidence", "log_events", "model", "options", "parse"},
    "summary": {"catalogue", "config", "diagnosis", "evidence", "model", "options"},
    "diagnose": {"devices", "diagnosis", "model", "options", "repair", "summary"},
    "web": {"catalogue", "config", "diagnosis", "exposition", "model", "summary"},
    "sharding": {"model"},
    "service": {"aws", "catalogue", "config", "evidence", "exposition", "model", "poller", "sharding"},
    "demo": set(),
    "cli": {"aws", "config", "demo", "devices", "diagnose", "logs", "options", "service", "sharding", "summary", "web"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""Room: the rooms whose things it may use. A room is a module or a folder; `cli` is the only one that knows all."""

BOTO3 = {"aws"}
BOTOCORE = {"aws", "demo"}


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_uses_only_the_rooms_below_it(file: Path) -> None:
    rooms = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir()}
    used = {name.split(".")[1] for name in imports(file) if name.startswith("aws_vpn_exporter.")} & rooms
    assert used - {room(file)} <= ALLOWED[room(file)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_boto3_is_known_under_aws_only(file: Path) -> None:
    modules = {name.split(".")[0] for name in imports(file)}
    assert "boto3" not in modules or room(file) in BOTO3
    assert "botocore" not in modules or room(file) in BOTOCORE
