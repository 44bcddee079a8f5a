"""The words for people are true: links lead somewhere, commands exist, and nothing speaks of where it was made."""

import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.metrics.lean import LEFT_OUT
from aws_vpn_exporter.sources import SOURCES
from testbed.exporter_process import ExporterProcess, run, with_credentials

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
PAGES = [Path(name) for name in FILES if name.endswith(".md")]
DEMO_CONFIG = ROOT / "exporter" / "aws_vpn_exporter" / "demo" / "config.yaml"
FENCE = re.compile(r"```.*?```", re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made for Markdown."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", (ROOT / page).read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://", "mailto:", "oci://")):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page}: {link}"


def long_table_lines(page: Path) -> list[str]:
    """The lines of its tables that are too long to be read as a table."""
    text = FENCE.sub("", (ROOT / page).read_text())
    return [line for line in text.splitlines() if line.lstrip().startswith("|") and len(line) > 300]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_tables_have_short_lines(page: Path) -> None:
    """What needs more becomes headings with short paragraphs."""
    assert long_table_lines(page) == []


def test_the_readme_names_every_command_and_its_make_targets_exist() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    listed = re.findall(r"^    ([a-z-]+)\b", run("--help").stdout, re.MULTILINE)
    assert len(listed) >= 6
    assert set(listed) == set(re.findall(r"^\| `([a-z-]+)` \|", readme, re.MULTILINE))
    for target in re.findall(r"(?:^|`)make ([a-z]+)", readme, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_query_of_the_readme_names_real_metrics() -> None:
    readme, metrics = (ROOT / "README.md").read_text(), (ROOT / "docs" / "METRICS.md").read_text()
    for name in set(re.findall(r"\baws_vpn_[a-z_]+", readme)):
        assert f"`{name}`" in metrics, name


def test_the_map_of_contributing_names_what_exists() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    table = contributing.partition("| to add or change | go to |")[2].partition("\n\n")[0]
    places = [cell for line in table.splitlines() for cell in re.findall(r"`([\w./-]+)`", line.rpartition(" | ")[2])]
    assert len(places) > 25
    for place in places:
        if place.lower() == "actions" or place == "FailureCause":
            continue
        path = ROOT / place[1:] if place.startswith("/") else ROOT / "exporter" / "aws_vpn_exporter" / place
        assert path.exists() or path.with_suffix(".py").exists(), place


def test_every_dependency_has_its_reason() -> None:
    project, contributing = (ROOT / "pyproject.toml").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert block
    for name in re.findall(r'"([A-Za-z0-9-]+)', block[1]):
        assert re.search(rf"^\|[^|]*\b{name}\b", contributing, re.MULTILINE), name


def test_migration_and_costs_name_real_metrics() -> None:
    """What stands in the last column, and in the rules after the change, exists here."""
    metrics = (ROOT / "docs" / "METRICS.md").read_text()
    migration, costs = ((ROOT / "docs" / page).read_text() for page in ("MIGRATION.md", "COSTS.md"))
    ours = [line.rpartition("| `")[2] for line in migration.splitlines() if line.startswith("| `Tunnel")]
    ours += re.findall(r"# after.*\nexpr: (.*)", migration)
    named = {name for text in (*ours, costs) for name in re.findall(r"\baws_vpn_[a-z_]+", text)}
    assert len(named) >= 5
    for name in named:
        assert f"`{name}`" in metrics, name
    for alert in re.findall(r"shipped as (\w+)", migration):
        assert f"alert: {alert}\n" in (ROOT / "alerts" / "aws-vpn.rules.yaml").read_text()


def test_the_figures_of_the_lean_set_are_true(tmp_path: Path) -> None:
    """About the demo's fleet, without the optional sources: series of connections and tunnels, by the connection."""
    config = yaml.safe_load(DEMO_CONFIG.read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({key: config[key] for key in config if key not in SOURCES}))
    fleet = Fleet(time.time, "tour")
    serve = ("serve", f"--config.file={tmp_path / 'config.yaml'}")
    with (
        SimulatedAws(fleet.describe, sources=fleet) as aws,
        ExporterProcess(serve, with_credentials(aws.url), tmp_path / "log") as exporter,
    ):
        exporter.until_ready()
        page = exporter.metrics().splitlines()
    ours = [re.split("[{ ]", line)[0] for line in page if line.startswith(("aws_vpn_connection_", "aws_vpn_tunnel_"))]
    connections = ours.count("aws_vpn_connection_info")
    lean = [name for name in ours if name not in LEFT_OUT]
    costs = " ".join((ROOT / "docs" / "COSTS.md").read_text().split())
    stated = re.search(r"that is ([\d.]+) series a connection in place of ([\d.]+)", costs)
    assert stated
    for figure, found in zip(stated.groups(), (lean, ours), strict=True):
        # The demo's fleet changes while it runs: a cause more or less.
        assert abs(float(figure) - len(found) / connections) < 1


COMMANDS_ARE_RUN = {"docs/ON-CALL.md", *(str(page) for page in PAGES if page.parent.name == "runbooks")}
"""Every command of these is run by tests/end_to_end/test_documented_commands.py."""


@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in COMMANDS_ARE_RUN], ids=str)
def test_every_command_names_the_test_that_runs_it_or_why_none_does(page: Path) -> None:
    text = (ROOT / page).read_text()
    for block in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if block[1] in ("", "sh", "bash", "console") and not block[2].startswith("("):
            line = text[: block.start()].rstrip().rpartition("\n")[2]
            mark = re.fullmatch(r"<!-- (tested by: (\S+)|not run by a test: .+) -->", line)
            assert mark, f"{page}: {block[2]}"
            assert not mark[2] or (ROOT / mark[2]).exists(), mark[2]
