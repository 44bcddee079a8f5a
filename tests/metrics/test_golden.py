"""Each folder under golden/ is an answer of AWS and the whole page that it becomes.

`make golden` rewrites the pages; the diff is then what a change means to users.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as plain_families

from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.config import load
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.metrics.exporter import ExporterStatus
from aws_vpn_exporter.metrics.page import OPENMETRICS, PLAIN, MetricsPage, exporter_families
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from testbed.exposition import openmetrics
from tests.support.stepped_exporter import SteppedExporter

CASES = sorted(path.parent for path in (Path(__file__).parents[1] / "golden").glob("*/aws.json"))
REQUESTS = {("ec2", "DescribeVpnConnections", "200"): 1}
SELF = ExporterStatus("1.2.3", "3.11.0", "1.40.0", True, 1_800_000_000.0, REQUESTS, web_config_successful=True)


@dataclass
class Pages:
    """Over real HTTP, the page that each case becomes."""

    aws: Aws
    answer: dict[str, object]

    def of(self, case: Path, content_type: str) -> str:
        self.answer.clear()
        self.answer.update(json.loads((case / "aws.json").read_text()))
        config_file = case / "config.yaml"
        settings = load(config_file).settings(config_file) if config_file.exists() else Settings()
        exporter = SteppedExporter(self.aws, settings)
        exporter.after(0)
        statuses = [TargetStatus(poll) for poll in exporter.poller.statuses()]
        return MetricsPage(settings).text(statuses, exporter_families(SELF), content_type, exporter.clock.now).decode()


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    answer: dict[str, object] = {}
    with SimulatedAws(lambda _region: answer) as simulated, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", simulated.url)
        yield Pages(Aws(), answer)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_becomes_the_expected_page(case: Path, pages: Pages, request: pytest.FixtureRequest) -> None:
    written, expected = pages.of(case, PLAIN), case / "expected.prom"
    if request.config.getoption("--rewrite"):
        expected.write_text(written)
    assert written == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_formats_say_the_same(case: Path, pages: Pages) -> None:
    plain = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in plain_families(pages.of(case, PLAIN))
        for sample in family.samples
    }
    in_openmetrics = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in openmetrics(pages.of(case, OPENMETRICS))
        for sample in family.samples
    }
    assert plain == in_openmetrics


def test_no_golden_file_holds_a_key() -> None:
    expected = [(case / "expected.prom").read_text() for case in CASES]
    answers = [(case / "aws.json").read_text() for case in CASES]
    assert any("not-a-real-key" in answer for answer in answers), "the answers hold keys, else this shows nothing"
    assert not any("not-a-real-key" in page for page in expected)
