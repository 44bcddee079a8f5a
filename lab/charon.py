"""strongSwan's IKE daemon at one end of one tunnel, with its userspace ESP."""

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import vici

from lab import inside
from lab.namespaces import CHARON, LabError, Namespaces
from lab.network import ROUTER, Side, Tunnel

RETRANSMITS = 3
"""How often a message is repeated before the peer counts as dead: what AWS does, and what the lab's device does."""

_CONFIGURATION = """charon {{
  load = random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation hmac kdf kernel-libipsec \
kernel-netlink socket-default vici updown counters
  install_routes = no
  routing_table_prio = 40000
  install_virtual_ip = no
  retransmit_tries = {tries}
  retransmit_timeout = 0.5
  retransmit_base = 1.0
  half_open_timeout = 2
  make_before_break = no
  plugins {{
    vici {{ socket = unix://{folder}/vici }}
    kernel-libipsec {{ allow_peer_ts = yes }}
  }}
  filelog {{
    file {{
      path = {folder}/log
      default = 1
      ike = 2
      chd = 2
      time_format = %s
      time_add_ms = yes
      ike_name = yes
      flush_line = yes
    }}
  }}
}}
"""
_PATIENCE = 10.0
ANYWHERE = "0.0.0.0/0"
_SPARE = 200
"""Which address of a network nobody else has."""

Message = Mapping[str, Any]
"""What vici sends and takes: text, lists and mappings."""


@dataclass
class Charon:
    """The daemon of `side` for one tunnel. Its device is moved into the router, as if both were one machine.

    `network` is its end of the traffic selectors: the userspace ESP wants an address of its own in there.
    """

    namespaces: Namespaces
    side: Side
    tunnel: Tunnel
    network: str = ANYWHERE
    folder: Path = field(init=False)
    _pid: int | None = None

    def __post_init__(self) -> None:
        self.folder = inside.ROOM / self.name

    @property
    def name(self) -> str:
        """The namespace that it runs in."""
        return self.tunnel.end(self.side)

    @property
    def log(self) -> Path:
        """Its log, for a process outside of the lab. It goes on over a restart."""
        return self.namespaces.outside(self.folder / "log")

    @property
    def socket(self) -> Path:
        """Its vici socket, for a process outside of the lab."""
        return self.namespaces.outside(self.folder / "vici")

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended."""
        return self._pid is not None

    def start(self) -> None:
        """Start it without any connection. Raises LabError."""
        outside = self.namespaces.outside(self.folder)
        outside.mkdir(exist_ok=True)
        (outside / "strongswan.conf").write_text(_CONFIGURATION.format(folder=self.folder, tries=RETRANSMITS))
        self.socket.unlink(missing_ok=True)
        self.namespaces.run(self.name, "ip", "link", "delete", "ipsec0", check=False)
        environment = {"STRONGSWAN_CONF": str(self.folder / "strongswan.conf")}
        self._pid = self.namespaces.start(self.name, [str(CHARON)], self.folder / "output", environment)
        self._await(self._answers)
        self._move_device()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order: it tells its peer."""
        self._end(signal.SIGTERM)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A vici session of its own; raises OSError where the daemon does not run."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            yield vici.Session(connection)

    def associations(self) -> list[Message]:
        """The IKE SAs, each with its child SAs; none where the daemon does not run."""
        try:
            with self.session() as session:
                return [sa for one in session.list_sas() for sa in text(one).values()]
        except OSError:
            return []

    def load(self, connection: Message, secrets: list[Message]) -> None:
        """Load connections and secrets, in place of those of the same names."""
        with self.session() as session:
            for secret in secrets:
                session.load_shared(secret)
            for name, settings in connection.items():
                session.load_conn({name: settings})

    def initiate(self, child: str) -> None:
        """Bring a child SA up; returns at once."""
        with self.session() as session:
            _consume(session.initiate({"child": child, "timeout": "-1", "init-limits": "yes"}))

    def terminate(self, connection: str) -> None:
        """End the IKE SA of a connection, and tell the peer; force it after half a second."""
        with self.session() as session:
            _consume(session.terminate({"ike": connection, "timeout": "500", "force": "yes"}))

    def rekey(self, child: str) -> None:
        """Rekey a child SA now."""
        with self.session() as session:
            session.rekey({"child": child})

    def _end(self, number: int) -> None:
        pid, self._pid = self._pid, None
        if pid is not None:
            self.namespaces.end(pid, number)

    def _answers(self) -> bool:
        try:
            with self.session():
                return True
        except OSError:
            return False

    def _move_device(self) -> None:
        """Take ipsec0 into the router; charon keeps the descriptor, and misses nothing while a link has its name."""
        router, device = ROUTER[self.side], self.tunnel.device
        self._await(lambda: self.namespaces.succeeds(self.name, "ip", "link", "show", "ipsec0"))
        self.namespaces.batch(
            self.name,
            [f"link set ipsec0 netns {router} name {device}", "link add ipsec0 type bridge", "link set ipsec0 up"],
        )
        if self.network != ANYWHERE:
            self.namespaces.batch(self.name, [f"address add {ip_network(self.network)[_SPARE]}/32 dev ipsec0"])
        address = f"{self.tunnel.inside(self.side)}/30"
        self.namespaces.batch(router, [f"address add {address} dev {device}", f"link set {device} mtu 1400 up"])

    def _await(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not true():
            if time.monotonic() > end:
                said = self.namespaces.outside(self.folder / "output").read_text(errors="replace")
                raise LabError(f"charon did not start in {self.name}: {said[-2000:]}")
            time.sleep(0.01)


def text(message: Any) -> Any:
    """What vici gives, with text in place of bytes."""
    if isinstance(message, bytes):
        return message.decode(errors="replace")
    if isinstance(message, Mapping):
        return {name: text(value) for name, value in message.items()}
    return [text(one) for one in message] if isinstance(message, list) else message


def _consume(messages: Any) -> None:
    """Let a command run to its end. What it could not do stands in the daemon's log."""
    with contextlib.suppress(vici.exception.CommandException):
        for _ in messages:
            pass
