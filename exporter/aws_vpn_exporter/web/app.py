"""The paths of the web server."""

import time
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aws_vpn_exporter.metrics.page import OPENMETRICS, PLAIN
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.web.auth import BasicAuth
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.headers import SafeHeaders
from aws_vpn_exporter.web.pool import PoolFullError
from aws_vpn_exporter.web.rate_limit import RateLimited
from aws_vpn_exporter.web.reloading import Reloads, endpoint
from aws_vpn_exporter.web.shared_pages import PageResponse, SharedPages, accepts_gzip
from aws_vpn_exporter.web.status import Wish
from aws_vpn_exporter.web.status import page as status_page

_MOST_BYTES = 24 * 1024 * 1024
"""Of pages that clients are reading."""


class Pages(Protocol):
    """What the web server needs of the exporter."""

    @property
    def ready(self) -> bool:
        """Whether the pages say what can be said now."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    def statuses(self) -> list[TargetStatus]:
        """What is known of each target now."""

    def metrics(self, content_type: str, names: Collection[str] = ()) -> bytes:
        """The text of /metrics."""


def application(
    exporter: Pages, web_config: WebConfigFile, reloads: Reloads | None, telemetry_path: str = "/metrics"
) -> Starlette:
    """The ASGI application; without `reloads`, POST /-/reload is refused.

    With the telemetry path / there is no status page.
    """
    # Functions run on the event loop, and none of them takes long: pages are rendered in threads.
    whole = SharedPages("pages", _MOST_BYTES, threads=2)
    # Pages of some metrics may all be different. They never hold up the others.
    parts = SharedPages("parts-of-pages", _MOST_BYTES // 3, threads=1)

    async def metrics(request: Request) -> Response:
        content_type = content_type_for(request.headers.get("accept", ""))
        names = tuple(request.query_params.getlist("name[]"))

        def render() -> bytes:
            return exporter.metrics(content_type, names)

        return await answer(request, parts if names else whole, ("metrics", content_type, names), render, content_type)

    async def status(request: Request) -> Response:
        wish = Wish.of(request.query_params)

        def render() -> bytes:
            return status_page(exporter.statuses(), exporter.settings, time.time(), wish, telemetry_path).encode()

        return await answer(request, parts if wish.search else whole, ("status", wish), render, "text/html")

    async def answer(
        request: Request, pages: SharedPages, key: Hashable, render: Callable[[], bytes], media_type: str
    ) -> Response:
        compressed = accepts_gzip(request.headers.get("accept-encoding", ""))
        try:
            page = await pages.page(key, render, compressed)
        except PoolFullError:
            return PlainTextResponse("too many pages are asked for at once.\n", 503, {"Retry-After": "5"})
        return PageResponse(pages, page, media_type, compressed)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("aws-vpn-exporter is healthy.\n")

    async def ready(_: Request) -> Response:
        if exporter.ready:
            return PlainTextResponse("aws-vpn-exporter is ready.\n")
        return PlainTextResponse(
            "aws-vpn-exporter is not ready: not every target has been polled yet.\n", status_code=503
        )

    app = Starlette(
        routes=[
            Route(telemetry_path, metrics),
            Route("/", status),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", endpoint(reloads), methods=["POST"]),
        ],
        middleware=[Middleware(layer, config=web_config) for layer in (SafeHeaders, RateLimited, BasicAuth)],
    )
    # A redirect from /metrics/ would lead to whatever host the request names.
    app.router.redirect_slashes = False
    return app


def content_type_for(accept: str) -> str:
    """The content type for an Accept header: OpenMetrics if the client prefers a version that we write, else text."""
    wanted = sorted(_ranges(accept), key=lambda item: item[1], reverse=True)
    return next((content_type for content_type, quality in wanted if quality > 0), PLAIN)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        values = dict(part.split("=", 1) for part in parameters if "=" in part)
        try:
            quality = float(values.get("q", "1"))
        except ValueError:
            quality = 0.0
        if name == "application/openmetrics-text" and values.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
            yield OPENMETRICS, quality
        elif name in ("text/plain", "text/*", "*/*"):
            yield PLAIN, quality
