"""What this process itself saw of each tunnel. Pure: the history before, and new connections, make the next history.

AWS shows the present only. Whether a tunnel has ever been up, and how often it fell, is known to whoever watched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aws_vpn_exporter.model import Connection, Telemetry, TunnelId

_FALLS = 10
"""How many falls of a tunnel are kept."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen of one tunnel. Times are Unix times in seconds.

    `appeared` is whether the tunnel came into an answer after the first one: then all of its life was watched. `falls`
    are the latest moments at which it was seen to go from UP to DOWN, oldest first.
    """

    first_seen: float
    appeared: bool = False
    ever_up: bool = False
    up: bool | None = None
    falls: tuple[float, ...] = ()


History = Mapping[TunnelId, Memory]


def remembered(before: History | None, connections: Iterable[Connection], now: float) -> History:
    """The history after an answer of AWS that came at `now`; `before` is None for the first answer.

    The same object where nothing has changed, so that others can tell by identity.
    """
    after = {
        TunnelId(connection.id, tunnel.outside_ip): _seen(
            (before or {}).get(TunnelId(connection.id, tunnel.outside_ip))
            or Memory(now, appeared=before is not None and connection.id not in {known for known, _ in before}),
            tunnel.telemetry,
            now,
        )
        for connection in connections
        for tunnel in connection.tunnels
        if tunnel.outside_ip
    }
    return before if before == after and before is not None else after


def _seen(memory: Memory, telemetry: Telemetry | None, now: float) -> Memory:
    up = telemetry.up if telemetry else None
    if up is None or up == memory.up:
        return memory
    fell = memory.up is True and not up
    return replace(
        memory, up=up, ever_up=memory.ever_up or up, falls=(*memory.falls, now)[-_FALLS:] if fell else memory.falls
    )
