"""The paths of the web server."""

from collections.abc import Collection, Iterator
from typing import Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.metrics.page import OPENMETRICS, PLAIN
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.web.auth import BasicAuth, ExtraHeaders
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.status import page as status_page


class Pages(Protocol):
    """What the web server needs of the exporter."""

    @property
    def ready(self) -> bool:
        """Whether every target has been polled at least once."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    def statuses(self) -> list[TargetStatus]:
        """What is known of each target now."""

    def metrics(self, content_type: str, names: Collection[str] = ()) -> bytes:
        """The text of /metrics."""

    def reload(self) -> None:
        """Reads the configuration file again. Raises ConfigError."""


def application(exporter: Pages, web_config: WebConfigFile) -> Starlette:
    """The ASGI application."""
    # Plain functions run in a pool of threads, so that a large page never holds up a health check.

    def metrics(request: Request) -> Response:
        content_type = content_type_for(request.headers.get("accept", ""))
        return Response(exporter.metrics(content_type, request.query_params.getlist("name[]")), media_type=content_type)

    def status(request: Request) -> Response:
        return HTMLResponse(
            status_page(exporter.statuses(), exporter.settings, request.query_params.get("refresh", ""))
        )

    def healthy(_: Request) -> Response:
        return PlainTextResponse("aws-vpn-exporter is healthy.\n")

    def ready(_: Request) -> Response:
        if exporter.ready:
            return PlainTextResponse("aws-vpn-exporter is ready.\n")
        return PlainTextResponse(
            "aws-vpn-exporter is not ready: not every target has been polled yet.\n", status_code=503
        )

    def reload(_: Request) -> Response:
        try:
            exporter.reload()
        except ConfigError as error:
            return PlainTextResponse(
                f"the configuration is not reloaded; the previous one stays in force:\n{error}\n", 500
            )
        return PlainTextResponse("the configuration is reloaded.\n")

    return Starlette(
        routes=[
            Route("/", status),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", reload, methods=["POST"]),
        ],
        middleware=[
            Middleware(ExtraHeaders, config=web_config),
            Middleware(BasicAuth, config=web_config),
            # Level 1 is ten times cheaper than 9 and nearly as small on this kind of text.
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1),
        ],
    )


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
