"""The web configuration file (`--web.config.file`), in the format of Prometheus's exporter-toolkit.

Each request and each new connection checks whether the file, or a certificate or key that it names, has changed. A
change is in force at once, TLS itself, its versions and client certificates included: connections made before it end at
their next request. One that cannot be used is logged, and the configuration before it stays in force.
"""

import logging
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aws_vpn_exporter.config import ConfigError, load_as

log = logging.getLogger(__name__)

_TLS_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


_BCRYPT_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
"""Its shape only: a check at a high cost would hold up the server for seconds at each change of the file."""


def _bcrypt_hash(value: str) -> str:
    if not _BCRYPT_HASH.fullmatch(value):
        raise ValueError("should be a bcrypt hash, as `htpasswd -nBC 10 USER` prints it after the colon")
    return value


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServerConfig(_Block):
    """TLS of the server. Relative paths start from the web configuration file's folder."""

    cert_file: Path
    key_file: Path
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: Path | None = None
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"


class HttpServerConfig(_Block):
    """Headers to add to every response."""

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
    """The web configuration file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: Mapping[str, Annotated[str, AfterValidator(_bcrypt_hash)]] = {}
    auth_excluded_paths: tuple[Annotated[str, Field(pattern="^/")], ...] = ()


class WebConfigFile:
    """The web configuration in force; without a file, an empty one."""

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
        """The configuration that the file has now, or the last one that could be used."""
        stamps = self._stamps()
        if self._path and stamps != self._seen:
            try:
                self._config, self._tls = self._load(self._path)
                log.info("the web configuration is reloaded")
            except ConfigError as error:
                log.error("the web configuration is not reloaded; the previous one stays in force: %s", error)
            self._seen = self._stamps()
        return self._config

    def tls(self) -> ssl.SSLContext | None:
        """The context for a connection that is made now; None for one without TLS."""
        self.current()
        return self._tls

    def _load(self, path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
        loaded = load_as(WebConfig, path)
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
