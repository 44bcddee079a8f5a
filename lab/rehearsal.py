"""A fault shown from beginning to end: what really happened, what was said of it, and whether the remedy helped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.faults import Fault, Stage
from lab.fleet import LabFleet
from lab.laboratory import Lab
from lab.pace import Clock


@dataclass
class Rehearsal:
    """What came of a fault. Seconds are the lab's; None where it does not apply."""

    fault: Fault
    seconds_until_seen: float = 0.0
    log: list[tuple[float, str]] = field(default_factory=list)
    """What AWS logged of tunnel 1 since the fault began: seconds after it, and the text."""
    telemetry: tuple[str, str] = ("", "")
    """Tunnel 1's status and message when the fault had taken effect."""
    seconds_until_up: float | None = None
    rekeys_survived: int = 0


Look = Callable[[Stage], None]
"""Called when the fault has taken effect, before the remedy."""


@contextmanager
def staged(fault: Fault) -> Iterator[Stage]:
    """A lab for the fault, before it is brought about."""
    clock = Clock()
    with Lab(fault.plan) as lab:
        stage = Stage(lab, LabFleet(lab, clock))
        lab.until(lambda: fault.before(stage), f"{fault.name}: the state before it")
        yield stage


def rehearse(fault: Fault, look: Look = lambda stage: None) -> Rehearsal:
    """Show a fault and its remedy. Raises LabError where it cannot be shown, or the remedy does not help."""
    made = Rehearsal(fault)
    with staged(fault) as stage:
        lab = stage.lab
        stage.begun, stage.rekeys = time.time(), lab.associations[1].status.rekeys
        fault.act(stage)
        lab.until(lambda: fault.seen(stage), f"{fault.name}: its effect", within=40)
        made.seconds_until_seen = time.time() - stage.begun
        made.telemetry = stage.telemetry()
        look(stage)
        made.log = [(record.moment - stage.begun, record.detail) for record in stage.records()]
        if fault.remedy is not None:
            _mend(stage, made)
    return made


def _mend(stage: Stage, made: Rehearsal) -> None:
    remedy = made.fault.remedy
    assert remedy is not None
    begin = time.time()
    remedy.done(stage)
    stage.lab.until(lambda: stage.lab.carries(1), f"{made.fault.name}: up again", within=40)
    made.seconds_until_up = time.time() - begin
    if remedy.survives:
        falls = stage.lab.associations[1].status.since
        stage.rekeys = stage.lab.associations[1].status.rekeys
        stage.lab.until(lambda: stage.rekeyed(remedy.survives), f"{made.fault.name}: a rekey after it", within=40)
        if stage.lab.associations[1].status.since == falls:
            made.rekeys_survived = remedy.survives
