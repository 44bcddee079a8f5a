"""The web configuration in force (`--web.config.file`).

Each request and each new connection checks whether the file, or a certificate or key that it names, has changed. A
change is in force at once, TLS itself, its versions and client certificates included: connections made before it end at
their next request. One that cannot be used is logged, a metric says so, and the configuration before it stays in force.
So it does while the file is written: half of it, or none, must not let anybody in.
"""

import logging
from pathlib import Path
from typing import NamedTuple

from aws_vpn_exporter.config import ConfigError, load_as
from aws_vpn_exporter.web.schema import WebConfig
from aws_vpn_exporter.web.tls import CAN_PREFER_CURVES, ServerTls, server_tls

log = logging.getLogger(__name__)


class WebConfigFile:
    """The web configuration in force; without a file, an empty one."""

    def __init__(self, path: Path | None) -> None:
        """Raises ConfigError where the file, or a file that it names, cannot be used."""
        self._path = path
        self._seen: tuple[_Stamp, ...] = ()
        self._named: list[Path] = []
        """Files that the file names now, whether or not it can be used: one that is missing may come later."""
        self._config = WebConfig()
        self._tls: ServerTls | None = None
        self.reload_successful: bool | None = None
        """Whether the file could be used when it last changed; None without a file."""
        if path:
            self._config, self._tls = self._load(path)
            self.reload_successful = True

    def current(self) -> WebConfig:
        """The configuration that the file has now, or the last one that could be used."""
        if self._path and self._stamps() != self._seen:
            try:
                loaded = self._load(self._path)
                if _stamp(self._path) != self._seen[0]:
                    return self._config  # it was written meanwhile, and is read again next time
                if self._seen[0].size == 0:
                    raise ConfigError(f"{self._path}: is empty; {{}} is a web configuration that asks for nothing")
                self._config, self._tls = loaded
                self.reload_successful = True
                log.info("the web configuration is reloaded")
                self.log_what_is_not_honoured()
            except ConfigError as error:
                self.reload_successful = False
                log.error("the web configuration is not reloaded; the previous one stays in force: %s", error)
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

    def _stamps(self) -> tuple["_Stamp", ...]:
        if not self._path:
            return ()
        return tuple(map(_stamp, (self._path, *self._named)))

    def _load(self, path: Path) -> tuple[WebConfig, ServerTls | None]:
        # Each stamp is taken before its file is read, so that what is written meanwhile is noticed next time.
        self._seen = self._stamps()
        loaded = load_as(WebConfig, path)
        tls = loaded.tls_server_config
        self._named = [path.parent / file for file in (tls.cert_file, tls.key_file, tls.client_ca_file) if file]
        self._seen = (self._seen[0], *map(_stamp, self._named))
        try:
            return loaded, server_tls(tls, path.parent) if tls.is_enabled else None
        except ValueError as error:
            raise ConfigError(f"{path}: tls_server_config: {error}") from None


class _Stamp(NamedTuple):
    """By what it is noticed that a file has changed; nothing is known of one that is missing."""

    file: Path
    modified: int | None = None
    size: int | None = None
    number: int | None = None


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return _Stamp(file)
    return _Stamp(file, status.st_mtime_ns, status.st_size, status.st_ino)
