"""The lab as a whole: two tunnels between a VPC and a site, with everything at work that is at work in the field."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from lab import certificates, device, inside, network, options
from lab.agent import Agent, Initiates
from lab.associations import Associations
from lab.bird import USUAL, Bird, Routing
from lab.charon import ANYWHERE, Charon, Message
from lab.device import Changes, DeviceTunnel
from lab.internet import Internet
from lab.keepalive import Keepalive
from lab.namespaces import LabError, Namespaces
from lab.network import NUMBERS, TUNNELS, Side
from lab.options import TunnelOptions
from lab.pace import PACE
from lab.router import STATIC, Router
from lab.watch import Watch

log = logging.getLogger(__name__)

_COUNTING = 0.25
"""Seconds between two looks at the byte counters."""


def _key() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Plan:
    """How the lab is built: what differs from two tunnels with BGP that fit each other.

    `options` are AWS's by tunnel, in the form of its answer, and `device` the device's settings by tunnel. `selectors`
    are the networks of the site and of the VPC that AWS's traffic selectors are narrowed to. With `certificates` nobody
    has a pre-shared key.
    """

    routing: Literal["bgp", "static"] = "bgp"
    nat: bool = False
    certificates: bool = False
    pace: int = PACE
    initiates: Initiates = "always"
    options: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    device: Mapping[int, Changes] = field(default_factory=dict)
    selectors: tuple[str, str] = (ANYWHERE, ANYWHERE)
    routers: Mapping[Side, Routing] = field(default_factory=lambda: USUAL)


class Lab:
    """Everything that runs, between `with` and its end. Methods may be called from any thread."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.namespaces = Namespaces()
        keys = {number: _key() for number in NUMBERS}
        self.options = {number: TunnelOptions(keys[number], self.plan.options.get(number, {})) for number in NUMBERS}
        certificate = certificates.DEVICE if self.plan.certificates else ""
        self.device = {
            number: DeviceTunnel(keys[number], certificate=certificate).changed(**self.plan.device.get(number, {}))
            for number in NUMBERS
        }
        ends = dict(zip(("site", "aws"), self.plan.selectors, strict=True))
        self.charons = {
            (side, number): Charon(self.namespaces, side, TUNNELS[number], ends[side])
            for side in network.ROUTER
            for number in NUMBERS
        }
        self.birds = {side: Bird(self.namespaces, side, self.plan.routers[side]) for side in network.ROUTER}
        static = STATIC if self.plan.routing == "static" else {"aws": {}, "site": {}}
        self.routers = {side: Router(self.namespaces, side, static[side]) for side in network.ROUTER}
        self.associations = {number: Associations() for number in NUMBERS}
        self.agent = Agent(self.namespaces, {n: self.charons["site", n] for n in NUMBERS}, self.plan.initiates)
        self._watches: dict[tuple[Side, int], Watch] = {}
        self._closed = threading.Event()
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.namespaces)
            network.build(self.namespaces, self.plan.nat)
            if self.plan.certificates:
                certificates.make(self.namespaces)
            self.internet = Internet(self.namespaces, self.plan.nat)
            with ThreadPoolExecutor() as side_by_side:
                list(side_by_side.map(self.start, self.charons))
            for key in self.charons:
                starting.callback(self._watches[key].close)
            if self.plan.routing == "bgp":
                for bird in self.birds.values():
                    bird.start()
            counting = threading.Thread(target=self._count, name="count", daemon=True)
            counting.start()
            starting.callback(counting.join)
            starting.callback(self._closed.set)
            self.agent.start()
            starting.callback(self.agent.close)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def start(self, key: tuple[Side, int]) -> None:
        """Start the IKE daemon of a side for a tunnel, and set it as `options` or `device` say."""
        side, number = key
        with self.internet.closed(side, number):
            self.charons[key].start()
            if key not in self._watches:
                self._watches[key] = Watch(self.charons[key], self._hearer(side, number))
            self._watches[key].ready()
            self.routers[side].set_up(number, self._always_up(side))
            self.configure(key)

    def end(self, key: tuple[Side, int], in_order: bool = False) -> None:
        """End the IKE daemon of a side for a tunnel, as a power cut would, or in order: then it tells its peer."""
        charon = self.charons[key]
        (charon.stop if in_order else charon.kill)()
        self._watches[key].gone()

    def configure(self, key: tuple[Side, int]) -> None:
        """Set a running daemon anew. SAs that exist go on as they are."""
        side, number = key
        charon = self.charons[key]
        if side == "aws":
            self._configure_endpoint(number)
            return
        # Both daemons read it, perhaps at this moment: it is replaced as a whole.
        written = self.namespaces.outside(self.device_file.with_suffix(f".{number}"))
        written.write_text(self.device_text(self.plan.pace))
        written.replace(self.namespaces.outside(self.device_file))
        uri, path = f"unix://{charon.folder}/vici", str(self.device_file)
        self.namespaces.run("", "swanctl", "--load-all", "--uri", uri, "--file", path)

    def _configure_endpoint(self, number: int) -> None:
        tunnel, told, charon = TUNNELS[number], self.options[number], self.charons["aws", number]
        ends = certificates.authentication(self.namespaces, tunnel) if self.plan.certificates else None
        if self.plan.certificates:
            with charon.session() as session:
                certificates.load(self.namespaces, session, tunnel)
        made = options.connection(tunnel, told, self.plan.selectors, self.plan.pace, ends)
        charon.load(made, [] if self.plan.certificates else [options.secret(told)])

    @property
    def device_file(self) -> Path:
        """The device's swanctl.conf, as the lab's processes see it."""
        return inside.ROOM / "swanctl.conf"

    def device_text(self, pace: int = 1) -> str:
        """The device's swanctl.conf as an engineer would have it, or with the lab's shortened times."""
        tunnels = {TUNNELS[number]: one for number, one in self.device.items()}
        return device.configuration(tunnels, pace, self.plan.nat)

    def set_device(self, number: int, **changes: Any) -> None:
        """Change the device's settings of a tunnel, as `DeviceTunnel.changed`. SAs that exist go on as they are."""
        self.device[number] = self.device[number].changed(**changes)
        self.configure(("site", number))

    def restart_tunnel(self, number: int) -> None:
        """End the device's IKE SA of a tunnel, in order; whether it begins anew is the agent's affair."""
        self.charons["site", number].terminate(f"tunnel{number}")

    def set_options(self, number: int, changes: Mapping[str, Any]) -> None:
        """Change AWS's options of a tunnel. SAs that exist go on as they are."""
        self.options[number] = self.options[number].changed(changes)
        self.configure(("aws", number))

    def set_routing(self, side: Side, **changes: Any) -> None:
        """Change a side's BGP."""
        self.birds[side].set(replace(self.birds[side].routing, **changes))

    def carries(self, number: int) -> bool:
        """Whether a tunnel is up at AWS's end, with its BGP session where there is one."""
        if not self.associations[number].status.child:
            return False
        return self.plan.routing == "static" or self.birds["aws"].sessions()[number].state == "Established"

    def until(self, true: Callable[[], object], what: str, within: float = 30.0) -> float:
        """Wait until something is so; the seconds that it took. Raises LabError."""
        begin = time.monotonic()
        while not true():
            if time.monotonic() - begin > within:
                raise LabError(f"not within {within:.0f} s: {what}")
            time.sleep(0.05)
        return time.monotonic() - begin

    def until_up(self, *numbers: int) -> float:
        """Wait until these tunnels, or both, are up; the seconds that it took. Raises LabError."""
        wanted = numbers or NUMBERS
        try:
            return self.until(lambda: all(map(self.carries, wanted)), f"tunnels {wanted} are up")
        except LabError as error:
            raise LabError("\n".join((str(error), *self._ends_of_logs(wanted)))) from None

    def _ends_of_logs(self, numbers: Iterable[int]) -> Iterator[str]:
        for number in numbers:
            yield f"tunnel {number}: {self.associations[number].status}"
            for side in network.ROUTER:
                yield from (f"{side}{number}:", *self.charons[side, number].log.read_text().splitlines()[-20:])

    def ping(self, host: str = network.VPC_HOSTS[0], namespace: str = "lan") -> bool:
        """Whether a host answers one ping within a second; from the site unless said otherwise."""
        return self.namespaces.succeeds(namespace, "ping", "-n", "-c1", "-W1", host)

    def keep_alive(self) -> Keepalive:
        """Begin to ping through each tunnel."""
        return Keepalive(self.namespaces)

    def _hearer(self, side: Side, number: int) -> Callable[[str, Message], None]:
        """What follows from an event of a daemon: its router's device, and at AWS what is known of the tunnel."""
        known = self.associations[number] if side == "aws" else Associations()

        def hear(event: str, message: Message) -> None:
            before = known.status.child
            known.hear(event, message)
            if known.status.child != before and not self._always_up(side):
                self.routers[side].set_up(number, known.status.child)

        return hear

    def _always_up(self, side: Side) -> bool:
        """A device that initiates on traffic must be able to send."""
        return side == "site" and self.plan.initiates == "on traffic"

    def _count(self) -> None:
        while not self._closed.wait(_COUNTING):
            for number in NUMBERS:
                self.associations[number].count(self.charons["aws", number].associations())
