"""The three causes of Security Hub's EC2.20: what the exporter prints is done, and the tunnel lives on.

A command is run by the real AWS CLI as it was printed, a device is set by hand. The tunnel has to come up, and to
survive its next rekey, without a hand on anything else.
"""

from dataclasses import replace

import pytest

from lab.faults import FAULTS, Stage
from lab.faults.base import SHORT, both
from lab.keepalive import Keepalive
from lab.network import NUMBERS, VPC_HOSTS
from lab.rehearsal import ask, bring_about, staged, survives_rekeys
from lab.watchers import DEVICE

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("possible")]

RENEWED = {"child": {"rekey_time": 600, "life_time": 840, "rand_time": 0}}
"""A device that renews its keys every ten seconds of the lab."""


STATED = """
policies:
  - match: {tags: {site: Lab}}
    customer_gateway: {phase2_dh_group_numbers: [19]}
"""
"""What the owner of the device says; no change at AWS is advised from the device's file alone."""


def run_as_printed(stage: Stage, policies: str = DEVICE) -> str:
    """Run the change that is printed for the best cause, and give it."""
    verdict = ask(stage, policies)
    [command] = verdict.commands
    stage.cloud.run(command)
    return command


def test_a_rekey_mismatch_is_mended_by_the_printed_command() -> None:
    fault = FAULTS["group-refused-by-aws"]
    with staged(fault) as stage:
        bring_about(stage, fault)
        assert "Phase2DHGroupNumbers" in run_as_printed(stage, STATED)
        stage.lab.until_up(1)
        assert survives_rekeys(stage, 1)


def test_a_dead_peer_is_tried_again_by_aws_once_the_printed_command_was_run() -> None:
    fault = FAULTS["line-cut-clear"]
    plan = replace(fault.plan, options=both(SHORT), device=both(RENEWED))
    with staged(replace(fault, plan=plan)) as stage:
        bring_about(stage, fault)
        assert "restart" in run_as_printed(stage)
        stage.lab.internet.clear()
        stage.lab.until_up(1)
        assert survives_rekeys(stage, 1)
        # From now on AWS does not need the device to begin.
        stage.lab.agent.initiates = "never"
        bring_about(stage, fault)
        stage.lab.internet.clear()
        stage.lab.until_up(1)


def test_an_idle_tunnel_is_kept_up_by_pings_and_falls_without_them() -> None:
    fault = FAULTS["idle"]
    with staged(fault) as stage:
        bring_about(stage, fault)
        pings = Keepalive(stage.lab.namespaces)
        stage.lab.until_up()
        assert survives_rekeys(stage, 2)
        assert all(count > 0 for count in pings.answered().values())
        assert set(pings.answered()) == set(VPC_HOSTS)
        pings.end()
        stage.lab.until(lambda: not any(map(stage.lab.carries, NUMBERS)), "both are idle")
