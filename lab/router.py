"""The routers at both ends: a tunnel's device is up while its IKE daemon has a child SA, and static routes with it."""

from collections.abc import Mapping

from lab.namespaces import Namespaces
from lab.network import ROUTER, SITE_NETWORK, TUNNELS, VPC_HOSTS, VPC_NETWORK, Side


class Router:
    """The devices of both tunnels on one side. `static` maps a network to the tunnel that is preferred for it."""

    def __init__(self, namespaces: Namespaces, side: Side, static: Mapping[str, int]) -> None:
        self._namespaces = namespaces
        self._side: Side = side
        self._static = dict(static)
        self._up: set[int] = set()

    def set_up(self, number: int, up: bool) -> None:
        """Set a tunnel's device up, with its routes, or down, which takes them away."""
        self._up = self._up | {number} if up else self._up - {number}
        device, router = TUNNELS[number].device, ROUTER[self._side]
        if up:
            self._namespaces.batch(router, [f"link set {device} up", *self._routes(number)])
        else:  # the device vanishes by itself where the daemon has ended
            self._namespaces.run(router, "ip", "link", "set", device, "down", check=False)

    @property
    def networks(self) -> list[str]:
        """The networks that are routed without BGP."""
        return list(self._static)

    def add_route(self, network: str) -> None:
        """Route a network through whatever tunnel is up, the first one before the second."""
        self._static[network] = 1
        for number in sorted(self._up):
            self._namespaces.batch(ROUTER[self._side], self._routes(number))

    def delete_route(self, network: str) -> None:
        """Route a network through no tunnel any more."""
        if self._static.pop(network, None) is not None:
            for _ in self._up:
                self._namespaces.run(ROUTER[self._side], "ip", "route", "delete", network, check=False)

    def _routes(self, number: int) -> list[str]:
        device = TUNNELS[number].device
        return [
            f"route replace {network} dev {device} metric {1 if first == number else 2}"
            for network, first in self._static.items()
        ]


STATIC: Mapping[Side, Mapping[str, int]] = {
    "aws": {SITE_NETWORK: 1},
    "site": {VPC_NETWORK: 1, f"{VPC_HOSTS[0]}/32": 1, f"{VPC_HOSTS[1]}/32": 2},
}
"""The routes where there is no BGP."""
