"""The exporter as one object: configuration, targets, polls and pages, wired together. Knows no web and no CLI."""

import logging
import math
import platform
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import ProcessCollector

from aws_vpn_exporter import __version__, config
from aws_vpn_exporter.aws import vpn
from aws_vpn_exporter.aws.discovery import Discovery, enabled_regions
from aws_vpn_exporter.aws.session import BOTO3_VERSION, Aws, CannotStartError
from aws_vpn_exporter.aws.sources import OptionalSources
from aws_vpn_exporter.catalogue import ExporterReport, Knowledge, exporter_families
from aws_vpn_exporter.config import Config, ConfigError
from aws_vpn_exporter.evidence import SOURCES, Round, SourceName, Sources
from aws_vpn_exporter.exposition import Exposition
from aws_vpn_exporter.model import ALL_REGIONS, Connection, Finding, Report, Settings, Target
from aws_vpn_exporter.poller import Lane, Pause, Poller, Schedule, Workers
from aws_vpn_exporter.sharding import EVERYTHING, Shard

log = logging.getLogger(__name__)

WORKERS = {Lane.ANSWERING: 64, Lane.FAILING: 32}
"""The most threads that poll; each holds at most one call to AWS. There are never more than targets."""

SOURCE_WORKERS = {Lane.ANSWERING: 8, Lane.FAILING: 4}
"""The same for each optional source."""

_PATIENCE_WITH_STS = 2.0
"""Seconds."""

_TOO_EARLY = 1.0
"""Seconds."""

_EVEN = 0.5
"""Jitter of long pauses: the first sweep takes seconds, the later ones should spread over minutes."""


@dataclass(frozen=True, slots=True)
class _Active:
    """What one configuration sets up; replaced as a whole by a reload."""

    config: Config
    discovery: Discovery
    settings: Settings
    exposition: Exposition


