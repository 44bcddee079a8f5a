"""The whole way: a fault, real daemons, AWS, an exporter, Prometheus, Alertmanager, the page; its remedy, and its end.

Several labs stand side by side, each in an account of its own, behind one Prometheus and one Alertmanager.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lab.cloud import Cloud
from lab.faults import FAULTS, Fault, Stage
from lab.laboratory import Lab
from lab.network import TUNNELS
from lab.pace import Clock
from lab.rehearsal import bring_about
from lab.watchers import CONFIG, exporter, pages
from testbed.chain import Message
from testbed.programs import wait_for

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("possible")]

SHOWN = {
    "line-cut-for-both": "pager",
    "wrong-as-number": "pager",
    "group-refused-by-aws": "chat",
    "key-differs": "chat",
}
"""Faults, and who is told: the pager where the site is lost, the chat where one tunnel is left."""

# The exporters do not have the devices' files: what differs from AWS has alerts of its own, which go on.
SPEED = 60
_PATIENCE = 100.0


@dataclass
class Rehearsed:
    """A lab with one fault."""

    fault: Fault
    account: str
    stage: Stage
    address: str

    def told(self, received: Sequence[Message]) -> Message | None:
        """The message that its receiver got about the connection's tunnels; there may be others about its options."""
        mine = (m for m in received if m.receiver == SHOWN[self.fault.name] and f"account {self.account}" in m.text)
        return next((m for m in mine if m.firing and re.search("(of 2 tunnels|no tunnel) up", m.text)), None)

    def ended(self, received: Sequence[Message]) -> bool:
        """Whether that message was followed by its end, which says no more than which one it is."""
        told = self.told(received)
        return told is not None and any(m.conversation == told.conversation and not m.firing for m in received)


@contextmanager
def rehearsed(folder: Path) -> Iterator[list[Rehearsed]]:
    """All labs, well, each with its exporter."""
    with ExitStack() as stack:

        def make(number: int, name: str) -> Rehearsed:
            fault, account = FAULTS[name], f"{number:012}"
            lab = stack.enter_context(Lab(fault.plan))
            cloud = stack.enter_context(Cloud(lab, Clock(pace=1), account))
            stage = Stage(lab, cloud)
            own = folder / name
            own.mkdir()
            lab.until(lambda: fault.before(stage), f"{name}: the state before it")
            return Rehearsed(fault, account, stage, stack.enter_context(exporter(own, lab, cloud, CONFIG)))

        yield [make(number, name) for number, name in enumerate(SHOWN, 1)]


def test_each_fault_is_told_with_its_cause_and_ends_with_its_remedy(tmp_path: Path) -> None:
    received: list[Message] = []
    with (
        rehearsed(tmp_path) as all_of_them,
        pages(tmp_path, [one.address for one in all_of_them], received.append, SPEED),
        ThreadPoolExecutor() as side_by_side,
    ):
        list(side_by_side.map(lambda one: bring_about(one.stage, one.fault), all_of_them))
        for one in all_of_them:
            wait_for(partial(one.told, received), _PATIENCE, f"a message: {one.fault.name}", tmp_path)
            told = one.told(received)
            assert told
            assert TUNNELS[1].outside in told.text
            assert any(cause.replace("_", " ") in told.text for cause in one.fault.causes), told.text
            assert not one.ended(received)
        for one in all_of_them:
            assert one.fault.remedy
            one.fault.remedy.done(one.stage)
        for one in all_of_them:
            wait_for(partial(one.ended, received), _PATIENCE, f"its end: {one.fault.name}", tmp_path)
    keys = {tunnel.key for one in all_of_them for tunnel in one.stage.lab.device.values()}
    assert not [key for message in received for key in keys if key in message.title + message.text]
