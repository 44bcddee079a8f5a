"""Accepts clients: never more than fit, and with the TLS settings of the moment.

asyncio's own server accepts without a limit, and at the limit of file descriptors it logs thousands of tracebacks a
second. Prometheus's exporters stop accepting at 512 connections, so that idle ones keep everybody else out; here the
one that has been idle longest makes room.
"""

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable

from aws_vpn_exporter.web.connection import REQUEST_DEADLINE, Connection

log = logging.getLogger(__name__)

BACKLOG = 128
"""Clients that wait in the kernel to be accepted."""

_MOST_CONNECTIONS = 512
_AT_ONCE = 16
"""Clients accepted before the event loop turns to others."""

_PAUSE = 0.1
"""Seconds without accepting after the system refused to."""

_SHUTDOWN_SECONDS = 2.0
"""For the end of a TLS connection."""

MakeConnection = Callable[[Callable[[], bool]], Connection]
Tls = Callable[[], ssl.SSLContext | None]


def most_connections() -> int:
    """How many clients are served at once: half of the file descriptors at most, the others are for AWS."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if limit == resource.RLIM_INFINITY else max(8, min(_MOST_CONNECTIONS, limit // 2))


class Accepting:
    """Serves a listening socket from now on. Has the methods of an asyncio server that uvicorn calls."""

    def __init__(self, listener: socket.socket, make: MakeConnection, tls: Tls) -> None:
        """`make` is given a function that says whether the connection's TLS settings have been replaced."""
        self._loop = asyncio.get_running_loop()
        self._listener, self._make, self._tls = listener, make, tls
        self._most = most_connections()
        self._clients: dict[asyncio.Task[None], Connection | None] = {}  # in the order of their coming
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

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection can be accepted for a moment: %s", error.strerror)
                self._make_room(max(1, len(self._clients) // 4))
                self._loop.remove_reader(self._listener.fileno())
                self._resuming = self._loop.call_later(_PAUSE, self._resume)
                return
            client.setblocking(False)
            task = self._loop.create_task(self._serve(client))
            self._clients[task] = None
            task.add_done_callback(self._forget)
            if len(self._clients) > self._most:
                self._make_room(1)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._clients.pop(task, None)

    async def _serve(self, client: socket.socket) -> None:
        context = self._tls()
        connection = self._make(lambda: self._tls() is not context)
        times = {"ssl_handshake_timeout": REQUEST_DEADLINE, "ssl_shutdown_timeout": _SHUTDOWN_SECONDS}
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, client, ssl=context, **(times if context else {})
            )
        except OSError:
            return  # a handshake that failed, or took too long: the client knows
        finally:
            if connection.transport is None:
                client.close()
        task = asyncio.current_task()
        if task in self._clients:
            self._clients[task] = connection
        await connection.closed

    def _make_room(self, count: int) -> None:
        """Hangs up on those that have been idle longest, or else on those that have been served longest."""
        idle = [task for task, connection in self._clients.items() if connection is None or connection.idle]
        # The latest client is not idle, its request is only about to be read.
        leaving = (idle[:-1] or list(self._clients))[:count]
        for task in leaving:
            connection = self._clients.pop(task)
            if connection:
                connection.abort()
            else:
                task.cancel()
