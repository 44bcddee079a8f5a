"""What the simulated AWS can tell of a tunnel beside its state: traffic, log lines, maintenance, what was negotiated.

Times are seconds since the start of the scenario; those before it are negative. The wording of the log lines is AWS's
own, from the Site-to-Site VPN user guide ("Site-to-Site VPN log contents").
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

BUSY = 40_000.0
"""Bytes per second that a tunnel receives while it is well; it sends a quarter of that."""

_LONG_AGO = -365 * 86400.0


@dataclass(frozen=True)
class Line:
    """A line of a tunnel's log, written `at` one moment or, with `every`, again and again from then on.

    `phase1` and `phase2` are the IKE states that the activity log adds; a line of the BGP log has `bgp` instead.
    """

    at: float
    detail: str
    phase1: str = "established"
    phase2: str = "established"
    every: float | None = None
    bgp: str = ""

    def moments(self, begin: float, end: float) -> Iterator[float]:
        """When it is written, from `begin` up to and with `end`."""
        moment = self.at
        if self.every and begin > moment:
            moment += -(-(begin - moment) // self.every) * self.every
        while moment <= end:
            if moment >= begin:
                yield moment
            if not self.every:
                return
            moment += self.every

    def text(self, tunnel: str, moment: float) -> str:
        """The line as it stands in the log of a tunnel, written at a Unix time."""
        stamp = {
            "event_timestamp": round(moment * 1000),
            "timestamp": datetime.fromtimestamp(moment, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
            + "Z",
        }
        if self.bgp:
            message = {"details": self.detail}
            return json.dumps(
                {"resource_id": tunnel, **stamp, "type": "BGPStatus", "status": self.bgp, "message": message}
            )
        states = {"ike_phase1_state": self.phase1, "ike_phase2_state": self.phase2}
        return json.dumps({**stamp, "details": self.detail, "dpd_enabled": True, "nat_t_detected": False, **states})


_REKEYS = (
    Line(-7800, "AWS tunnel is sending request (id=17) for CREATE_CHILD_SA", phase2="rekeying", every=2700),
    Line(-7799.8, "AWS tunnel processed response (id=17) for CREATE_CHILD_SA", every=2700),
)

NEGOTIATED: Mapping[str, object] = {
    "IkeVersion": "ikev2",
    "Phase1EncryptionAlgorithm": "AES256",
    "Phase1IntegrityAlgorithm": "SHA2-256",
    "Phase1DHGroup": 20,
    "Phase2EncryptionAlgorithm": "AES256",
    "Phase2IntegrityAlgorithm": "SHA2-256",
    "Phase2DHGroup": 20,
}


@dataclass(frozen=True)
class Story:
    """One tunnel's. `rates` are bytes per second and the moment from which each holds; None follows the tunnel's state.

    `lines` are written only where the tunnel's options turn its log on.
    """

    rates: tuple[tuple[float, float], ...] | None = None
    lines: tuple[Line, ...] = ()
    pending: str = ""
    auto_applied_after: float | None = None
    last_applied: float | None = -40 * 86400.0
    negotiated: Mapping[str, object] = field(default_factory=lambda: NEGOTIATED)

    def rate(self, moment: float, up: bool) -> float:
        """Bytes per second received at a moment."""
        if self.rates is None:
            return BUSY if up else 0.0
        index = bisect_right([second for second, _ in self.rates], moment) - 1
        return self.rates[max(index, 0)][1]


def until(moment: float, after: float = 0.0) -> tuple[tuple[float, float], ...]:
    """Traffic that ends at a moment, but for so many bytes per second."""
    return ((_LONG_AGO, BUSY), (moment, after))


ROUTINE = Story(lines=_REKEYS)
SILENT = Story(rates=until(-2 * 3600.0), lines=_REKEYS)
PENDING = Story(lines=_REKEYS, pending="available", auto_applied_after=3 * 86400.0)
REPLACED = Story(rates=until(-6 * 60.0), last_applied=-6 * 60.0 - 20)

IDLE = Story(
    rates=until(-25 * 60.0),
    lines=(
        Line(-600.2, "AWS tunnel received DELETE for Phase 2 SA with SPI: c4f3a1d2", phase2="down"),
        Line(-600, "AWS tunnel received DELETE for IKE_SA from CGW", "down", "down"),
    ),
)
REKEY_REFUSED = Story(
    rates=until(-8 * 60.0),
    lines=(
        Line(-480.4, "AWS tunnel is sending request (id=41) for CREATE_CHILD_SA", phase2="rekeying"),
        Line(-480.2, 'No Proposal Match Found. Notifying with "No proposal chosen"', phase2="negotiating"),
        Line(-480, "AWS tunnel Phase 2 was unable to establish while keeping Phase 1", phase2="down", every=60),
    ),
)
DEAD_PEER = Story(
    rates=until(-7 * 60.0 - 30, after=120),  # a few bytes still arrive: data does not mean that a tunnel is up
    lines=(Line(-420, "AWS tunnel DPD timed out after 3 retransmits", "down", "down"),),
)
WRONG_KEY = Story(
    rates=((_LONG_AGO, 0.0),),
    lines=(
        Line(-1800, "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.17", "negotiating", "down", 60),
        Line(-1799.8, "AWS tunnel is sending AUTHENTICATION_FAILED as the response", "down", "down", 60),
    ),
)
UNREACHABLE = Story(
    rates=until(-12 * 60.0),
    lines=(
        Line(
            -400,
            "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.23",
            "down",
            "down",
            every=60,
        ),
    ),
)
BGP_LOST = Story(
    rates=until(-15 * 60.0),
    lines=(
        *_REKEYS,
        Line(-900.4, "AWS-side peer sent a Hold Timer Expired notification to neighbor 169.254.0.9", bgp="DOWN"),
        Line(
            -900.2,
            "AWS-side peer BGP session state has changed from Established to Idle with neighbor 169.254.0.9",
            bgp="DOWN",
        ),
        Line(
            -870,
            "AWS-side peer BGP session state has changed from Connect to Active with neighbor 169.254.0.9",
            bgp="DOWN",
            every=120,
        ),
    ),
)

STRANGER = "vpn-0ffffffffffffffff_203.0.113.254"
"""A tunnel of another account that writes into the same log group: whoever takes its lines for ours finds causes."""

STRANGERS_LINES = (Line(-3000, "AWS tunnel DPD timed out after 3 retransmits", "down", "down", every=300),)
