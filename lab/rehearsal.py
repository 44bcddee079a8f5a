"""A fault shown from beginning to end: what really happened, what was said of it, and whether the remedy helped."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.cloud import Cloud
from lab.faults import Fault, Stage
from lab.laboratory import Lab
from lab.network import TUNNELS
from lab.watchers import DEVICE

_CONFIG = """
regions: [eu-west-1]
traffic: {interval: 1m, period: 1m}
maintenance: {}
negotiated: {}
logs: {}
"""
"""Everything that the exporter can read is turned on, and it has the device's own file."""


@dataclass(frozen=True)
class Verdict:
    """What `diagnose` says of tunnel 1. Causes are named with their confidence, the best first."""

    state: str
    message: str
    causes: Sequence[tuple[str, str]] = ()
    evidence: Sequence[str] = ()
    against: Sequence[str] = ()
    """The facts that speak for the best cause, and against it."""
    remedy: str = ""
    commands: Sequence[str] = ()
    """The changes that are printed for the best cause, whether or not they are advised now."""

    @property
    def likely(self) -> frozenset[str]:
        """The causes that are called likely."""
        return frozenset(cause for cause, confidence in self.causes if confidence == "likely")


@dataclass
class Rehearsal:
    """What came of a fault. Seconds are the lab's; None where it does not apply."""

    fault: Fault
    verdict: Verdict
    seconds_until_seen: float = 0.0
    log: list[tuple[float, str]] = field(default_factory=list)
    """What AWS logged of tunnel 1 since the fault began: seconds after it, and the text."""
    seconds_until_up: float | None = None
    rekeys_survived: int = 0
    fell_again: bool = False


@contextmanager
def staged(fault: Fault) -> Iterator[Stage]:
    """A lab for the fault under its simulated AWS, before the fault is brought about."""
    with Lab(fault.plan) as lab, Cloud(lab) as cloud:
        stage = Stage(lab, cloud)
        lab.until(lambda: fault.before(stage), f"{fault.name}: the state before it")
        yield stage


def bring_about(stage: Stage, fault: Fault) -> float:
    """Do what the fault is, and wait until it has taken effect; the seconds that this took. Raises LabError."""
    stage.begun, stage.rekeys = time.time(), stage.lab.associations[1].status.rekeys
    fault.act(stage)
    stage.lab.until(lambda: fault.seen(stage), f"{fault.name}: its effect", within=40)
    return time.time() - stage.begun


def ask(stage: Stage, policies: str = DEVICE) -> Verdict:
    """Ask the exporter about tunnel 1; it has the device's file, unless other policies are given."""
    with tempfile.TemporaryDirectory(prefix="vpn-lab-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(_CONFIG + policies)
        config.with_name("swanctl.conf").write_text(stage.lab.device_text())
        said = stage.cloud.diagnose(config)
    one = next(tunnel for tunnel in said["tunnels"] if tunnel["tunnel_ip"] == TUNNELS[1].outside)
    causes: Sequence[Mapping[str, Any]] = one["causes"]
    best: Mapping[str, Any] = causes[0] if causes else {"evidence": (), "remedy": "", "repair": {"change": ()}}
    return Verdict(
        one["state"],
        one["message"],
        tuple((cause["cause"], cause["confidence"]) for cause in causes),
        tuple(best["evidence"]),
        tuple(best.get("against", ())),
        best["remedy"],
        tuple(best["repair"]["change"]),
    )


def rehearse(fault: Fault) -> Rehearsal:
    """Show a fault and its remedy. Raises LabError where it cannot be shown, or the remedy does not help."""
    with staged(fault) as stage:
        seconds = bring_about(stage, fault)
        made = Rehearsal(fault, ask(stage), seconds)
        made.log = [(record.moment - stage.begun, record.detail) for record in stage.records()]
        if fault.remedy is not None:
            _mend(stage, fault, made)
    return made


def _mend(stage: Stage, fault: Fault, made: Rehearsal) -> None:
    assert fault.remedy is not None
    begin = time.time()
    fault.remedy.done(stage)
    stage.lab.until(lambda: stage.lab.carries(1), f"{fault.name}: up again", within=40)
    made.seconds_until_up = time.time() - begin
    if fault.remedy.survives:
        made.fell_again = not survives_rekeys(stage, fault.remedy.survives)
        made.rekeys_survived = fault.remedy.survives


def survives_rekeys(stage: Stage, times: int) -> bool:
    """Wait for rekeys of tunnel 1, which is up; whether it did not fall meanwhile."""
    before = stage.lab.associations[1].status
    stage.lab.until(
        lambda: stage.lab.associations[1].status.rekeys - before.rekeys >= times, f"{times} rekeys", within=60
    )
    after = stage.lab.associations[1].status
    return after.child and after.since == before.since
