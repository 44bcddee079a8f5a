"""The line between AWS and the site: cut, blocked for some packets, slow, lossy, or behind a NAT box."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from lab import inside, relay
from lab.namespaces import Namespaces
from lab.network import SITE, TUNNELS, Side

_TABLE = "add table ip line; add chain ip line forward { type filter hook forward priority 0; }"
_NAT = (
    "add table ip box; add chain ip box out { type nat hook postrouting priority 100; }; "
    f"add rule ip box out ip saddr 10.0.0.0/8 snat to {SITE}"
)

_FROM_AWS, _TO_AWS = "iifname", "oifname"
_BOTH = (_FROM_AWS, _TO_AWS)
# ESP is in UDP 4500 here, with an SPI where an IKE message has four zero bytes (RFC 3948).
_ESP, _IKE = "udp dport 4500 @th,64,32 != 0", "udp dport 4500 @th,64,32 0"

BLOCKS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "udp-500": (_BOTH, ("udp dport 500",)),
    "udp-500-from-aws": ((_FROM_AWS,), ("udp sport 500",)),
    "udp-4500": (_BOTH, ("udp dport 4500",)),
    "udp-4500-from-aws": ((_FROM_AWS,), ("udp sport 4500",)),
    "esp": (_BOTH, (_ESP,)),
    "esp-from-aws": ((_FROM_AWS,), (_ESP,)),
    "esp-to-aws": ((_TO_AWS,), (_ESP,)),
    "ike": (_BOTH, (_IKE, "udp dport 500")),
    "everything": (_BOTH, ("",)),
}
"""What can be blocked, by name: in which directions, and which packets in nftables' words."""


class Internet:
    """What happens on the line; everything is well at first."""

    def __init__(self, namespaces: Namespaces, nat: bool) -> None:
        self._namespaces = namespaces
        self._relay: int | None = None
        self._nft(_TABLE)
        if nat:
            self._nft(_NAT)

    def block(self, what: str, *tunnels: int) -> None:
        """Block one of BLOCKS on these tunnels, or on both."""
        for number in tunnels or TUNNELS:
            for direction, packets in product(*BLOCKS[what]):
                self._nft(f'add rule ip line forward {direction} "a{number}" {packets} drop')

    def cut(self, *tunnels: int) -> None:
        """Let nothing through on these tunnels, or on both."""
        self.block("everything", *tunnels)

    @contextmanager
    def closed(self, side: Side, number: int) -> Iterator[None]:
        """Let nothing reach an end while it is being set up: a daemon without connections refuses what it hears."""
        link = f"{side[0]}{number}"
        self._nft(
            f"add chain ip line gate_{link} {{ type filter hook forward priority -1; }}; "
            f'add rule ip line gate_{link} oifname "{link}" drop'
        )
        yield
        self._nft(f"flush chain ip line gate_{link}; delete chain ip line gate_{link}")

    def clear(self) -> None:
        """Let everything through again, at once."""
        self._nft("flush chain ip line forward")
        self._delay_nothing()

    def delay(self, seconds: float, loss: float = 0.0) -> None:
        """Let every packet take so long, one way, and lose this share of them."""
        self._delay_nothing()
        program = [sys.executable, str(Path(relay.__file__)), str(seconds), str(loss)]
        self._relay = self._namespaces.start("inet", program, inside.ROOM / "relay.log")
        self._namespaces.run("inet", "sh", "-c", f"until ip link show {relay.DEVICE}; do sleep 0.02; done 2>/dev/null")
        self._namespaces.batch("inet", _through_relay())

    def _delay_nothing(self) -> None:
        if self._relay is None:
            return
        self._namespaces.batch("inet", [f"rule del pref {pref}" for pref in _PREFERENCES])
        self._namespaces.end(self._relay, 9)
        self._relay = None

    def _nft(self, commands: str) -> None:
        self._namespaces.run("inet", "nft", commands)


_PREFERENCES = (40, 41, 50, 51, 52, 53)


def _through_relay() -> Sequence[str]:
    """Routes that lead every packet through the relay once: what comes out of it takes the usual way."""
    links = [f"{kind}{number}" for number in TUNNELS for kind in ("a", "s")]
    own = [
        f"rule add from {tunnel.outside} to {SITE} iif {relay.DEVICE} lookup {100 + number} pref {39 + number}"
        for number, tunnel in TUNNELS.items()
    ]
    detour = [f"rule add iif {link} lookup 50 pref {50 + index}" for index, link in enumerate(links)]
    return [f"link set {relay.DEVICE} up", f"route add default dev {relay.DEVICE} table 50", *own, *detour]
