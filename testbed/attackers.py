"""Hostile clients of the web server, each kind until it is killed: `python -m testbed.attackers NAME PORT`."""

import asyncio
import itertools
import os
import socket
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress

HOST = "127.0.0.1"
GET = "GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n"

Attack = Callable[[int], Awaitable[None]]


async def _exchange(port: int, request: bytes, answers: int = 1) -> None:
    """Sends a request and reads what comes, up to so many reads or the end."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        await writer.drain()
        for _ in range(answers):
            await asyncio.wait_for(reader.read(65536), 30)
    finally:
        writer.transport.abort()


def _forever(clients: int, once: Attack) -> Attack:
    async def again_and_again(port: int) -> None:
        while True:
            with suppress(OSError, TimeoutError):
                await once(port)
            await asyncio.sleep(0)

    async def attack(port: int) -> None:
        await asyncio.gather(*(again_and_again(port) for _ in range(clients)))

    return attack


async def _chunks(port: int) -> None:
    """A body of chunks of one byte, as fast as the server takes them."""
    _, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\nx\r\n" * 10_000)
            await writer.drain()
    finally:
        writer.transport.abort()


async def _never_read(port: int) -> None:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    with client:
        await loop.sock_connect(client, (HOST, port))
        await loop.sock_sendall(client, GET.format(path="/metrics", more="").encode())
        await asyncio.sleep(100)


async def _silent(port: int) -> None:
    _, writer = await asyncio.open_connection(HOST, port)
    try:
        await asyncio.sleep(100)
    finally:
        writer.transport.abort()


async def _long_line(port: int) -> None:
    await _exchange(port, GET.format(path="/" + "x" * 100_000, more="").encode())


async def _many_headers(port: int) -> None:
    await _exchange(port, GET.format(path="/", more="a: b\r\n" * 40_000).encode())


async def _upgrade(port: int) -> None:
    more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n"
    await _exchange(port, GET.format(path="/-/healthy", more=more).encode())


_number = itertools.count()


async def _guess(port: int) -> None:
    password = b64encode(f"scraper:guess {os.getpid()} {next(_number)}".encode()).decode()
    await _exchange(port, GET.format(path="/metrics", more=f"Authorization: Basic {password}\r\n").encode())


async def _reload(port: int) -> None:
    await _exchange(port, b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n")


async def _pipeline(port: int) -> None:
    await _exchange(port, GET.format(path="/-/healthy", more="").encode() * 300, answers=5)


async def _some_metrics(port: int) -> None:
    await _exchange(port, GET.format(path=f"/metrics?name[]={next(_number)}", more="").encode(), answers=1000)


ATTACKS: dict[str, Attack] = {
    "chunked bodies": _forever(8, _chunks),
    "clients that do not read": _forever(60, _never_read),
    "silent connections": _forever(1500, _silent),
    "request lines of 100 kB": _forever(16, _long_line),
    "heads of 40,000 headers": _forever(16, _many_headers),
    "upgrades to WebSocket": _forever(16, _upgrade),
    "guessed passwords": _forever(64, _guess),
    "reloads": _forever(32, _reload),
    "pipelined requests": _forever(16, _pipeline),
    "pages of some metrics": _forever(16, _some_metrics),
}


if __name__ == "__main__":
    asyncio.run(ATTACKS[sys.argv[1]](int(sys.argv[2])))  # type: ignore[arg-type]
