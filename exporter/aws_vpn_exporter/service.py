"""The exporter as one object: configuration, targets, polls and pages, wired together. Knows no web and no CLI."""

import logging
import platform
import random
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import ProcessCollector

from aws_vpn_exporter import __version__, config
from aws_vpn_exporter.aws import discovery, vpn
from aws_vpn_exporter.aws.session import BOTO3_VERSION, Aws, CannotStartError
from aws_vpn_exporter.catalogue import ExporterReport, exporter_families
from aws_vpn_exporter.config import Config, ConfigError
from aws_vpn_exporter.exposition import Exposition
from aws_vpn_exporter.model import Settings, TargetReport
from aws_vpn_exporter.poller import Intervals, Poller, Workers

log = logging.getLogger(__name__)

WORKERS = 32
"""Threads that poll; each holds at most one call to AWS."""


@dataclass(frozen=True, slots=True)
class _Active:
    """What one configuration sets up; replaced as a whole by a reload."""

    config: Config
    regions: discovery.Regions
    settings: Settings
    exposition: Exposition


class Exporter:
    """Watches VPN connections and writes pages about them."""

    def __init__(self, aws: Aws, path: Path | None) -> None:
        """Raises ConfigError or CannotStartError where this can never work."""
        self._aws = aws
        self._path = path
        self._active = self._load()
        self._reload_successful, self._last_reload = True, time.time()
        self._process = ProcessCollector(registry=None)
        self._poller = Poller(
            lambda target: vpn.connections(aws, target), _intervals(self._active.config), time, random.random
        )
        self._discover_now = threading.Event()

    def start(self) -> None:
        """Begins to look for targets and to poll them, in daemon threads."""
        threading.Thread(target=self._keep_discovering, name="discovery", daemon=True).start()
        Workers(self._poller, WORKERS).start()

    @property
    def ready(self) -> bool:
        """Whether every target has been tried at least once."""
        return self._poller.ready

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._active.settings

    def reports(self) -> list[TargetReport]:
        """What is known of each target now."""
        return self._poller.reports()

    def page(self, content_type: str, names: Collection[str] = ()) -> bytes:
        """The text of /metrics in the format `content_type`; only of the metrics `names`, where given."""
        report = ExporterReport(
            version=__version__,
            python_version=platform.python_version(),
            boto3_version=BOTO3_VERSION,
            reload_successful=self._reload_successful,
            last_reload=self._last_reload,
            api_requests=self._aws.requests(),
        )
        others = [*exporter_families(report), *self._process.collect()]
        return self._active.exposition.page(self.reports(), others, content_type, names)

    def reload(self) -> None:
        """Reads the configuration file again. Raises ConfigError, and goes on as before, where it is bad."""
        try:
            self._active = self._load()
        except (ConfigError, CannotStartError) as error:
            self._reload_successful = False
            log.error("the configuration is not reloaded, the one before stays: %s", error)
            raise ConfigError(str(error)) from None
        self._reload_successful, self._last_reload = True, time.time()
        self._poller.configure(_intervals(self._active.config))
        self._discover_now.set()
        log.info("the configuration is reloaded")

    def _load(self) -> _Active:
        loaded = config.load(self._path) if self._path else Config()
        settings = loaded.settings()
        return _Active(loaded, discovery.regions_of(self._aws, loaded.regions), settings, Exposition(settings))

    def _keep_discovering(self) -> None:
        while True:
            self._discover_now.clear()
            self._discover_now.wait(self._discover())

    def _discover(self) -> float:
        """Tells the poller which targets there are; the seconds until it is worth asking again."""
        active = self._active
        try:
            targets = discovery.targets(self._aws, active.regions)
        except Exception:
            log.exception("discovery failed by a bug in the exporter; the targets stay as they are")
            return active.config.poll_interval
        self._poller.watch(targets)
        return active.config.discovery_interval if discovery.complete(targets) else active.config.poll_interval


def _intervals(loaded: Config) -> Intervals:
    return Intervals(loaded.poll_interval, loaded.discovery_interval, loaded.stale_after)
