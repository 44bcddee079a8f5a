"""The headers of every answer: safe ones by default, and those that the web configuration file sets."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aws_vpn_exporter.web.config import WebConfigFile

DEFAULTS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The status page has a style of its own and a form that leads to itself: no script, no frame, nothing of others."""


class SafeHeaders:
    """Adds the default headers to each answer, or what the web configuration has in place of them."""

    def __init__(self, app: ASGIApp, config: WebConfigFile) -> None:
        self._app = app
        self._file = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers: dict[str, str] = dict(DEFAULTS)
        headers.update(self._file.current().http_server_config.headers.items())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update({name: value for name, value in headers.items() if value})
            await send(message)

        await self._app(scope, receive, send_with_headers)
