"""`series: lean`: fewer series, with which every alert and the fleet dashboard say the same."""

import re
from pathlib import Path

import yaml

from aws_vpn_exporter.config import load
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.metrics.connection import CONNECTION
from aws_vpn_exporter.metrics.lean import LEFT_OUT
from aws_vpn_exporter.metrics.tunnel import TUNNEL
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import REPOSITORY

READERS = (
    REPOSITORY / "alerts" / "aws-vpn.rules.yaml",
    REPOSITORY / "alerts" / "keepalive" / "scrape.yaml",
    REPOSITORY / "alerts" / "alertmanager" / "alertmanager.yaml",
    REPOSITORY / "alerts" / "alertmanager" / "templates" / "aws-vpn.tmpl",
    REPOSITORY / "grafana" / "aws-vpn-fleet.json",
)
"""What has to say the same with the lean set."""


def series(page: str, lean: bool = False) -> list[str]:
    """The lines of samples about connections and tunnels; `lean`: without the metrics that are left out."""
    lines = [line for line in page.splitlines() if line.startswith(("aws_vpn_connection_", "aws_vpn_tunnel_"))]
    return [line for line in lines if not lean or re.split("[{ ]", line)[0] not in LEFT_OUT]


def test_what_is_left_out_is_what_no_alert_and_no_panel_of_the_fleet_dashboard_reads() -> None:
    text = "\n".join(file.read_text() for file in READERS)
    by_name = re.findall(r"__name__([^,}]*)", text)
    assert all(re.fullmatch(r'=~\\?"[a-z_|]+\\?"', matcher) for matcher in by_name), "it could read any metric"
    ours = {metric.name for metric in CONNECTION} | {metric.name for metric in TUNNEL}
    assert {name for name in ours if not re.search(rf"(?<![\w:]){name}(?![\w:])", text)} == LEFT_OUT


def test_the_lean_page_is_the_whole_page_without_them(tmp_path: Path) -> None:
    pages = {}
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as aws:
        for kind in ("all", "lean"):
            config = tmp_path / f"{kind}.yaml"
            config.write_text(yaml.safe_dump({"series": kind}))
            flags = ("serve", f"--config.file={config}")
            with ExporterProcess(flags, with_credentials(aws.url), tmp_path / f"{kind}.log") as exporter:
                exporter.until_ready()
                pages[kind] = exporter.metrics()
    assert set(series(pages["lean"])) == set(series(pages["all"], lean=True))
    assert not any(f"# HELP {name} " in pages["lean"] for name in LEFT_OUT)
    assert len(series(pages["lean"])) < 0.7 * len(series(pages["all"]))


def test_the_key_is_off_unless_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("tags: [site]\n")
    assert not load(tmp_path / "config.yaml").settings(None).lean