class Exporter:
    """Watches VPN connections and writes pages about them."""

    def __init__(self, aws: Aws, path: Path | None, shard: Shard = EVERYTHING) -> None:
        """Raises ConfigError or CannotStartError where this can never work."""
        self._aws = aws
        self._path = path
        self._shard = shard
        self._active = self._load(None)
        self._reload_successful, self._last_reload = True, time.time()
        self._process = ProcessCollector(registry=None)
        self._poller = Poller(self._connections, _connection_schedule(self._active.config), time, random.random)
        self._regions = Poller(self._enabled_regions, _region_schedule(self._active.config), time, random.random)
        self._workers = [
            Workers(p, lane, most) for p in (self._poller, self._regions) for lane, most in WORKERS.items()
        ]
        self._optional = OptionalSources(aws)
        self._sources: Mapping[SourceName, Poller[Round[Any]]] = {
            name: Poller(self._looks(name), _source_schedule(self._active.config, name), time, random.random)
            for name in SOURCES
        }
        for poller in self._sources.values():
            self._workers += [Workers(poller, lane, most) for lane, most in SOURCE_WORKERS.items()]
        self._look_again = threading.Event()

    def start(self) -> None:
        """Begins to look for targets and to poll them, in daemon threads."""
        threading.Thread(target=self._keep_discovering, name="discovery", daemon=True).start()
        late = threading.Timer(_PATIENCE_WITH_STS, self._watch_what_is_configured)
        late.daemon = True
        late.start()

    @property
    def ready(self) -> bool:
        """Whether every target has been tried at least once."""
        return self._poller.ready

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._active.settings

    def known(self) -> list[Knowledge]:
        """What is known of each target now."""
        said = {name: _by_target(self._sources[name].reports()) for name in self._active.config.sources()}
        return [
            Knowledge(report, Sources({name: by[report.target] for name, by in said.items() if report.target in by}))
            for report in self._poller.reports()
        ]

    @property
    def sources_ready(self) -> bool:
        """Whether every source that is on has been asked about every target."""
        reports = [report for name in self._active.config.sources() for report in self._sources[name].reports()]
        return all(report.polls and not (report.snapshot and report.snapshot.answer.too_early) for report in reports)

    @property
    def progress(self) -> tuple[int, int]:
        """How many targets have been tried, and how many there are."""
        return self._poller.progress

    def page(self, content_type: str, names: Collection[str] = ()) -> bytes:
        """The text of /metrics in the format `content_type`; only of the metrics `names`, where given."""
        report = ExporterReport(
            version=__version__,
            python_version=platform.python_version(),
            boto3_version=BOTO3_VERSION,
            reload_successful=self._reload_successful,
            last_reload=self._last_reload,
            api_requests=self._aws.requests(),
            cloudwatch_metrics_requested=self._optional.metrics_requested,
        )
        others = [*exporter_families(report), *self._process.collect()]
        return self._active.exposition.page(self.known(), others, content_type, time.time(), names)

    def reload(self) -> None:
        """Reads the configuration file again. Raises ConfigError, and goes on as before, where it is bad."""
        try:
            self._active = self._load(self._active.discovery)
        except (ConfigError, CannotStartError) as error:
            self._reload_successful = False
            log.error("the configuration is not reloaded, the one before stays: %s", error)
            raise ConfigError(str(error)) from None
        self._reload_successful, self._last_reload = True, time.time()
        self._poller.configure(_connection_schedule(self._active.config))
        self._regions.configure(_region_schedule(self._active.config))
        for name, poller in self._sources.items():
            poller.configure(_source_schedule(self._active.config, name))
        self._look_again.set()
        log.info("the configuration is reloaded")

    def _load(self, before: Discovery | None) -> _Active:
        loaded = config.load(self._path) if self._path else Config()
        settings = loaded.settings(self._path)
        return _Active(loaded, Discovery(self._aws, loaded, before), settings, Exposition(settings))

    def _connections(self, target: Target) -> tuple[Connection, ...]:
        return vpn.connections(self._aws, target)

    def _enabled_regions(self, target: Target) -> tuple[str, ...]:
        return enabled_regions(self._aws, target, self._active.discovery.home)

    def _watch_what_is_configured(self) -> None:
        """Until AWS says whose account it is, connections are watched under an unknown one rather than not at all."""
        configured = self._active.discovery.configured()
        self._poller.watch_at_first({t: finding for t, finding in configured.items() if self._shard.has(t)})
        self._workers_grow()

    def _looks(self, source: SourceName) -> Callable[[Target], Round[Any]]:
        def look(target: Target) -> Round[Any]:
            report = self._poller.report(target)
            if report is None or report.polls == 0:
                return Round({}, too_early=True)
            connections = report.snapshot.answer if report.snapshot else ()
            block = self._active.config.traffic
            return self._optional.look(source, target, connections, int(block.period if block else 0))

        return look

    def _keep_discovering(self) -> None:
        while True:
            self._look_again.clear()
            try:
                pause = self._discover()
            except Exception:
                log.exception("discovery failed by a bug in the exporter; the targets stay as they are")
                pause = self._active.config.poll_interval
            self._look_again.wait(pause)

    def _workers_grow(self) -> None:
        for workers in self._workers:
            workers.grow()

    def _discover(self) -> float:
        """Tells the pollers which targets there are; the seconds until it is worth looking again."""
        active = self._active
        accounts = active.discovery.accounts()
        with_all_regions = [account for account in accounts if account.regions == ALL_REGIONS]
        self._regions.watch({Target(account.id, ALL_REGIONS): Finding() for account in with_all_regions})
        regions_of = {report.target.account_id: report for report in self._regions.reports()}
        targets = active.discovery.targets(accounts, regions_of)
        mine = {target: finding for target, finding in targets.items() if self._shard.has(target)}
        self._poller.watch(mine)
        turned_on = active.config.sources()
        pollable = {target: finding for target, finding in mine.items() if finding.pollable}
        for name, poller in self._sources.items():
            poller.watch(pollable if name in turned_on else {})
        self._workers_grow()
        if not self._regions.ready:
            return 1.0
        return active.config.discovery_interval if active.discovery.settled(targets) else active.config.poll_interval


def _connection_schedule(loaded: Config) -> Schedule[tuple[Connection, ...]]:
    """Targets with connections are asked often, the others now and then; an empty answer stands until the next one."""
    busy, empty = Pause(loaded.poll_interval), Pause(loaded.discovery_interval, _EVEN)
    return Schedule(
        poll_interval=loaded.poll_interval,
        after=lambda connections: busy if connections else empty,
        good_for=lambda connections: loaded.stale_after if connections else math.inf,
    )


def _source_schedule(loaded: Config, name: SourceName) -> Schedule[Round[Any]]:
    """Where there are no tunnels yet, the next look comes soon: it costs no call until there are some."""
    interval = loaded.sources().get(name, loaded.poll_interval)
    return Schedule(
        poll_interval=loaded.poll_interval,
        after=lambda round_: Pause(
            _TOO_EARLY if round_.too_early else interval if round_.values else loaded.poll_interval
        ),
        good_for=lambda _: interval + loaded.stale_after,
        flaw_of=lambda round_: round_.error,
    )


def _by_target(reports: Iterable[Report[Round[Any]]]) -> Mapping[Target, Report[Round[Any]]]:
    return {report.target: report for report in reports}


def _region_schedule(loaded: Config) -> Schedule[tuple[str, ...]]:
    """A list of regions stays in force until there is a newer one."""
    return Schedule(
        poll_interval=loaded.poll_interval,
        after=lambda _: Pause(loaded.discovery_interval, _EVEN),
        good_for=lambda _: math.inf,
    )
