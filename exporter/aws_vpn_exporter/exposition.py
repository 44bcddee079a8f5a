"""The text of /metrics, in the two formats that Prometheus asks for.

A target's part of the page is rendered once per report and kept until the poller replaces the report, so that a
scrape mostly joins bytes. The client library does the writing; here its output is only taken apart and joined.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from prometheus_client import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from aws_vpn_exporter.catalogue import connection_families, target_families
from aws_vpn_exporter.model import Connection, Report, Settings, Target, TargetReport

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
        self.report: TargetReport | None = None
        self._connections: tuple[Connection, ...] | None = None
        self._about_connections: Written = {}
        self.written: Written = {}

    def update(self, report: TargetReport, settings: Settings, content_type: str) -> None:
        connections = report.snapshot.answer if report.snapshot else ()
        if connections is not self._connections:
            families = connection_families(report.target, connections, settings)
            self._about_connections, self._connections = _written(families, content_type), connections
        self.written = {**self._about_connections, **_written(target_families(report), content_type)}
        self.report = report


class Exposition:
    """Writes pages under one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: dict[str, dict[Target, _Part]] = {content_type: {} for content_type in _ENCODERS}
        self._headers = {content_type: _headers(content_type) for content_type in _ENCODERS}
        self._lock = threading.Lock()

    def page(
        self,
        reports: Iterable[TargetReport],
        others: Iterable[Family],
        content_type: str = PLAIN,
        names: Collection[str] = (),
    ) -> bytes:
        """The page in the format of `content_type` (PLAIN or OPENMETRICS).

        `others` are families that belong to no target. Where `names` are given, only families with a sample of
        one of these names are on it.
        """
        headers = self._headers[content_type]
        lines: dict[str, list[bytes]] = {name: [] for name in headers if not names or name in names}
        for written in self._written(reports, content_type):
            for name, samples in written.items():
                if name in lines:
                    lines[name].append(samples)
        page = [part for name, samples in lines.items() if samples for part in (headers[name], *samples)]
        wanted = [family for family in others if family.samples and (not names or _sample_name(family) in names)]
        page.extend(_encode(family, content_type) for family in wanted)
        return b"".join((*page, _END[content_type]))

    def _written(self, reports: Iterable[TargetReport], content_type: str) -> list[Written]:
        with self._lock:
            before, parts = self._parts[content_type], {}
            for report in reports:
                part = parts[report.target] = before.get(report.target) or _Part()
                if part.report is not report:
                    part.update(report, self._settings, content_type)
            self._parts[content_type] = parts
            return [part.written for part in parts.values()]


def _headers(content_type: str) -> dict[str, bytes]:
    """By name of the samples, the HELP and TYPE lines of every family that is about targets."""
    empty = Report[tuple[Connection, ...]](Target("", ""))
    families = [*connection_families(empty.target, (), Settings()), *target_families(empty)]
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
