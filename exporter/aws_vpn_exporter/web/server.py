"""The HTTP server: uvicorn with connections of our own, and with the signals that Prometheus programs handle."""

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from aws_vpn_exporter.web.accepting import BACKLOG, Accepting, Tls, most_connections
from aws_vpn_exporter.web.connection import Connection
from aws_vpn_exporter.web.tls import ServerTls

log = logging.getLogger(__name__)

_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the usual scrape interval."""


class ListenError(Exception):
    """The address cannot be listened on. The message is for a person."""


def listening(address: str) -> socket.socket:
    """A listening socket for `host:port`, `:port` (all interfaces) or `[v6]:port`. Raises ListenError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ListenError(f"{address!r} is not an address to listen on; use host:port or :port, such as :10450")
    host = host.removeprefix("[").removesuffix("]")
    v6 = ":" in host or (not host and socket.has_dualstack_ipv6())
    try:
        return socket.create_server(
            (host, int(port)),
            family=socket.AF_INET6 if v6 else socket.AF_INET,
            backlog=BACKLOG,
            dualstack_ipv6=v6 and not host,
        )
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from None


def from_systemd() -> list[socket.socket]:
    """The listening sockets that systemd has passed to this process (sd_listen_fds(3)). Raises ListenError."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise ListenError("systemd has passed no sockets; --web.systemd-socket is for a service with a .socket unit")
    try:
        passed = [socket.socket(fileno=3 + number) for number in range(int(os.environ.get("LISTEN_FDS", "0")))]
    except (OSError, ValueError) as error:
        raise ListenError(f"what systemd has passed cannot be used: {error}") from None
    for one in passed:
        if one.type != socket.SOCK_STREAM or not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ListenError("systemd has passed a socket that accepts no connections; use ListenStream= in its unit")
        one.set_inheritable(False)
    return passed


def serve(app: ASGIApp, listeners: list[socket.socket], tls: Tls, on_hangup: Callable[[], object]) -> None:
    """Serves until SIGTERM or SIGINT; returns within about a second of it. SIGHUP calls `on_hangup`.

    `tls` gives the context for the next connection, None for one without TLS.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=1,
        ),
        tls,
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        log.info("stopping on %s", signal.Signals(number).name)
        server.should_exit = True

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        on_hangup()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, hang_up)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server.run(sockets=listeners)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, tls: Tls) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts clients from now on."""

        def connection(is_outdated: Callable[[], bool], tls: ServerTls | None) -> Connection:
            return Connection(self.config, self.server_state, {}, is_outdated=is_outdated, tls=tls)

        most = most_connections() // max(1, len(sockets or ()))
        self.servers = [Accepting(one, connection, self._tls, most) for one in sockets or ()]  # type: ignore[misc]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `serve`: uvicorn raises SIGTERM again at its end, so that the exit code would not be 0."""
        yield
