"""The catalogue, the documentation and the golden pages tell the same story."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aws_vpn_exporter import catalogue
from aws_vpn_exporter.catalogue import Metric
from tests.real_parts import find

ROOT = Path(__file__).parent.parent
PAGES = sorted(ROOT.glob("tests/golden/*/expected.prom"))
IDENTITY = {"account_id", "region", "vpn_connection_id", "tunnel_ip"}
METRICS: tuple[Metric[Any], ...] = (
    *catalogue.CONNECTION,
    *catalogue.TUNNEL,
    *catalogue.TARGET,
    *catalogue.SOURCE,
    *catalogue.EXPORTER,
)


def test_the_documents_are_current() -> None:
    checked = subprocess.run([sys.executable, "-m", "tools.docs", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_every_metric_is_published_by_some_golden_page_with_the_labels_it_declares() -> None:
    published: dict[str, set[str]] = {}
    for page in PAGES:
        for family in text_string_to_metric_families(page.read_text()):
            for sample in family.samples:
                published.setdefault(sample.name, set()).update(sample.labels)
    failing_only = {"aws_vpn_target_poll_failures_total"}
    assert set(published) | failing_only == {metric.name for metric in METRICS}
    for metric in METRICS:
        labels = published.get(metric.name, set(metric.labels)) - IDENTITY
        declared = set(metric.labels)
        if "tag_*" in declared:
            declared, labels = declared - {"tag_*"}, {label for label in labels if not label.startswith("tag_")}
        assert labels == declared, metric.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_promtool_finds_nothing_to_say(page: Path) -> None:
    checked = subprocess.run(
        [find("promtool"), "check", "metrics"], input=page.read_text(), capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
