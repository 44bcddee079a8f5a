"""The tunnel has not fallen: it has never been up."""

from collections.abc import Iterator

from aws_vpn_exporter.diagnosis.aws_side import CREATED, changes_before_the_fall, told
from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Fact, Rule, hint, inference, state
from aws_vpn_exporter.diagnosis.facts import down_within, signs_of_life
from aws_vpn_exporter.wording import age, moment

_MADE_TOGETHER = 60.0
"""Seconds between the stamps of two tunnels that date from the connection's creation; 0 and 11 have been seen."""
_WEEKS = 14 * 86400.0
_A_DAY = 86400.0


def _seen_from_the_start(case: Case) -> Iterator[Fact]:
    """The exporter saw the connection appear, and the tunnel was never up since."""
    memory = case.memories.get(case.tunnel.outside_ip)
    if memory and memory.appeared and not memory.ever_up:
        yield state(
            f"The connection appeared at {moment(memory.first_seen)}, and the tunnel has never been up since (the "
            "exporter's own history)."
        )


def _just_created(case: Case) -> Iterator[Fact]:
    """The connection was created within 20 minutes before the status that AWS reports."""
    yield from (state(told(change)) for change in changes_before_the_fall(case, CREATED))


def _both_since_the_same_moment(case: Case) -> Iterator[Fact]:
    """All tunnels have been down since one moment, weeks ago, or a day ago and everything that is read is silent."""
    changed = case.changed
    if changed is None or not case.others:
        return
    if not all(down_within(tunnel, changed, _MADE_TOGETHER) for tunnel in case.others):
        return
    since = case.now - changed
    fact = f"All tunnels have been down since the same moment, {age(since)} ago, as from their creation (telemetry)."
    if since >= _WEEKS or (since >= _A_DAY and _everything_is_silent(case)):
        yield inference(fact)
    elif since >= _A_DAY:
        yield hint(fact)


def _everything_is_silent(case: Case) -> bool:
    """Whether both the log and the traffic are read, and say nothing."""
    logs = case.evidence.logs
    return case.log_is_read and logs is not None and not logs.latest and "traffic" in case.sources


def _down_for_weeks(case: Case) -> Iterator[Fact]:
    """The tunnel has been down for weeks, and the other is up."""
    since = 0.0 if case.changed is None else case.now - case.changed
    if since >= _WEEKS:
        yield hint(f"The tunnel has been down for {age(since)}, as one that nobody has set up (telemetry).")


def _has_been_up(case: Case) -> Iterator[Fact]:
    """Something shows that the tunnel has been up."""
    yield from map(state, signs_of_life(case))


NEVER_UP = Rule(
    CauseKind.NEVER_UP,
    lambda case: case.ipsec_down,
    (_seen_from_the_start, _just_created, _both_since_the_same_moment, _down_for_weeks),
    "Nothing has fallen: finish setting the tunnel up on the device, or say in a policy that it is parked "
    "(expected_tunnels).",
    "causes.md#never-up",
    "recordings: the stamps of tunnels that were never up lie seconds apart",
    refutes=(_has_been_up,),
    missing=lambda case: ("Whether it was up before the exporter watched it.",),
    turn_on=(LOG_ENABLED, "logs", "traffic"),
)
