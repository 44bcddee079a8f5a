"""One client's connection: uvicorn's, with bounds on what a client can make it read, hold and wait for."""

import asyncio
import contextlib
import socket
import struct
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from aws_vpn_exporter.web.quiet import requests_log
from aws_vpn_exporter.web.tls import ServerTls

REQUEST_DEADLINE = 10.0
"""Seconds within which a whole request has to arrive, from its first byte or, for the first one, from connecting."""

ANSWER_DEADLINE = 30.0
"""Seconds within which a client has to take the whole answer: longer than a scrape's time-out usually is."""

_LARGEST_HEAD = 16 * 1024
"""Bytes of a request's first line and headers; it is also the most that waits unread behind a request."""

_LINGER = 1.0
"""Seconds that a refused client has to read why; bytes that it goes on sending are thrown away meanwhile."""

_MOST_THROWN_AWAY = 256 * 1024

_NO_LINGER = struct.pack("ii", 1, 0)

_STILL_ARRIVING = (h11.IDLE, h11.SEND_BODY)

Refusal = tuple[HTTPStatus, str]


class Connection(H11Protocol):
    """Refuses bodies and large heads before it reads them, and hangs up on clients that send or read too slowly.

    uvicorn would parse a body chunk by chunk on the event loop though nobody wants it, and it waits forever: clients
    that send nothing, or do not read their answer, would use up all memory and file descriptors.
    """

    def __init__(self, *arguments: Any, is_outdated: Callable[[], bool], tls: ServerTls | None, **more: Any) -> None:
        """`is_outdated` says whether a new connection would be made under other TLS settings than `tls`, this one's."""
        super().__init__(*arguments, **more)
        self.conn: _Parser = _Parser(self._refusal)
        self.logger = requests_log
        self.app_state = {**self.app_state, "abort": self.abort}
        self.closed: asyncio.Future[None] = self.loop.create_future()
        self._is_outdated = is_outdated
        self._tls = tls
        self._deadline: TimerHandle | None = None
        self._answer_deadline: TimerHandle | None = None
        self._refused = False
        self._thrown_away = 0

    @property
    def idle(self) -> bool:
        """Whether no complete request waits for its answer."""
        return self.cycle is None or (self.cycle.response_complete and not self.transport.get_write_buffer_size())

    def abort(self) -> None:
        """Hangs up at once, whatever is still to be sent: the kernel forgets it too, and the client is told."""
        client = self.transport.get_extra_info("socket")
        if client is not None:
            with contextlib.suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        if self._tls and not self._tls.admits(transport.get_extra_info("peercert")):
            self._refused = True
            self.abort()
            return
        self._deadline = self.loop.call_later(REQUEST_DEADLINE, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request have arrived."""
        if self._refused:
            self._throw_away(len(data))
            return
        room = _LARGEST_HEAD - len(self.conn.trailing_data[0])
        super().data_received(data[:room])
        if len(data) > room and not self._refused:
            self._refuse((HTTPStatus.BAD_REQUEST, "the request is larger than 16 KiB"))
        if self._refused:
            return
        if self.conn.trailing_data[0] and not self.idle:
            self.cycle.keep_alive = False  # requests sent before the answer to the first one get none
        if self.conn.their_state not in _STILL_ARRIVING:
            self._disarm()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_DEADLINE, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._disarm()
        if self._answer_deadline:
            self._answer_deadline.cancel()
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, and what the parser was told to refuse."""
        self._refuse(self.conn.refused or (HTTPStatus.BAD_REQUEST, msg))

    def shutdown(self) -> None:
        """The server is about to end."""
        if self._refused:
            self.abort()
        else:
            super().shutdown()

    def _refusal(self, request: h11.Request) -> Refusal | None:
        """Why the request is refused; None where it is answered."""
        if self._is_outdated():
            return HTTPStatus.MISDIRECTED_REQUEST, ""
        named = dict(request.headers)
        if b"transfer-encoding" in named or int(named.get(b"content-length", b"0")) > 0:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "no request here has a body"
        self._watch_answer()
        return None

    def _refuse(self, refusal: Refusal) -> None:
        status, why = refusal
        self._refused = True
        self._disarm()
        self._unset_keepalive_if_required()
        if not self.idle or status is HTTPStatus.MISDIRECTED_REQUEST:
            # In the midst of an answer there is no place for another one; and clients try a connection anew of
            # themselves where it ends without an answer.
            self.abort()
            return
        self.transport.write(_answer(status, why))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER, self.transport.abort)

    def _throw_away(self, count: int) -> None:
        self._thrown_away += count
        if self._thrown_away > _MOST_THROWN_AWAY:
            self.abort()

    def _watch_answer(self) -> None:
        if self._answer_deadline:
            self._answer_deadline.cancel()
        self._answer_deadline = self.loop.call_later(ANSWER_DEADLINE, self._answer_is_due)

    def _answer_is_due(self) -> None:
        if not self.idle:
            self.abort()

    def _disarm(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class _Parser(h11.Connection):
    """h11's parser, which asks about each request before it reads on."""

    def __init__(self, refusal: Callable[[h11.Request], Refusal | None]) -> None:
        super().__init__(h11.SERVER, _LARGEST_HEAD)
        self._refusal = refusal
        self.refused: Refusal | None = None

    def next_event(self) -> Any:
        """The next event; raises RemoteProtocolError for a request that is refused."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.refused = self._refusal(event)
            if self.refused:
                raise h11.RemoteProtocolError(self.refused[1])
        return event


def _answer(status: HTTPStatus, why: str) -> bytes:
    body = f"{why}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
