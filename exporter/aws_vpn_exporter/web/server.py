"""The HTTP server: uvicorn with a deadline for slow clients, and with the signals that Prometheus programs handle."""

import contextlib
import logging
import signal
import socket
import ssl
import threading
from asyncio import TimerHandle, Transport
from collections.abc import Callable, Iterator
from types import FrameType

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

REQUEST_DEADLINE = 10.0
"""Seconds within which a whole request has to arrive, from its first byte or, for the first one, from connecting."""

_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the usual scrape interval."""

_STILL_ARRIVING = (h11.IDLE, h11.SEND_BODY)


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
            backlog=2048,
            dualstack_ipv6=v6 and not host,
        )
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from None


def serve(app: ASGIApp, listener: socket.socket, tls: ssl.SSLContext | None, on_hangup: Callable[[], object]) -> None:
    """Serves until SIGTERM or SIGINT; returns within about a second of it. SIGHUP calls `on_hangup` in a thread."""
    server = _Server(
        uvicorn.Config(
            app,
            http=_WithDeadline,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=1,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        log.info("stopping on %s", signal.Signals(number).name)
        server.should_exit = True

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=on_hangup, name="reload", daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, hang_up)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `serve`: uvicorn raises SIGTERM again at its end, so that the exit code would not be 0."""
        yield


class _WithDeadline(H11Protocol):
    """Closes a connection whose request has not arrived whole within REQUEST_DEADLINE.

    uvicorn waits forever: without this, clients that send nothing, or a byte now and then, would use up all file
    descriptors.
    """

    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_DEADLINE, transport.close)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request have arrived."""
        super().data_received(data)
        if self.conn.their_state not in _STILL_ARRIVING:
            self._disarm()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_DEADLINE, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._disarm()
        super().connection_lost(exc)

    def _disarm(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
