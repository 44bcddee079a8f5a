"""Reloads of the configuration, for SIGHUP and for POST /-/reload alike: one at a time, and no more than are needed."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.web.pool import Pool

log = logging.getLogger(__name__)

_EVERY = 1.0
"""Seconds between the beginnings of two reloads, at least."""


class Reloads:
    """Runs reloads in a thread of their own. All who ask before one begins share it."""

    def __init__(self, reload: Callable[[], None]) -> None:
        """`reload` raises ConfigError where the configuration cannot be used."""
        self._reload = reload
        self._last = time.monotonic() - _EVERY
        self._pool = Pool("reload", threads=1, most_waiting=2)

    def request(self) -> "Future[bool]":
        """Whether the configuration could be used, in the future; never waits, so that a signal handler may call it."""
        return self._pool.submit(self._run, key="reload")

    def _run(self) -> bool:
        time.sleep(max(0.0, self._last + _EVERY - time.monotonic()))
        self._last = time.monotonic()
        try:
            self._reload()
        except ConfigError:
            return False  # The exporter has logged why, and a metric says it.
        except Exception:
            log.exception("the reload failed by a bug in the exporter")
            return False
        return True


def endpoint(reloads: Reloads | None) -> Callable[[Request], "asyncio.Future[Response]"]:
    """What answers POST /-/reload; None where the lifecycle API is off."""

    async def answer(request: Request) -> Response:
        if reloads is None:
            return PlainTextResponse("Lifecycle API is not enabled. --web.enable-lifecycle enables it.\n", 403)
        if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("web pages may not reload the configuration.\n", 403)
        # The answer names no path and no value: whoever may send it need not be allowed to read the configuration.
        if await asyncio.wrap_future(reloads.request()):
            return PlainTextResponse("the configuration is reloaded.\n")
        return PlainTextResponse(
            "the configuration is not reloaded; the previous one stays in force. The log says why.\n", 500
        )

    return answer  # type: ignore[return-value]
