"""`serve`: watches VPN connections and serves /metrics and the status page."""

import ctypes
import gc
import logging
from collections.abc import Sequence
from pathlib import Path

from aws_vpn_exporter import __version__
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.exporter import Exporter
from aws_vpn_exporter.file_watch import FileWatch
from aws_vpn_exporter.log_format import setup
from aws_vpn_exporter.sharding import EVERYTHING, Shard
from aws_vpn_exporter.web import server
from aws_vpn_exporter.web.app import application
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.reloading import Reloads

log = logging.getLogger(__name__)

# The numbers of glibc's <malloc.h>.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE_BLOCK = 128 * 1024


def serve(
    config_file: Path | None,
    web_config_file: Path | None,
    listen_addresses: Sequence[str],
    log_level: str,
    log_format: str,
    enable_lifecycle: bool = False,
    shard: Shard = EVERYTHING,
    auto_reload_interval: float | None = None,
    telemetry_path: str = "/metrics",
    systemd_socket: bool = False,
) -> int:
    """Serves until SIGTERM or SIGINT; to be called in the main thread, whose signals it handles.

    Listens on the addresses, or on the sockets that systemd passes. Every `auto_reload_interval` seconds it reads the
    configuration file again if that has changed; None is never.
    Raises ConfigError, CannotStartError or ListenError where it cannot start.
    """
    setup(log_level, log_format)
    if auto_reload_interval and not config_file:
        raise ConfigError("--config.auto-reload-interval is given without --config.file: there is no file to look at")
    watch = FileWatch(config_file) if config_file else None
    web_config = WebConfigFile(web_config_file)
    web_config.log_what_is_not_honoured()
    aws = Aws()
    exporter = Exporter(aws, config_file, shard, web_config_successful=lambda: web_config.reload_successful)
    where = "the sockets of systemd" if systemd_socket else ", ".join(listen_addresses)
    listeners = server.from_systemd() if systemd_socket else [server.listening(address) for address in listen_addresses]
    aws.check_credentials()
    if custom := aws.custom_endpoints():
        log.info("custom endpoints: %s", ", ".join(f"{service} {url}" for service, url in custom.items()))
    _give_memory_back()
    exporter.start()
    spare_the_garbage_collector()
    log.info("aws-vpn-exporter %s listens on %s", __version__, where)
    reloads = Reloads(exporter.reload)
    if watch and auto_reload_interval:
        watch.start(auto_reload_interval, reloads.request)
    app = application(exporter, web_config, reloads if enable_lifecycle else None, telemetry_path)
    server.serve(app, listeners, web_config.tls, reloads.request)
    return 0


def spare_the_garbage_collector() -> None:
    """Collects less often: reading a large answer makes 100,000 objects at once, nearly all of them without cycles.

    By default that costs 40 % of the time of a poll of 1,000 connections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _give_memory_back() -> None:
    """Tells glibc to keep one heap for all threads, and large blocks outside it; other C libraries are left alone.

    By default each thread that polls or writes a page has a heap of its own, which keeps the memory of its largest
    answer: 20 MiB with 1,000 connections.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
