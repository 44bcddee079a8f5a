"""The lab's network: who is where, under which address, and how it is built.

    vpc ── vgw ═╤═ tun1 ═ aws1 ── ┐           ┌ ── site1 ═ tun1 ═╤═ cgw ── lan
                └─ tun2 ═ aws2 ── ┴── inet ── ┴ ── site2 ═ tun2 ═┘

Each name is a network namespace. AWS's two tunnel endpoints (aws1, aws2) and the customer gateway's two tunnels (site1,
site2) have an IKE daemon each; both of the site's have the same outside address. vgw and cgw are the routers at both
ends, with a BGP daemon each and both tunnels as devices. vpc and lan hold the hosts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lab.namespaces import Namespaces

NUMBERS = (1, 2)
"""The tunnels."""

SITE = "192.0.2.2"
"""The customer gateway's outside address, as AWS sees it."""

VPC_NETWORK, SITE_NETWORK = "10.99.0.0/24", "10.50.0.0/24"
VPC_HOSTS = ("10.99.0.10", "10.99.0.11")
"""Hosts in the VPC that answer pings; static routes at the site lead to the first by tunnel 1, to the second by 2."""
SITE_HOST = "10.50.0.10"
AWS_AS, SITE_AS = 64512, 65000

Side = Literal["aws", "site"]

_NAMES = ("inet", "aws1", "aws2", "vgw", "vpc", "site1", "site2", "cgw", "lan")
_ROUTERS = ("inet", "vgw", "cgw")
_HOST = {"ipv6/conf/default/disable_ipv6": 1, "ipv6/conf/all/disable_ipv6": 1}
"""Settings of the kernel, as far as it has them: nothing but the lab's own packets is in a tunnel."""

_ROUTER = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/fib_multipath_hash_policy": 1,
}
"""What a router needs beside."""


@dataclass(frozen=True)
class Tunnel:
    """One of the two tunnels: its addresses outside and inside, and the site's own behind NAT."""

    number: int
    outside: str
    hop: str
    """The internet's address on the link to AWS's endpoint."""

    @property
    def inside_cidr(self) -> str:
        """The /30 within the tunnel, as AWS reports it."""
        return f"169.254.{self.number}0.0/30"

    def inside(self, side: Side) -> str:
        """The address of a side within the tunnel."""
        return f"169.254.{self.number}0.{1 if side == 'aws' else 2}"

    @property
    def private(self) -> str:
        """The site's own address where it is behind a NAT box."""
        return f"10.{self.number}.0.2"

    @property
    def device(self) -> str:
        """The tunnel's device in the routers at both ends."""
        return f"tun{self.number}"

    def end(self, side: Side) -> str:
        """The namespace of a side's IKE daemon."""
        return f"{side}{self.number}"


TUNNELS = {1: Tunnel(1, "198.51.100.10", "198.51.100.9"), 2: Tunnel(2, "203.0.113.18", "203.0.113.17")}

ROUTER: dict[Side, str] = {"aws": "vgw", "site": "cgw"}
"""The namespace in which both tunnels of a side are devices."""


def build(namespaces: Namespaces, nat: bool) -> None:
    """Make everything but the daemons. `nat` puts a NAT box before the site."""
    namespaces.batch("", [*(f"netns add {name}" for name in _NAMES), *_cables()])
    for name in _NAMES:
        settings = {**_HOST, **(_ROUTER if name in _ROUTERS else {})}
        written = (
            f"[ ! -e /proc/sys/net/{key} ] || echo {value} >/proc/sys/net/{key}" for key, value in settings.items()
        )
        namespaces.run(name, "sh", "-ec", "\n".join(written))
        namespaces.batch(name, ["link set lo up", *_addresses(name, nat)])


def _cables() -> Sequence[str]:
    ends = [("inet", f"{kind[0]}{number}", f"{kind}{number}") for kind in ("aws", "site") for number in NUMBERS]
    ends += [("vgw", "vpc", "vpc"), ("cgw", "lan", "lan")]
    return [f"link add {near} netns {here} type veth peer name eth0 netns {there}" for here, near, there in ends]


def _addresses(name: str, nat: bool) -> Sequence[str]:
    if name == "inet":
        return _internet(nat)
    if name in ROUTER.values():
        device, address = ("vpc", "10.99.0.1/24") if name == "vgw" else ("lan", "10.50.0.1/24")
        return [f"address add {address} dev {device}", f"link set {device} up"]
    if name in ("vpc", "lan"):
        hosts, router = (VPC_HOSTS, "10.99.0.1") if name == "vpc" else ((SITE_HOST,), "10.50.0.1")
        return _host([f"{host}/24" for host in hosts], router)
    tunnel = TUNNELS[int(name[-1])]
    if name.startswith("aws"):
        return _host([f"{tunnel.outside}/30"], tunnel.hop)
    if nat:
        return _host([f"{tunnel.private}/30"], f"10.{tunnel.number}.0.1")
    return _host([f"{SITE}/30"], "192.0.2.1")


def _host(addresses: Sequence[str], router: str) -> Sequence[str]:
    own = [f"address add {address} dev eth0" for address in addresses]
    return [*own, "link set eth0 up", f"route add default via {router}"]


def _internet(nat: bool) -> Sequence[str]:
    commands = []
    for tunnel in TUNNELS.values():
        aws, site = f"a{tunnel.number}", f"s{tunnel.number}"
        commands += [f"address add {tunnel.hop}/30 dev {aws}", f"link set {aws} up", f"link set {site} up"]
        if nat:
            commands.append(f"address add 10.{tunnel.number}.0.1/30 dev {site}")
            continue
        # Both tunnels of the site have one address: what comes from an endpoint goes to the tunnel of that endpoint.
        table = 100 + tunnel.number
        commands += [
            f"address add 192.0.2.1/32 dev {site}",
            f"route add {SITE} dev {site} table {table}",
            f"rule add from {tunnel.outside} to {SITE} lookup {table} pref {table}",
        ]
    return [*commands, f"address add {SITE}/32 dev lo"] if nat else commands
