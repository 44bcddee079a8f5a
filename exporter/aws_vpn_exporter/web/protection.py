"""The web configuration file (`--web.config.file`), in the format of Prometheus's exporter-toolkit.

The file, and the certificate and key that it names, are looked at again with each request and each handshake; what
changed is in force at once, and what became unusable is logged and leaves the former state in force.
"""

import hashlib
import logging
import ssl
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import bcrypt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aws_vpn_exporter.config import ConfigError, validated

log = logging.getLogger(__name__)

_TLS_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_LONGEST_PASSWORD = 72  # bytes that bcrypt looks at
_NOBODY = "$2b$10$" + "." * 22 + "x" * 31
"""A hash that no password has; checked for unknown users, so that they take as long as known ones."""


def _bcrypt_hash(value: str) -> str:
    try:
        bcrypt.checkpw(b"", value.encode())
    except ValueError:
        raise ValueError("should be a bcrypt hash, as `htpasswd -nBC 10 USER` prints behind the colon") from None
    return value


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServerConfig(_Block):
    """Paths are relative to the web configuration file."""

    cert_file: Path
    key_file: Path
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: Path | None = None
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"


class HttpServerConfig(_Block):
    """Headers that are added to every answer."""

    headers: Mapping[
        Literal[
            "Content-Security-Policy",
            "Strict-Transport-Security",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "X-XSS-Protection",
        ],
        str,
    ] = {}


class WebConfig(_Block):
    """The file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: Mapping[str, Annotated[str, AfterValidator(_bcrypt_hash)]] = {}
    auth_excluded_paths: tuple[Annotated[str, Field(pattern="^/")], ...] = ()


class WebConfigFile:
    """The web configuration in force; an empty one where no file is given."""

    def __init__(self, path: Path | None) -> None:
        """Raises ConfigError where the file, or a file that it names, cannot be used."""
        self._path = path
        self._seen: tuple[object, ...] = ()
        self._config = WebConfig()
        self._tls: ssl.SSLContext | None = None
        if path:
            self._seen = self._stamps()
            self._config, self._tls = self._load(path)
            self._seen = self._stamps()

    def current(self) -> WebConfig:
        """The configuration as the file has it now, or as it last was usable."""
        stamps = self._stamps()
        if self._path and stamps != self._seen:
            try:
                self._config, self._tls = self._load(self._path)
                log.info("the web configuration is reloaded")
            except ConfigError as error:
                log.error("the web configuration is not reloaded, the one before stays: %s", error)
            self._seen = self._stamps()
        return self._config

    def tls(self) -> ssl.SSLContext | None:
        """For the listening socket: each handshake uses the certificate that the file names then."""
        if self._tls is None:
            return None
        listening = self._context(self._config.tls_server_config, self._path) if self._path else None
        if listening:
            listening.sni_callback = self._use_current
        return listening

    def _use_current(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self.current()
        if self._tls:
            handshake.context = self._tls

    def _load(self, path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
        loaded = validated(WebConfig, raw, str(path))
        return loaded, self._context(loaded.tls_server_config, path)

    def _context(self, tls: TlsServerConfig | None, path: Path) -> ssl.SSLContext | None:
        if tls is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _TLS_VERSIONS[tls.min_version]
        context.maximum_version = _TLS_VERSIONS[tls.max_version]
        try:
            context.load_cert_chain(path.parent / tls.cert_file, path.parent / tls.key_file)
            if tls.client_ca_file:
                context.load_verify_locations(path.parent / tls.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(file) for file in (tls.cert_file, tls.key_file, tls.client_ca_file) if file)
            raise ConfigError(f"{path}: tls_server_config: cannot use {named}: {error}") from None
        if tls.client_auth_type != "NoClientCert" and not tls.client_ca_file:
            raise ConfigError(f"{path}: tls_server_config: client_auth_type needs client_ca_file")
        context.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
        return context

    def _stamps(self) -> tuple[object, ...]:
        tls = self._config.tls_server_config
        named = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls else ()
        files = [self._path, *(self._path.parent / file for file in named if file)] if self._path else []
        return tuple(_stamp(file) for file in files if file)


def _stamp(file: Path) -> tuple[object, ...]:
    try:
        status = file.stat()
    except OSError:
        return (file, None)
    return (file, status.st_mtime_ns, status.st_size, status.st_ino)


class Protection:
    """Asks for a user and password where the web configuration names users, and adds its headers to answers."""

    def __init__(self, app: ASGIApp, config: WebConfigFile) -> None:
        self._app = app
        self._file = config
        self._verified: set[tuple[bytes, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        config = self._file.current()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(config.http_server_config.headers)  # type: ignore[arg-type]
            await send(message)

        app = self._app
        if config.basic_auth_users and scope["path"] not in config.auth_excluded_paths:
            authorization = Headers(scope=scope).get("authorization", "")
            if not await run_in_threadpool(self._is_known, authorization, config):
                app = PlainTextResponse("user and password are needed.\n", 401, {"WWW-Authenticate": "Basic"})
        await app(scope, receive, send_with_headers)

    def _is_known(self, authorization: str, config: WebConfig) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = b64decode(encoded, validate=True).partition(b":")
        except ValueError:
            return False
        wanted = config.basic_auth_users.get(user.decode(errors="replace"), _NOBODY)
        # bcrypt takes a tenth of a second, and a scrape comes every few seconds with the same password.
        proof = (hashlib.sha256(password).digest(), wanted)
        if proof not in self._verified and bcrypt.checkpw(password[:_LONGEST_PASSWORD], wanted.encode()):
            self._verified.add(proof)
        return proof in self._verified
