"""Lines of a tunnel's log in CloudWatch Logs, in the JSON format.

Their wording and fields are AWS's: the Site-to-Site VPN user guide, "Site-to-Site VPN log contents".
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class LogLine:
    """A line of a tunnel's VPN log or BGP log, written once or repeatedly.

    `at` is when it is first written, in seconds from the start of the scenario; with `every`, it is written again
    each time so many seconds have passed. `phase1` and `phase2` are the IKE states that a line of the VPN log gives.
    A line of the BGP log has the session's status in `bgp_status` instead.
    """

    at: float
    details: str
    phase1: str = "established"
    phase2: str = "established"
    every: float | None = None
    bgp_status: str = ""

    def times_between(self, begin: float, end: float) -> Iterator[float]:
        """Yield the times at which the line is written, from `begin` to `end`, both included."""
        time = self.at
        if self.every and begin > time:
            time += math.ceil((begin - time) / self.every) * self.every
        while time <= end:
            if time >= begin:
                yield time
            if not self.every:
                return
            time += self.every

    def message(self, tunnel: str, time: float) -> str:
        """Write the line as JSON. `tunnel` is AWS's name for it in the BGP log, and `time` a Unix time in seconds."""
        timestamp = datetime.fromtimestamp(time, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + "Z"
        times = {"event_timestamp": round(time * 1000), "timestamp": timestamp}
        if self.bgp_status:
            content: dict[str, object] = {
                "resource_id": tunnel,
                **times,
                "type": "BGPStatus",
                "status": self.bgp_status,
                "message": {"details": self.details},
            }
        else:
            content = {
                **times,
                "details": self.details,
                "dpd_enabled": True,
                "nat_t_detected": False,
                "ike_phase1_state": self.phase1,
                "ike_phase2_state": self.phase2,
            }
        return json.dumps(content)


OTHER_ACCOUNT_TUNNEL = "vpn-0ffffffffffffffff_203.0.113.254"
"""A tunnel of another account that writes to the same log group. The exporter must ignore its lines."""

OTHER_ACCOUNT_LINES = (LogLine(-3000, "AWS tunnel DPD timed out after 3 retransmits", "down", "down", every=300),)
