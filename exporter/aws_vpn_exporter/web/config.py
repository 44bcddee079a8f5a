"""The web configuration in force (`--web.config.file`).

Each request and each new connection checks whether the file, or a certificate or key that it names, has changed. A
change is in force at once, TLS itself, its versions and client certificates included: connections made before it end at
their next request. One that cannot be used is logged, a metric says so, and the configuration before it stays in force.
"""

import logging
from pathlib import Path

from aws_vpn_exporter.config import ConfigError, load_as
from aws_vpn_exporter.web.schema import WebConfig
from aws_vpn_exporter.web.tls import CAN_PREFER_CURVES, ServerTls, server_tls

log = logging.getLogger(__name__)


class WebConfigFile:
    """The web configuration in force; without a file, an empty one."""

    def __init__(self, path: Path | None) -> None:
        """Raises ConfigError where the file, or a file that it names, cannot be used."""
        self._path = path
        self._seen: tuple[object, ...] = ()
        self._named: list[Path] = []
        """Files that the file names now, whether or not it can be used: one that is missing may come later."""
        self._config = WebConfig()
        self._tls: ServerTls | None = None
        self.reload_successful: bool | None = None
        """Whether the file could be used when it last changed; None without a file."""
        if path:
            self._seen = self._stamps()
            self._config, self._tls = self._load(path)
            self._seen, self.reload_successful = self._stamps(), True

    def current(self) -> WebConfig:
        """The configuration that the file has now, or the last one that could be used."""
        stamps = self._stamps()
        if self._path and stamps != self._seen:
            try:
                self._config, self._tls = self._load(self._path)
                self.reload_successful = True
                log.info("the web configuration is reloaded")
                self.log_what_is_not_honoured()
            except ConfigError as error:
                self.reload_successful = False
                log.error("the web configuration is not reloaded; the previous one stays in force: %s", error)
            self._seen = self._stamps()
        return self._config

    def tls(self) -> ServerTls | None:
        """The settings for a connection that is made now; None for one without TLS."""
        self.current()
        return self._tls

    def not_honoured(self) -> list[str]:
        """What the configuration in force asks for and does not get, a line each."""
        return [f"{self._path}: {line}" for line in self._config.not_honoured(CAN_PREFER_CURVES)]

    def log_what_is_not_honoured(self) -> None:
        """One warning for each."""
        for line in self.not_honoured():
            log.warning("%s", line)

    def _stamps(self) -> tuple[object, ...]:
        if not self._path:
            return ()
        return tuple(map(_stamp, (self._path, *self._named)))

    def _load(self, path: Path) -> tuple[WebConfig, ServerTls | None]:
        loaded = load_as(WebConfig, path)
        tls = loaded.tls_server_config
        self._named = [path.parent / file for file in (tls.cert_file, tls.key_file, tls.client_ca_file) if file]
        try:
            return loaded, server_tls(tls, path.parent) if tls.is_enabled else None
        except ValueError as error:
            raise ConfigError(f"{path}: tls_server_config: {error}") from None


def _stamp(file: Path) -> tuple[object, ...]:
    try:
        status = file.stat()
    except OSError:
        return (file, None)
    return (file, status.st_mtime_ns, status.st_size, status.st_ino)
