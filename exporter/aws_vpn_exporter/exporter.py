"""The exporter as one object: configuration, targets, polls and pages, wired together. Knows no web and no CLI."""

import logging
import math
import platform
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import ProcessCollector

from aws_vpn_exporter import __version__, config
from aws_vpn_exporter.aws.connection_polls import FASTER, ConnectionPolls, not_well
from aws_vpn_exporter.aws.credentials import SESSION_ENDED, RoleSession
from aws_vpn_exporter.aws.session import BOTO3_VERSION, Aws, CannotStartError
from aws_vpn_exporter.config import Config, ConfigError
from aws_vpn_exporter.discovery.targets import Discovery, enabled_regions
from aws_vpn_exporter.evidence import SourceAnswer
from aws_vpn_exporter.history import History, remembered
from aws_vpn_exporter.metrics.exporter import ExporterStatus
from aws_vpn_exporter.metrics.page import MetricsPage, exporter_families
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.poller import Pause, Poller, Schedule, Workers
from aws_vpn_exporter.sharding import EVERYTHING, Shard
from aws_vpn_exporter.sources import SOURCES, Source, SourceBlock
from aws_vpn_exporter.status import SourcePoll, TargetStatus
from aws_vpn_exporter.target import ALL_REGIONS, Discovered, PollError, Target

log = logging.getLogger(__name__)

_chance = random.Random().random  # noqa: S311  # nosec B311

_THREADS = (64, 32)
"""The most threads that poll targets that answer, and targets that fail; each holds at most one call to AWS."""

_ROLE_THREADS = (16, 8)
"""The same for the sessions of roles, which have threads of their own: AWS's STS never holds up a poll."""

_SOURCE_THREADS = (8, 4)
"""The same for each optional source."""

_PATIENCE_WITH_STS = 2.0
"""Seconds."""

_PATIENCE_WITH_FIRST_POLLS = 5.0
"""Seconds without a target that was tried for the first time, after which the exporter is ready all the same. Where
packets to AWS vanish, a first poll takes many seconds, as it tries to connect again. What the pages say until then is
true."""

_SOON = 0.25
"""Seconds until discovery goes on while roles or regions have not been tried yet."""

_REST = 8.0
"""Discovery rests for so many times the processor time that it took: that of 17,000 targets must not slow the polls."""

_ASSUMED_AGAIN_AFTER = 60.0
"""Seconds between two attempts to replace a session that AWS refuses."""

_TOO_EARLY = 10.0
"""Seconds until a source is asked again that was asked before the target's connections were known. Usually it is asked
as soon as they are."""

_LARGE_JITTER = 0.5
"""Of long pauses: the first polls take seconds together, the later ones should spread over minutes."""


_NO_HISTORY: History = {}


@dataclass(frozen=True, slots=True)
class _Active:
    """What one configuration sets up; replaced as a whole by a reload."""

    config: Config
    discovery: Discovery
    settings: Settings
    metrics: MetricsPage


