"""The text of /metrics, in the two formats that Prometheus asks for.

A target's part of the page is rendered once per report and kept until the poller replaces the report, so that a
scrape mostly joins bytes. The client library does the writing; here its output is only taken apart and joined.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from aws_vpn_exporter.catalogue import Knowledge, connection_families, target_families
from aws_vpn_exporter.model import Report, Settings, Target, TunnelState

PLAIN = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS = CONTENT_TYPE_OPENMETRICS

_ENCODERS: Mapping[str, Callable[..., bytes]] = {
    PLAIN: generate_latest,
    OPENMETRICS: partial(generate_openmetrics, version="1.0.0"),
}
_END = {PLAIN: b"", OPENMETRICS: b"# EOF\n"}

Written = dict[str, bytes]
"""By name of the samples, the lines of a family; families without samples are left out."""


class _Families:
    """What the encoders take for a registry."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


class _Part:
    """The lines about one target, in one format: those about its connections outlive reports that say the same."""

    def __init__(self) -> None:
        self._said: Sequence[object] = ()
        self._about_connections: Written = {}
        self._reports: Sequence[object] = ()
        self.written: Written = {}

    def update(self, known: Knowledge, settings: Settings, content_type: str, now: float) -> None:
        reports: list[Report[Any]] = [known.report, *known.sources.reports.values()]
        answers = (report.snapshot and report.snapshot.answer for report in reports)
        said: list[object] = [_minute(known, now), *answers]
        if _same(reports, self._reports) and _same(said, self._said):
            return
        if not _same(said, self._said):
            self._about_connections = _written(connection_families(known, settings, now), content_type)
            self._said = said
        self.written = {**self._about_connections, **_written(target_families(known), content_type)}
        self._reports = reports


def _same(these: Sequence[object], those: Sequence[object]) -> bool:
    """Whether the objects are the very same; numbers whether they are equal."""
    return len(these) == len(those) and all(
        this is that or (isinstance(this, int) and this == that) for this, that in zip(these, those, strict=True)
    )


def _minute(known: Knowledge, now: float) -> int:
    """What is said of a tunnel that is not up changes as time passes, by the minute; of the others it does not."""
    well = all(
        tunnel.telemetry and tunnel.telemetry.state is TunnelState.UP
        for connection in known.connections
        if connection.in_service
        for tunnel in connection.tunnels
    )
    return 0 if well else int(now // 60)


class Exposition:
    """Writes pages under one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: dict[str, dict[Target, _Part]] = {content_type: {} for content_type in _ENCODERS}
        self._headers = {content_type: _headers(content_type) for content_type in _ENCODERS}
        self._lock = threading.Lock()

    def page(
        self,
        known: Iterable[Knowledge],
        others: Iterable[Family],
        content_type: str,
        now: float,
        names: Collection[str] = (),
    ) -> bytes:
        """The page in the format of `content_type` (PLAIN or OPENMETRICS).

        `now` is a Unix time in seconds; `others` are families that belong to no target. Where `names` are given,
        only families with a sample of one of these names are on it.
        """
        headers = self._headers[content_type]
        lines: dict[str, list[bytes]] = {name: [] for name in headers if not names or name in names}
        for written in self._written(known, content_type, now):
            for name, samples in written.items():
                if name in lines:
                    lines[name].append(samples)
        page = [part for name, samples in lines.items() if samples for part in (headers[name], *samples)]
        wanted = [family for family in others if family.samples and (not names or _sample_name(family) in names)]
        page.extend(_encode(family, content_type) for family in wanted)
        return b"".join((*page, _END[content_type]))

    def _written(self, known: Iterable[Knowledge], content_type: str, now: float) -> list[Written]:
        with self._lock:
            before, parts = self._parts[content_type], {}
            for one in known:
                target = one.report.target
                parts[target] = before.get(target) or _Part()
                parts[target].update(one, self._settings, content_type, now)
            self._parts[content_type] = parts
            return [part.written for part in parts.values()]


def _headers(content_type: str) -> dict[str, bytes]:
    """By name of the samples, the HELP and TYPE lines of every family that is about targets."""
    nothing = Knowledge(Report(Target("", "")))
    families = [*connection_families(nothing, Settings(), 0.0), *target_families(nothing)]
    return {_sample_name(family): _header(family, content_type) for family in families}


def _header(family: Family, content_type: str) -> bytes:
    return b"\n".join(_encode(family, content_type).split(b"\n", 2)[:2]) + b"\n"


def _written(families: Iterable[Family], content_type: str) -> Written:
    return {
        _sample_name(family): _encode(family, content_type).split(b"\n", 2)[2] for family in families if family.samples
    }


def _encode(family: Family, content_type: str) -> bytes:
    return _ENCODERS[content_type](_Families([family])).removesuffix(_END[content_type])


def _sample_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
