"""BIRD at one end: a BGP session over each tunnel, between the router behind AWS's endpoints and the site's router."""

import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import inside
from lab.namespaces import LabError, Namespaces
from lab.network import AWS_AS, ROUTER, SITE_AS, SITE_NETWORK, TUNNELS, VPC_NETWORK, Side

HOLD_TIME = 4
"""Seconds. BIRD takes no less than 3; AWS's 30 s would be half a second at the lab's pace."""

_PATIENCE = 10.0

_HEAD = """log "{folder}/log" all;
timeformat log iso long ms;
router id {router_id};
debug protocols {{ states, events }};
protocol device {{ scan time 1; }}
protocol kernel {{ ipv4 {{ import none; export where source ~ [RTS_BGP]; }}; merge paths on; }}
protocol static announced {{ ipv4; {routes} }}
"""
_SESSION = """protocol bgp tunnel{number} {{
  local {local} as {local_as}; neighbor {neighbor} as {neighbor_as};
  direct; hold time {hold}; keepalive time 1;
  connect delay time 1; connect retry time 1; error wait time 1, 2; startup hold time 4;
  ipv4 {{ import all; export where source ~ [RTS_STATIC]; next hop self; {limit} }};
}}
"""


@dataclass(frozen=True)
class Routing:
    """How a side's router is set. `limit` is how many prefixes it accepts."""

    local_as: int
    neighbor_as: int
    prefixes: Sequence[str]
    hold_time: int = HOLD_TIME
    limit: int | None = None


USUAL: Mapping[Side, Routing] = {
    "aws": Routing(AWS_AS, SITE_AS, (VPC_NETWORK,), limit=100),
    "site": Routing(SITE_AS, AWS_AS, (SITE_NETWORK,)),
}


@dataclass(frozen=True)
class Session:
    """A BGP session: its state in BIRD's words, and how many routes came over it."""

    state: str
    routes: int


@dataclass
class Bird:
    """The daemon in a side's router."""

    namespaces: Namespaces
    side: Side
    routing: Routing
    folder: Path = field(init=False)
    _pid: int | None = None

    def __post_init__(self) -> None:
        self.folder = inside.ROOM / ROUTER[self.side]

    @property
    def log(self) -> Path:
        """Its log, for a process outside of the lab."""
        return self.namespaces.outside(self.folder / "log")

    def start(self) -> None:
        """Start it. Raises LabError."""
        outside = self.namespaces.outside(self.folder)
        outside.mkdir(exist_ok=True)
        self._write()
        command = ["bird", "-f", "-c", f"{self.folder}/conf", "-s", f"{self.folder}/control"]
        self._pid = self.namespaces.start(
            ROUTER[self.side], [*command, "-P", f"{self.folder}/pid"], self.folder / "output"
        )
        end = time.monotonic() + _PATIENCE
        while not (outside / "control").exists():
            if time.monotonic() > end:
                raise LabError(f"BIRD did not start: {(outside / 'output').read_text()[-2000:]}")
            time.sleep(0.01)

    def set(self, routing: Routing) -> None:
        """Set the router anew; sessions that are not concerned go on."""
        self.routing = routing
        self._write()
        self.ask("configure")

    def shut(self, number: int) -> None:
        """End the session over a tunnel until `open`: an administrative shutdown."""
        self.ask(f"disable tunnel{number}")

    def open(self, number: int) -> None:
        """Let the session over a tunnel begin again."""
        self.ask(f"enable tunnel{number}")

    def sessions(self) -> dict[int, Session]:
        """The sessions by tunnel."""
        found: dict[int, Session] = {}
        for block in re.split(r"\n(?=tunnel\d)", self.ask("show protocols all")):
            name = re.match(r"tunnel(\d)\s", block)
            state = re.search(r"BGP state:\s+(\w+)", block)
            routes = re.search(r"Routes:\s+(\d+) imported", block)
            if name and state:
                found[int(name[1])] = Session(state[1], int(routes[1]) if routes else 0)
        return found

    def ask(self, command: str) -> str:
        """BIRD's answer on its control socket, without the codes before its lines."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(self.namespaces.outside(self.folder / "control")))
            with connection.makefile("r") as answer:
                answer.readline()  # its greeting
                connection.sendall(f"{command}\n".encode())
                lines = []
                for line in answer:
                    lines.append(re.sub(r"^\d{4}[- ]", "", line))
                    if re.match(r"\d{4} ", line):
                        break
        return "".join(lines)

    def _write(self) -> None:
        one = self.routing
        routes = " ".join(f"route {prefix} blackhole;" for prefix in one.prefixes)
        text = _HEAD.format(folder=self.folder, router_id=TUNNELS[1].inside(self.side), routes=routes)
        other: Side = "site" if self.side == "aws" else "aws"
        for tunnel in TUNNELS.values():
            text += _SESSION.format(
                number=tunnel.number,
                local=tunnel.inside(self.side),
                local_as=one.local_as,
                neighbor=tunnel.inside(other),
                neighbor_as=one.neighbor_as,
                hold=one.hold_time,
                limit=f"import limit {one.limit} action disable;" if one.limit else "",
            )
        self.namespaces.outside(self.folder / "conf").write_text(text)
