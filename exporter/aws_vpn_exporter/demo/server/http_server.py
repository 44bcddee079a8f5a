"""The HTTP side of the simulated AWS: reads requests, and sends responses, intact or spoilt by a fault.

It uses the standard library's http.server because most faults are made below HTTP, on the socket: a reset, a
connection that closes too early, a request that is never answered. A web framework would not give access to it.
"""

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from weakref import WeakSet

from ..faults import CLOCK_SKEW_SECONDS, FaultName
from .active_faults import ActiveFault, ActiveFaults
from .call_counts import CallCounts
from .calls import Call, Response, read_call, refused_unsigned

Respond = Callable[[Call, FaultName | None], Response]
"""Makes the response to a call; a fault below HTTP is then applied to it."""

_LARGEST_REQUEST_BYTES = 1 << 20
_LINGER_ZERO = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which closing a socket sends RST."""


class HttpServer(ThreadingHTTPServer):
    """Serves on a port of 127.0.0.1, one thread for each connection. Port 0 means any free port."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, respond: Respond, faults: ActiveFaults, counts: CallCounts) -> None:
        self.respond = respond
        self.faults = faults
        self.counts = counts
        self._connections: WeakSet[socket.socket] = WeakSet()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's own look-up of the host name, which may wait minutes for a name server."""
        super(ThreadingHTTPServer, self).server_bind()

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection, and remember it for `close_connections`."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def close_connections(self) -> None:
        """Shut every connection down, so that the threads that read from them end."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Report an error in a handler, except that a caller has gone away, which is no error of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedAWS"
    disable_nagle_algorithm = True  # header and body are two writes, and must not wait for each other
    server: HttpServer

    def do_POST(self) -> None:
        content_length = self.headers.get("Content-Length") or ""
        length = int(content_length) if content_length.isdecimal() else 0
        if length > _LARGEST_REQUEST_BYTES:
            self.close_connection = True
            self._send(Response(413, b"", "text/plain"))
            return
        body = self.rfile.read(length).decode(errors="replace")
        call = read_call(self.headers.get("Authorization") or "", self.headers.get("X-Amz-Target"), body)
        if call is None:
            self._send(refused_unsigned())
            return
        with self.server.counts.count(call.operation, call.region):
            self._answer(call, self.server.faults.find(call.operation, call.region))

    def _answer(self, call: Call, fault: ActiveFault | None) -> None:
        respond = self.server.respond
        if fault is None:
            self._send(respond(call, None))
        elif fault.name == "hang":
            self._wait(fault.ended)
            self.close_connection = True
        elif fault.name == "slow":
            if self._wait(fault.ended, fault.seconds):
                self._send(respond(call, None))
        elif fault.name == "reset":
            self._reset()
        else:
            self._send_spoilt(respond(call, fault.name), fault.name)

    def _send_spoilt(self, response: Response, fault: FaultName) -> None:
        body, length = response.body, len(response.body)
        if fault in ("truncated", "short"):
            body = _cut(body)
        if fault == "truncated":
            length = len(body)
        if fault == "empty":
            body, length = b"", 0
        self.close_connection = self.close_connection or fault == "short"
        skew = CLOCK_SKEW_SECONDS if fault == "clock_skew" else 0
        self._send(replace(response, body=body), length=length, skew=skew)

    def _send(self, response: Response, *, length: int | None = None, skew: float = 0) -> None:
        """Send a response whose Content-Length may be wrong, and whose Date may be `skew` seconds behind."""
        self.send_response_only(response.status, HTTPStatus(response.status).phrase)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body) if length is None else length))
        self.send_header("Date", formatdate(time.time() - skew, usegmt=True))
        self.end_headers()
        self.wfile.write(response.body)

    def _wait(self, ended: threading.Event, seconds: float | None = None) -> bool:
        """Wait until the fault has been ended or the seconds have passed; return False once the caller has gone.

        Watching the socket keeps the count of running calls right: a caller that gave up after its own time-out and
        calls again has one call running, not two.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        self.connection.settimeout(0.1)
        try:
            while not ended.is_set() and (deadline is None or time.monotonic() < deadline):
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1, socket.MSG_PEEK):
                        self.close_connection = True
                        return False
                    time.sleep(0.1)  # the next request is already in the socket: do not poll it without a pause
        finally:
            self.connection.settimeout(None)
        return True

    def _reset(self) -> None:
        """Close the connection so that the kernel sends RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.rfile.close()  # it holds the socket open too
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
        """Log nothing, so that a person at the terminal sees the exporter's log alone."""


def _cut(body: bytes) -> bytes:
    """Cut an answer in the middle, or after the next key if there is one.

    The key is then in an element without an end, which code that removes whole elements with keys does not find: the
    place in which a leak is most likely.
    """
    middle = len(body) // 2
    key_end = body.find(b"&lt;/pre_shared_key", middle)
    return body[: max(middle, key_end)]
