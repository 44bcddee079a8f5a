"""Accepts clients: never more than fit, and with the TLS settings of the moment.

asyncio's own server accepts without a limit, and at the limit of file descriptors it logs thousands of tracebacks a
second. Prometheus's exporters stop accepting at 512 connections, so that idle ones keep everybody else out; here the
one that has been idle longest makes room.
"""

import asyncio
import logging
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass

from aws_vpn_exporter.web.connection import REQUEST_DEADLINE, Connection
from aws_vpn_exporter.web.tls import ServerTls

log = logging.getLogger(__name__)

BACKLOG = 512
"""Clients that wait in the kernel to be accepted."""

_MOST_CONNECTIONS = 512
_AT_ONCE = 16
"""Clients accepted before the event loop turns to others."""

_PAUSE = 0.05
"""Seconds without accepting after the system refused to, or while nobody may be hung up on."""

_SAFE_FOR = (0.1, 5.0)
"""Seconds for which a client that has not sent a request yet, and one that is being answered, is left alone."""

_SAID_EVERY = 60.0
"""Seconds between two warnings about that."""

_SHUTDOWN_SECONDS = 2.0
"""For the end of a TLS connection."""

MakeConnection = Callable[[Callable[[], bool], ServerTls | None], Connection]
Tls = Callable[[], ServerTls | None]


def most_connections() -> int:
    """How many clients are served at once: half of the file descriptors at most, the others are for AWS."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if limit == resource.RLIM_INFINITY else max(8, min(_MOST_CONNECTIONS, limit // 2))


class Accepting:
    """Serves a listening socket from now on. Has the methods of an asyncio server that uvicorn calls."""

    def __init__(self, listener: socket.socket, make: MakeConnection, tls: Tls, most: int) -> None:
        """`make` is given a function that says whether the connection's TLS settings have been replaced, and these.

        `most` clients are served at once.
        """
        self._loop = asyncio.get_running_loop()
        self._listener, self._make, self._tls = listener, make, tls
        self._most = most
        self._clients: dict[_Client, asyncio.Task[None]] = {}  # in the order of their coming
        self._silent_until = 0.0
        self._resuming: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._resume()

    def close(self) -> None:
        """Stops accepting."""
        self._loop.remove_reader(self._listener.fileno())
        if self._resuming:
            self._resuming.cancel()

    async def wait_closed(self) -> None:
        """Returns at once: uvicorn has waited for the connections."""

    def _resume(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _pause(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._resuming = self._loop.call_later(_PAUSE, self._resume)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if len(self._clients) >= self._most and not self._make_room(1):
                self._pause()
                return
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._say_why(error)
                self._make_room(max(1, len(self._clients) // 4))
                self._pause()
                return
            accepted.setblocking(False)
            client = _Client(self._loop.time())
            self._clients[client] = self._loop.create_task(self._serve(accepted, client))

    def _say_why(self, error: OSError) -> None:
        if self._loop.time() >= self._silent_until:
            self._silent_until = self._loop.time() + _SAID_EVERY
            log.warning("connections are accepted slowly, and idle ones closed: %s", error.strerror)

    async def _serve(self, accepted: socket.socket, client: "_Client") -> None:
        context = self._tls()
        connection = self._make(lambda: self._tls() is not context, context)
        times = {"ssl_handshake_timeout": REQUEST_DEADLINE, "ssl_shutdown_timeout": _SHUTDOWN_SECONDS}
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=context, **(times if context else {})
            )
            client.connection = connection
            await connection.closed
        except OSError:
            pass  # a handshake that failed, or took too long: the client knows
        finally:
            if connection.transport is None:
                accepted.close()
            self._clients.pop(client, None)

    def _make_room(self, count: int) -> int:
        """Hangs up on so many that have been idle longest, or else on those that have been served longest.

        Returns how many there were.
        """
        now = self._loop.time()
        idle = [client for client in self._clients if client.idle and now - client.since > _SAFE_FOR[0]]
        leaving = (idle or [client for client in self._clients if now - client.since > _SAFE_FOR[1]])[:count]
        for client in leaving:
            task = self._clients.pop(client)
            if client.connection:
                client.connection.abort()
            else:
                task.cancel()
        return len(leaving)


@dataclass(eq=False, slots=True)
class _Client:
    """When the client came, on the event loop's clock, and its connection once there is one: TLS takes its time."""

    since: float
    connection: Connection | None = None

    @property
    def idle(self) -> bool:
        return self.connection is None or self.connection.idle