class Exporter:
    """Watches VPN connections and writes pages about them."""

    def __init__(
        self,
        aws: Aws,
        path: Path | None,
        shard: Shard = EVERYTHING,
        only_region: str | None = None,
        web_config_successful: Callable[[], bool | None] = lambda: None,
    ) -> None:
        """Raises ConfigError or CannotStartError where this can never work.

        `only_region` is watched in place of the regions that the configuration names. `web_config_successful` says
        whether the latest web configuration could be used, None where there is none.
        """
        self._web_config_successful = web_config_successful
        self._only_region = only_region
        self._aws = aws
        self._path = path
        self._shard = shard
        self._active = self._load(None)
        self._reload_successful, self._last_reload = True, time.time()
        self._process = ProcessCollector(registry=None)
        self._connection_polls = ConnectionPolls(aws, time.monotonic)
        self._poller = Poller(self._connections, self._connection_schedule(), time, _chance, self._ask_sources_soon)
        self._roles = Poller(self._assume_role, _role_schedule(self._active.config), time, _chance)
        self._regions = Poller(self._enabled_regions, _region_schedule(self._active.config), time, _chance)
        self._sources: Mapping[str, Poller[SourceAnswer[Any]]] = {
            name: Poller(self._fetch_from(name), _source_schedule(self._active.config, name), time, _chance)
            for name in SOURCES
        }
        self._source_of: dict[tuple[str, Target], tuple[SourceBlock, Source]] = {}
        self._histories: dict[Target, History] = {}
        self._rediscover = threading.Event()
        self._all_discovered = False
        """Whether every role and every account's list of regions has been tried: a shard without a target so far may
        get some."""

    def start(self) -> None:
        """Begins to look for targets and to poll them, in daemon threads."""
        Workers(self._poller, *_THREADS)
        Workers(self._roles, *_ROLE_THREADS)
        Workers(self._regions, *_THREADS)
        for source in self._sources.values():
            Workers(source, *_SOURCE_THREADS)
        threading.Thread(target=self._keep_discovering, name="discovery", daemon=True).start()
        late = threading.Timer(_PATIENCE_WITH_STS, self._watch_what_is_configured)
        late.daemon = True
        late.start()

    @property
    def ready(self) -> bool:
        """Whether the pages say what can be said: every target has been tried, or AWS does not answer for now."""
        return self.all_tried or self._poller.stalled_for > _PATIENCE_WITH_FIRST_POLLS

    @property
    def all_tried(self) -> bool:
        """Whether AWS has been asked for all targets there are, and about each of them at least once."""
        return self._all_discovered and self._poller.ready

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._active.settings

    def statuses(self) -> list[TargetStatus]:
        """What is known of each target now."""
        by_source = {name: _by_target(self._sources[name].statuses()) for name in self._active.config.sources()}
        return [
            TargetStatus(
                poll,
                {name: by[poll.target] for name, by in by_source.items() if poll.target in by},
                self._histories.get(poll.target, _NO_HISTORY),
            )
            for poll in self._poller.statuses()
        ]

    @property
    def sources_ready(self) -> bool:
        """Whether every source that is on has been asked about every target."""
        polls = [poll for name in self._active.config.sources() for poll in self._sources[name].statuses()]
        return all(poll.failure or (poll.polls and poll.answer and not poll.answer.too_early) for poll in polls)

    @property
    def progress(self) -> tuple[int, int]:
        """How many targets have been tried, and how many there are."""
        return self._poller.progress

    def metrics(self, content_type: str, names: Collection[str] = ()) -> bytes:
        """The text of /metrics in the format `content_type`; only of the metrics `names`, where given."""
        status = ExporterStatus(
            version=__version__,
            python_version=platform.python_version(),
            boto3_version=BOTO3_VERSION,
            reload_successful=self._reload_successful,
            last_reload=self._last_reload,
            api_requests=self._aws.requests(),
            cloudwatch_metrics_requested=self._aws.metrics_requested,
            web_config_successful=self._web_config_successful(),
        )
        others = [*exporter_families(status), *self._process.collect()]
        return self._active.metrics.text(self.statuses(), others, content_type, time.time(), names)

    def reload(self) -> None:
        """Reads the configuration file again. Raises ConfigError, and goes on as before, where it is bad."""
        try:
            self._active = self._load(self._active.discovery)
        except (ConfigError, CannotStartError) as error:
            self._reload_successful = False
            log.error("the configuration is not reloaded, the one before stays: %s", error)
            raise ConfigError(str(error)) from None
        self._reload_successful, self._last_reload = True, time.time()
        self._poller.configure(self._connection_schedule())
        self._roles.configure(_role_schedule(self._active.config))
        self._regions.configure(_region_schedule(self._active.config))
        for name, poller in self._sources.items():
            poller.configure(_source_schedule(self._active.config, name))
        self._rediscover.set()
        log.info("the configuration is reloaded")

    def _load(self, before: Discovery | None) -> _Active:
        loaded = config.load(self._path) if self._path else Config()
        if self._only_region:
            loaded = loaded.only_in(self._only_region)
        settings = loaded.settings(self._path)
        return _Active(loaded, Discovery(self._aws, loaded, before), settings, MetricsPage(settings))

    def _connection_schedule(self) -> Schedule[tuple[Connection, ...]]:
        """Targets with connections are asked often, the others now and then; an empty answer is valid until the next.

        More often still while a connection is not well.
        """
        loaded, settings = self._active.config, self._active.settings
        often, rarely = Pause(loaded.poll_interval), Pause(loaded.discovery_interval, _LARGE_JITTER)
        faster = Pause(min(FASTER, loaded.poll_interval))
        return Schedule(
            poll_interval=loaded.poll_interval,
            next_poll=lambda answer: faster if not_well(answer, settings) else often if answer else rarely,
            valid_for=lambda answer: loaded.stale_after if answer else math.inf,
        )

    def _connections(self, target: Target) -> tuple[Connection, ...]:
        with self._new_session_after_refusal(target):
            config = self._active.config
            found = self._connection_polls.fetch(target, self._active.settings, config.poll_interval)
        self._histories[target] = remembered(self._histories.get(target), found, time.time())
        return found

    def _ask_sources_soon(self, target: Target) -> None:
        """Of thousands of targets most have no connections: their sources are not asked again and again until then."""
        for poller in self._sources.values():
            poller.hasten(target, 0.0)

    def _enabled_regions(self, target: Target) -> tuple[str, ...]:
        with self._new_session_after_refusal(target):
            return enabled_regions(self._aws, target, self._active.discovery.home)

    def _assume_role(self, target: Target) -> RoleSession:
        return self._aws.assume_role(target.account_id)

    @contextmanager
    def _new_session_after_refusal(self, target: Target) -> Iterator[None]:
        """A session that was revoked is replaced long before its own end."""
        try:
            yield
        except PollError as error:
            if error.code in SESSION_ENDED:
                self._roles.hasten(_role_of(target.account_id), _ASSUMED_AGAIN_AFTER)
            raise

    def _watch_what_is_configured(self) -> None:
        """Until AWS says whose account it is, connections are watched under an unknown one rather than not at all."""
        configured = self._active.discovery.configured()
        self._poller.watch_at_first({t: found for t, found in configured.items() if self._shard.has(t)})

    def _fetch_from(self, name: str) -> Callable[[Target], SourceAnswer[Any]]:
        def fetch(target: Target) -> SourceAnswer[Any]:
            poll = self._poller.status(target)
            block = self._active.config.sources().get(name)
            if poll is None or poll.polls == 0 or block is None:
                return SourceAnswer({}, too_early=True)
            in_service = [connection for connection in poll.answer or () if connection.in_service]
            if not in_service:
                return SourceAnswer({})
            source = self._source(name, target, block)
            with self._new_session_after_refusal(target), self._aws.acting_in(target.account_id):
                return source.fetch(self._aws.client(source.service, target.region), in_service, time.time())

        return fetch

    def _source(self, name: str, target: Target, block: SourceBlock) -> Source:
        """The target's instance of the source; a new one where its configuration block has changed."""
        made_with, source = self._source_of.get((name, target), (None, None))
        if source is None or made_with != block:
            source = SOURCES[name](block)
            self._source_of[name, target] = block, source
        return source

    def _keep_discovering(self) -> None:
        while True:
            self._rediscover.clear()
            before = time.thread_time()
            try:
                pause = self._discover()
            except Exception:
                log.exception("discovery failed by a bug in the exporter; the targets stay as they are")
                pause = self._active.config.poll_interval
            self._rediscover.wait(max(pause, _REST * (time.thread_time() - before)))

    def _discover(self) -> float:
        """Tells the pollers which targets there are; the seconds until it is worth looking again."""
        active = self._active
        accounts = active.discovery.accounts()
        self._roles.watch({_role_of(account.id): Discovered() for account in accounts if account.role_arn})
        for account in accounts:
            if self._aws.role_has_changed(account.id):
                self._roles.hasten(_role_of(account.id), _ASSUMED_AGAIN_AFTER)
        roles_tried = self._roles.ready
        roles = {poll.target.account_id: poll for poll in self._roles.statuses()}
        in_every_region = (account for account in accounts if account.regions == ALL_REGIONS)
        self._regions.watch(
            {
                Target(account.id, ALL_REGIONS): Discovered(pollable=self._aws.has_session(account.id))
                for account in in_every_region
            }
        )
        regions = {poll.target.account_id: poll for poll in self._regions.statuses()}
        targets = active.discovery.targets(accounts, roles, regions)
        mine = {target: found for target, found in targets.items() if self._shard.has(target)}
        self._poller.watch(mine)
        for target in set(self._histories) - set(mine):
            del self._histories[target]
        turned_on = active.config.sources()
        pollable = {target: found for target, found in mine.items() if found.pollable}
        for name, poller in self._sources.items():
            poller.watch(pollable if name in turned_on else {})
        for name, target in set(self._source_of) - {(name, target) for name in turned_on for target in pollable}:
            del self._source_of[name, target]
        regions_tried = all(poll.polls or not self._aws.has_session(account) for account, poll in regions.items())
        self._all_discovered = roles_tried and regions_tried
        if not self._all_discovered:
            return _SOON
        return active.config.discovery_interval if active.discovery.settled(targets) else active.config.poll_interval


