"""Every command and query of the runbooks and of ON-CALL.md works as it stands, and none prints a pre-shared key."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aws_vpn_exporter.demo.fleet import DEMO_SECRET, HOME_REGION, Fleet, RepairedFleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import Chain, Mailbox, chain
from testbed.exporter_process import ExporterProcess, clean_environment, with_credentials
from testbed.programs import REPOSITORY, find
from tests.end_to_end.documents import ELSEWHERE, blocks, kubectl, run_blocks, syntax_error
from tests.end_to_end.everything_else import EverythingElse

pytestmark = pytest.mark.timeout(600)

# ON-CALL first: the commands of some runbooks have the tunnel's log written to a group that is not there.
DOCUMENTS = [REPOSITORY / "docs" / "ON-CALL.md", *sorted((REPOSITORY / "docs" / "runbooks").glob("*.md"))]
EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
CONFIG = REPOSITORY / "exporter" / "aws_vpn_exporter" / "demo" / "config.yaml"


@dataclass
class Place:
    """Where a reader of a runbook sits: the programs' addresses, and a connection that is down."""

    chain: Chain
    environment: dict[str, str]
    names: dict[str, str]

    def with_names(self, text: str) -> str:
        """The text with the names of this place for those of the document."""
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    for program in ("prometheus", "alertmanager", "amtool"):
        find(program)
    folder = tmp_path_factory.mktemp("place")
    fleet = Fleet(time.time, "causes")
    repaired = RepairedFleet(fleet.describe, time.time)
    connection: Any = next(
        one
        for one in fleet.describe(HOME_REGION)["VpnConnections"]  # type: ignore[attr-defined]
        if one["Options"].get("TunnelOptions") and "DOWN" in {tunnel["Status"] for tunnel in one["VgwTelemetry"]}
    )
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(repaired.describe, sources=fleet, changes=repaired))
        everything = stack.enter_context(EverythingElse(aws.url))
        exporter = stack.enter_context(
            ExporterProcess(
                ("serve", f"--config.file={CONFIG}", "--web.enable-lifecycle"),
                with_credentials(aws.url),
                folder / "exporter.log",
            )
        )
        exporter.until_ready()
        mailbox = stack.enter_context(Mailbox())
        made = stack.enter_context(chain(folder, [f"127.0.0.1:{exporter.port}"], mailbox.url, speed=100))
        kubectl(folder, CONFIG)
        path = f"{folder}:{Path(sys.executable).parent}:{find('amtool').parent}:/usr/bin:/bin"
        yield Place(
            made,
            clean_environment(
                **with_credentials(everything.url),
                PATH=path,
                USER="reader",
                ALERTMANAGER=made.alertmanager,
                AWS_PAGER="",
                AWS_DEFAULT_REGION=HOME_REGION,
            ),
            {
                # The one service for which the AWS CLI does not read AWS_ENDPOINT_URL.
                "aws health": f"aws --endpoint-url {everything.url} health",
                "vpn-0123456789abcdef0": connection["VpnConnectionId"],
                "203.0.113.17": connection["VgwTelemetry"][0]["OutsideIpAddress"],
                "localhost:10450": f"127.0.0.1:{exporter.port}",
                " --watch": "",  # it ends only when somebody has repaired the tunnel
            },
        )


@EACH_DOCUMENT
def test_every_command_works_as_it_stands_and_prints_no_key(document: Path, place: Place, tmp_path: Path) -> None:
    here = [place.with_names(block.text) for block in blocks(document, "bash", "sh")]
    run, not_run = ([text for text in here if bool(ELSEWHERE.search(text)) is elsewhere] for elsewhere in (False, True))
    assert not [error for text in not_run if (error := syntax_error(text))]
    outcome = run_blocks(run, tmp_path, place.environment)
    failed = {
        run[number]: code
        for number in range(len(run))
        if (code := outcome.codes.get(number, -1)) != 0 and not (code == 1 and "diagnose" in run[number])
    }
    assert not failed, outcome.output
    assert DEMO_SECRET not in outcome.output


@EACH_DOCUMENT
def test_commands_that_read_connections_name_region_and_query(document: Path) -> None:
    """A bare answer holds the pre-shared keys, and the default region is rarely the one of the page."""
    for block in blocks(document, "bash", "sh"):
        for command in re.findall(r"aws [a-z]+ [a-z-]+(?:[^\\\n]|\\\n|\\.)*", block.text):
            service, operation = command.split()[1:3]
            if service != "sts":
                assert "--region" in command, command
            if operation in ("describe-vpn-connections", "modify-vpn-tunnel-options"):
                assert "--query" in command, command


@EACH_DOCUMENT
def test_every_query_is_answered_from_metrics_that_exist(document: Path, place: Place) -> None:
    published = set(re.findall(r"\baws_vpn_\w+", (REPOSITORY / "docs" / "METRICS.md").read_text()))
    for block in blocks(document, "promql"):
        place.chain.query(place.with_names(block.text))
        bare = re.sub(r'"[^"]*"', "", block.text)
        assert set(re.findall(r"(?<![:\w])aws_vpn_\w+", bare)) <= published
