"""`serve`: watches VPN connections and serves /metrics and the status page."""

import logging
from contextlib import suppress
from pathlib import Path

from aws_vpn_exporter import __version__
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.exporter import Exporter
from aws_vpn_exporter.log_format import setup
from aws_vpn_exporter.sharding import EVERYTHING, Shard
from aws_vpn_exporter.web import server
from aws_vpn_exporter.web.app import application
from aws_vpn_exporter.web.config import WebConfigFile

log = logging.getLogger(__name__)


def serve(
    config_file: Path | None,
    web_config_file: Path | None,
    listen_address: str,
    log_level: str,
    log_format: str,
    shard: Shard = EVERYTHING,
) -> int:
    """Serves until SIGTERM or SIGINT; to be called in the main thread, whose signals it handles.

    Raises ConfigError, CannotStartError or ListenError where it cannot start.
    """
    setup(log_level, log_format)
    web_config = WebConfigFile(web_config_file)
    aws = Aws()
    exporter = Exporter(aws, config_file, shard)
    listener = server.listening(listen_address)
    aws.check_credentials()
    if custom := aws.custom_endpoints():
        log.info("custom endpoints: %s", ", ".join(f"{service} {url}" for service, url in custom.items()))
    exporter.start()
    log.info("aws-vpn-exporter %s listens on %s", __version__, listen_address)
    server.serve(application(exporter, web_config), listener, web_config.tls(), lambda: _reload(exporter))
    return 0


def _reload(exporter: Exporter) -> None:
    with suppress(ConfigError):  # The exporter has logged it, and a metric says it; SIGHUP has no answer.
        exporter.reload()
