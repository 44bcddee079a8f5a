"""Pages that many clients read at once: rendered once for all who ask at the same time, and never copied for a reader.

Memory is bounded whatever clients do: where readers that take their time hold too many different pages, those of the
oldest page are hung up on.
"""

import asyncio
import gzip
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aws_vpn_exporter.web.pool import Pool, PoolFullError

_FRESH_FOR = 1.0
"""Seconds for which a page is used again while others are still being read, and for which its readers are safe."""

_LOOKS_AGAIN = 0.05
"""Seconds between two looks whether there is room for another page."""

_MOST_COMING = 64
"""Different pages that are asked for and not begun."""

_SLICE = 256 * 1024
"""Bytes that are handed to a connection at a time: what a slow reader holds beside the page that all share."""

_COMPRESSION = 1
"""Level 1 is ten times cheaper than 9 and nearly as small on this kind of text."""

Abort = Callable[[], object]


@dataclass(eq=False, slots=True)
class Page:
    """The bytes of an answer, and how to hang up on each client that reads them now."""

    body: bytes
    made_at: float
    readers: dict[object, Abort] = field(default_factory=dict)


class SharedPages:
    """Renders pages in threads and keeps those that are being read. For the event loop's thread only."""

    def __init__(self, name: str, most_bytes: int, threads: int) -> None:
        """`most_bytes` bounds all pages that are being read; the newest one is kept whatever its size."""
        self._most_bytes = most_bytes
        self._pool = Pool(name, threads, most_waiting=threads)
        self._making_room = asyncio.Lock()
        self._rendering = asyncio.Semaphore(threads)
        self._coming: dict[Hashable, asyncio.Task[Page]] = {}
        self._read: dict[Page, Hashable] = {}  # the oldest first

    async def page(self, key: Hashable, render: Callable[[], bytes], compressed: bool) -> Page:
        """The page as it is now; pages of one key are alike. Raises PoolFullError or what `render` raises."""
        key = (key, compressed)
        newest = next((page for page, its_key in reversed(self._read.items()) if its_key == key), None)
        if newest and len(self._read) > 1 and time.monotonic() - newest.made_at < _FRESH_FOR:
            return newest
        if key not in self._coming:
            if len(self._coming) >= _MOST_COMING:
                raise PoolFullError
            self._coming[key] = asyncio.create_task(self._make(key, render, compressed))
        return await asyncio.shield(self._coming[key])

    @contextmanager
    def reading(self, page: Page, abort: Abort) -> Iterator[None]:
        """While a client reads the page; `abort` hangs up on it."""
        reader = object()
        page.readers[reader] = abort
        try:
            yield
        finally:
            page.readers.pop(reader, None)
            if not page.readers:
                self._read.pop(page, None)

    async def _make(self, key: Hashable, render: Callable[[], bytes], compressed: bool) -> Page:
        def work() -> Page:
            made_at, body = time.monotonic(), render()
            return Page(gzip.compress(body, _COMPRESSION, mtime=0) if compressed else body, made_at)

        async with self._rendering:
            async with self._making_room:
                await self._make_room()
            del self._coming[key]  # who asks from now on gets a newer page
            page = await asyncio.wrap_future(self._pool.submit(work))
        self._read[page] = key
        return page

    async def _make_room(self) -> None:
        """Hangs up on the readers of the oldest pages, where there are too many, but gives each page a while."""
        while len(self._read) > 1 and sum(len(page.body) for page in self._read) > self._most_bytes:
            oldest = next(iter(self._read))
            left = oldest.made_at + _FRESH_FOR - time.monotonic()
            if left > 0:
                await asyncio.sleep(min(left, _LOOKS_AGAIN))
                continue
            del self._read[oldest]
            for abort in list(oldest.readers.values()):
                abort()


class PageResponse(Response):
    """Sends a shared page in slices, each after the client has taken the one before."""

    def __init__(self, pages: SharedPages, page: Page, media_type: str, compressed: bool) -> None:
        self._pages, self._page = pages, page
        headers = {"Content-Length": str(len(page.body)), "Vary": "Accept, Accept-Encoding"}
        if compressed:
            headers["Content-Encoding"] = "gzip"
        super().__init__(headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        body = self._page.body if scope["method"] != "HEAD" else b""
        with self._pages.reading(self._page, scope.get("state", {}).get("abort", lambda: None)):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in range(0, len(body), _SLICE):
                part = body[start : start + _SLICE]
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)  # others have their turn, and a reader that has gone is noticed
            await send({"type": "http.response.body", "body": b""})


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip, by its Accept-Encoding header."""
    qualities: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        name, _, parameters = (part.strip() for part in item.partition(";"))
        weight = parameters.removeprefix("q").strip().removeprefix("=").strip() if parameters else "1"
        try:
            qualities[name] = float(weight)
        except ValueError:
            qualities[name] = 0.0
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0
