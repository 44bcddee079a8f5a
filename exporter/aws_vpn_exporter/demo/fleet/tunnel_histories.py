"""What the exporter's optional sources can learn about a tunnel: traffic, log, maintenance and negotiated values.

Each history that is named here fits one situation of `situations`; the moments at which the tunnels go down are there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .log_lines import LogLine
from .timeline import DAY, HOUR, LONG_AGO, MINUTE, Timeline, always

USUAL_RATE = 40_000.0
"""Bytes per second that a tunnel receives while it is up, unless its history says otherwise."""

NEGOTIATED: Mapping[str, object] = {
    "IkeVersion": "ikev2",
    "Phase1EncryptionAlgorithm": "AES256",
    "Phase1IntegrityAlgorithm": "SHA2-256",
    "Phase1DHGroup": 20,
    "Phase2EncryptionAlgorithm": "AES256",
    "Phase2IntegrityAlgorithm": "SHA2-256",
    "Phase2DHGroup": 20,
}

REKEYS = (
    LogLine(-7800, "AWS tunnel is sending request (id=17) for CREATE_CHILD_SA", phase2="rekeying", every=2700),
    LogLine(-7799.8, "AWS tunnel processed response (id=17) for CREATE_CHILD_SA", every=2700),
)
"""Phase 2 is renewed every 45 minutes."""


@dataclass(frozen=True)
class TunnelHistory:
    """What happened, and will happen, to one tunnel beside its state. Times count from the start of the scenario.

    `receive_rates` is in bytes per second; None means the usual rate while the tunnel is up, and nothing while it is
    down. What AWS sends is a quarter of that, unless `send_rates` says otherwise. `log_lines` are written only if the
    tunnel's options turn its log on. `pending_maintenance`, `maintenance_auto_applied_after` and `last_maintenance` are
    what GetVpnTunnelReplacementStatus reports. `negotiated` is what GetActiveVpnTunnelStatus reports while it is up.
    """

    receive_rates: Timeline[float] | None = None
    send_rates: Timeline[float] | None = None
    log_lines: tuple[LogLine, ...] = REKEYS
    pending_maintenance: str = ""
    maintenance_auto_applied_after: float | None = None
    last_maintenance: float | None = -40 * DAY
    negotiated: Mapping[str, object] = field(default_factory=lambda: NEGOTIATED)

    def receive_rate(self, moment: float, up: bool) -> float:
        """Return the bytes per second received at a moment, at which the tunnel is up or not."""
        if self.receive_rates is None:
            return USUAL_RATE if up else 0.0
        return self.receive_rates.at(moment)[0]

    def send_rate(self, moment: float, up: bool) -> float:
        """Return the bytes per second that AWS sends at a moment, at which the tunnel is up or not."""
        if self.send_rates is None:
            return self.receive_rate(moment, up) / 4
        return self.send_rates.at(moment)[0]


def usual_rate_until(moment: float, then: float = 0.0) -> Timeline[float]:
    """Make the rates of a tunnel whose traffic drops to so many bytes per second at a moment."""
    return Timeline(((LONG_AGO, USUAL_RATE), (moment, then)))


UNEVENTFUL = TunnelHistory()
NOT_REKEYED_YET = TunnelHistory(
    log_lines=(), negotiated={name: value for name, value in NEGOTIATED.items() if name != "Phase2DHGroup"}
)
"""The group of phase 2 is negotiated at the first rekey, and not with the tunnel."""
NO_TRAFFIC = TunnelHistory(receive_rates=usual_rate_until(-2 * HOUR))
ONE_WAY = TunnelHistory(receive_rates=usual_rate_until(-2 * HOUR), send_rates=always(48_000.0))
NOTHING_EITHER_WAY = TunnelHistory(receive_rates=always(0.0))
REKEY_COLLISION = TunnelHistory(
    receive_rates=usual_rate_until(-9 * MINUTE),
    log_lines=(
        LogLine(-540.4, "AWS tunnel is sending request (id=52) for CREATE_CHILD_SA", phase2="rekeying"),
        LogLine(-540.2, "AWS tunnel detected a (CHILD_REKEY) collision as CHILD_DELETE", phase2="down"),
        LogLine(-540, "AWS tunnel received DELETE for Phase 2 SA with SPI: c81d22e7", phase2="down"),
    ),
)
PREFIX_LIMIT = TunnelHistory(
    receive_rates=usual_rate_until(-12 * MINUTE),
    log_lines=(
        *REKEYS,
        LogLine(
            -1500,
            "AWS-side peer is reporting a maximum prefix limit warning - received 95 prefixes from neighbor "
            "169.254.0.9, limit is 100",
            bgp_status="UP",
        ),
        LogLine(
            -720.2,
            "AWS-side peer detected the maximum prefix limit was exceeded - received 101 prefixes from neighbor "
            "169.254.0.9, limit is 100",
            bgp_status="UP",
        ),
        LogLine(
            -720,
            "AWS-side peer sent a notification 6/1 (Cease/Maximum Number of Prefixes Reached) to neighbor 169.254.0.9",
            bgp_status="DOWN",
        ),
        LogLine(
            -690,
            "AWS-side peer BGP session state has changed from Connect to Active with neighbor 169.254.0.9",
            bgp_status="DOWN",
            every=120,
        ),
    ),
)
MAINTENANCE_PENDING = TunnelHistory(pending_maintenance="available", maintenance_auto_applied_after=3 * DAY)
ENDPOINT_REPLACED = TunnelHistory(
    receive_rates=usual_rate_until(-6 * MINUTE), log_lines=(), last_maintenance=-6 * MINUTE - 20
)
IDLE_TIMEOUT = TunnelHistory(
    receive_rates=usual_rate_until(-25 * MINUTE),
    log_lines=(
        LogLine(-600.2, "AWS tunnel received DELETE for Phase 2 SA with SPI: c4f3a1d2", phase2="down"),
        LogLine(-600, "AWS tunnel received DELETE for IKE_SA from CGW", "down", "down"),
    ),
)
REKEY_REFUSED = TunnelHistory(
    receive_rates=usual_rate_until(-18 * MINUTE),
    log_lines=(
        LogLine(-1080.4, "AWS tunnel is sending request (id=41) for CREATE_CHILD_SA", phase2="rekeying"),
        LogLine(-1080.2, 'No Proposal Match Found. Notifying with "No proposal chosen"', phase2="negotiating"),
        LogLine(-1080, "AWS tunnel Phase 2 was unable to establish while keeping Phase 1", phase2="down", every=60),
    ),
)
DEAD_PEER = TunnelHistory(
    # A few bytes still arrive: data does not mean that a tunnel is up.
    receive_rates=usual_rate_until(-14 * MINUTE - 30, then=120),
    log_lines=(LogLine(-840, "AWS tunnel DPD timed out after 3 retransmits", "down", "down"),),
)
PRE_SHARED_KEY_MISMATCH = TunnelHistory(
    receive_rates=always(0.0),
    log_lines=(
        LogLine(-1800, "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.17", "negotiating", "down", 60),
        LogLine(-1799.8, "AWS tunnel is sending AUTHENTICATION_FAILED as the response", "down", "down", 60),
    ),
)
GATEWAY_UNREACHABLE = TunnelHistory(
    receive_rates=usual_rate_until(-22 * MINUTE),
    log_lines=(
        LogLine(
            -1260,
            "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.23",
            "down",
            "down",
            every=60,
        ),
    ),
)
BGP_SESSION_LOST = TunnelHistory(
    receive_rates=usual_rate_until(-26 * MINUTE),
    log_lines=(
        *REKEYS,
        LogLine(
            -1560.4, "AWS-side peer sent a Hold Timer Expired notification to neighbor 169.254.0.9", bgp_status="DOWN"
        ),
        LogLine(
            -1560.2,
            "AWS-side peer BGP session state has changed from Established to Idle with neighbor 169.254.0.9",
            bgp_status="DOWN",
        ),
        LogLine(
            -1530,
            "AWS-side peer BGP session state has changed from Connect to Active with neighbor 169.254.0.9",
            bgp_status="DOWN",
            every=120,
        ),
    ),
)
