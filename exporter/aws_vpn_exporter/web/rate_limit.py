"""`rate_limit` of the web configuration: a bucket of tokens that all clients share."""

import time
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from aws_vpn_exporter.web.auth import ALWAYS_OPEN
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.schema import RateLimit


class RateLimited:
    """Answers requests beyond the limit with 429, before any password is checked."""

    def __init__(self, app: ASGIApp, config: WebConfigFile, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._file, self._clock = app, config, clock
        self._limit = RateLimit()
        self._tokens = 0.0
        self._at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        app = self._app
        limit = self._file.current().rate_limit
        if limit.interval > 0 and scope["path"] not in ALWAYS_OPEN and not self._take(limit):
            app = PlainTextResponse("more requests come than rate_limit allows.\n", 429)
        await app(scope, receive, send)

    def _take(self, limit: RateLimit) -> bool:
        """Takes a token, if there is one; a changed limit begins with all of them."""
        now = self._clock()
        if limit != self._limit:
            self._limit, self._tokens, self._at = limit, float(limit.burst), now
        self._tokens = min(float(limit.burst), self._tokens + (now - self._at) / limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
