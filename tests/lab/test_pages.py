"""The whole way: a fault, real daemons, AWS, an exporter, Prometheus, Alertmanager, the page; and its end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.cloud import Cloud
from lab.faults import FAULTS, Stage
from lab.laboratory import Lab
from lab.network import TUNNELS
from lab.pace import Clock
from lab.rehearsal import bring_about
from lab.watchers import CONFIG, exporter, pages
from testbed.chain import Message
from testbed.programs import wait_for

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("possible")]

# The exporter does not have the device's file: what differs from AWS has alerts of its own, which go on.
SPEED = 20
_PATIENCE = 120.0


def told(received: Sequence[Message], receiver: str) -> Message | None:
    """The latest message that the receiver got about the connection's tunnels."""
    mine = [m for m in received if m.receiver == receiver and m.firing and "Probable cause" in m.text]
    return mine[-1] if mine else None


@pytest.mark.parametrize(("name", "receiver"), [("line-cut-for-both", "pager"), ("key-differs", "chat")])
def test_a_fault_is_told_with_its_cause_and_ends_with_its_remedy(tmp_path: Path, name: str, receiver: str) -> None:
    fault = FAULTS[name]
    received: list[Message] = []

    def right() -> bool:
        message = told(received, receiver)
        return message is not None and any(cause.replace("_", " ") in message.text for cause in fault.causes)

    def ended() -> bool:
        message = told(received, receiver)
        return any(message and m.conversation == message.conversation and not m.firing for m in received)

    with Lab(fault.plan) as lab, Cloud(lab, Clock(pace=1)) as cloud:
        stage = Stage(lab, cloud)
        lab.until(lambda: fault.before(stage), "the state before the fault")
        with exporter(tmp_path, lab, cloud, CONFIG) as address, pages(tmp_path, [address], received.append, SPEED):
            bring_about(stage, fault)
            wait_for(right, _PATIENCE, f"a message with the right cause: {received}", tmp_path)
            message = told(received, receiver)
            assert message
            assert TUNNELS[1].outside in message.text
            assert not ended()
            assert fault.remedy
            fault.remedy.done(stage)
            wait_for(ended, _PATIENCE, "its end", tmp_path)
        keys = {tunnel.key for tunnel in lab.device.values()}
    assert not [key for one in received for key in keys if key in one.title + one.text]
