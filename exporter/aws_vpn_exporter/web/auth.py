"""Basic authentication and extra response headers, as the web configuration file asks for them."""

import hashlib
from base64 import b64decode

import bcrypt
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aws_vpn_exporter.web.config import WebConfig, WebConfigFile

_LONGEST_PASSWORD = 72
"""Bytes of a password that bcrypt uses."""

_NO_PASSWORD = "$2b$10$" + "." * 22 + "x" * 31
"""A hash that matches no password, checked for unknown users: answers take as long as for known ones."""


class ExtraHeaders:
    """Adds the headers of the web configuration to each response."""

    def __init__(self, app: ASGIApp, config: WebConfigFile) -> None:
        self._app = app
        self._file = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = self._file.current().http_server_config.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)  # type: ignore[arg-type]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BasicAuth:
    """Requires a user and a password if the web configuration has users, except on its excluded paths."""

    def __init__(self, app: ASGIApp, config: WebConfigFile) -> None:
        self._app = app
        self._file = config
        self._verified: set[tuple[bytes, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        config, app = self._file.current(), self._app
        if config.basic_auth_users and scope["path"] not in config.auth_excluded_paths:
            authorization = Headers(scope=scope).get("authorization", "")
            if not await run_in_threadpool(self._is_known, authorization, config):
                app = PlainTextResponse("a user and a password are required.\n", 401, {"WWW-Authenticate": "Basic"})
        await app(scope, receive, send)

    def _is_known(self, authorization: str, config: WebConfig) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = b64decode(encoded, validate=True).partition(b":")
        except ValueError:
            return False
        wanted = config.basic_auth_users.get(user.decode(errors="replace"), _NO_PASSWORD)
        # bcrypt takes a tenth of a second, and each scrape comes with the same password.
        proof = (hashlib.sha256(password).digest(), wanted)
        if proof not in self._verified and bcrypt.checkpw(password[:_LONGEST_PASSWORD], wanted.encode()):
            self._verified.add(proof)
        return proof in self._verified