def _source_schedule(loaded: Config, name: str) -> Schedule[SourceAnswer[Any]]:
    """Where there are no tunnels yet, the next poll comes soon: it costs no call until there are some.

    Where AWS has nothing to say about those there are, it is asked no more often than where it has.
    """
    block = loaded.sources().get(name)
    interval = block.interval if block else loaded.poll_interval
    return Schedule(
        poll_interval=loaded.poll_interval,
        next_poll=lambda answer: Pause(
            _TOO_EARLY
            if answer.too_early
            else interval
            if answer.values or answer.partial_error
            else loaded.poll_interval
        ),
        valid_for=lambda _: interval + loaded.stale_after,
        partial_error=lambda answer: answer.partial_error,
        pause_if_not_found=interval,
        late_after=interval + loaded.stale_after,  # asking about each tunnel of a large target takes long
    )


def _region_schedule(loaded: Config) -> Schedule[tuple[str, ...]]:
    """A list of regions stays in force until there is a newer one."""
    return Schedule(
        poll_interval=loaded.poll_interval,
        next_poll=lambda _: Pause(loaded.discovery_interval, _LARGE_JITTER),
        valid_for=lambda _: math.inf,
    )


def _role_schedule(loaded: Config) -> Schedule[RoleSession]:
    """A session is renewed well ahead of its end, and used up to it."""
    return Schedule(
        poll_interval=loaded.poll_interval,
        next_poll=lambda session: Pause(session.renew_in(time.time()), 0.0),
        valid_for=lambda session: math.inf if session.is_good(time.time()) else -1.0,
    )


def _role_of(account_id: str) -> Target:
    return Target(account_id, ALL_REGIONS)


def _by_target(polls: Iterable[SourcePoll]) -> Mapping[Target, SourcePoll]:
    return {poll.target: poll for poll in polls}
