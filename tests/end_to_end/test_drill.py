"""The drill: a tunnel falls, pages, and the printed command brings it up, for each cause that EC2.20 names."""

import json
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.fleet import DEMO_SECRET, Fleet, RepairedFleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import Mailbox, chain
from testbed.exporter_process import ExporterProcess, clean_environment, run, with_credentials
from testbed.programs import REPOSITORY, find, wait_for

pytestmark = pytest.mark.timeout(300)

SPEED = 100
AWS = Path(sys.executable).with_name("aws")
CONFIG = REPOSITORY / "exporter" / "aws_vpn_exporter" / "demo" / "config.yaml"


@pytest.mark.parametrize(
    ("scenario", "cause"),
    [("idle-timeout", "idle_timeout"), ("rekey-mismatch", "rekey_mismatch"), ("dead-peer", "dead_peer_detection")],
)
def test_the_printed_command_brings_the_tunnel_up_and_ends_the_message(
    tmp_path: Path, scenario: str, cause: str
) -> None:
    for program in ("prometheus", "alertmanager"):
        find(program)
    fleet = Fleet(time.time, scenario)
    repaired = RepairedFleet(fleet.describe, time.time)
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(repaired.describe, sources=fleet, changes=repaired))
        environment = with_credentials(aws.url)
        mailbox = stack.enter_context(Mailbox())
        serve = ExporterProcess(("serve", f"--config.file={CONFIG}"), environment, tmp_path / "exporter.log")
        exporter = stack.enter_context(serve)
        exporter.until_ready()
        stack.enter_context(chain(tmp_path, [f"127.0.0.1:{exporter.port}"], mailbox.url, speed=SPEED))
        wait_for(lambda: mailbox.messages("chat"), 120, "the message that redundancy is lost", tmp_path)

        told = run("diagnose", f"--config.file={CONFIG}", "--output=json", **environment)
        tunnels = [tunnel for one in json.loads(told.stdout)["connections"] for tunnel in one["tunnels"]]
        causes = [found for tunnel in tunnels for found in tunnel["causes"]]
        assert cause in {found["cause"] for found in causes}
        commands = [line for found in causes if found["repair"]["advised"] for line in found["repair"]["change"]]
        assert commands, told.stdout
        done = subprocess.run(
            [AWS, *shlex.split(commands[0])[1:]],
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert DEMO_SECRET not in told.stdout + told.stderr + done.stdout + done.stderr

        wait_for(
            lambda: [message for message in mailbox.messages("chat") if not message.firing], 120, "its end", tmp_path
        )
        assert run("diagnose", f"--config.file={CONFIG}", **environment).returncode == 0
