"""The text of /metrics, in the two formats that Prometheus asks for.

A target's part of the page is rendered once per report and kept until the poller replaces the report, so that a
scrape mostly joins bytes. The client library does the writing; here its output is only taken apart and joined.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from prometheus_client import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from aws_vpn_exporter.catalogue import target_families
from aws_vpn_exporter.model import Settings, Target, TargetReport

PLAIN = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS = CONTENT_TYPE_OPENMETRICS

_ENCODERS: Mapping[str, Callable[..., bytes]] = {
    PLAIN: generate_latest,
    OPENMETRICS: partial(generate_openmetrics, version="1.0.0"),
}
_END = {PLAIN: b"", OPENMETRICS: b"# EOF\n"}

_Chunk = tuple[str, bytes, bytes]
"""One family of one target: its name, its HELP and TYPE lines, its samples."""


class _Families:
    """What the encoders take for a registry."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


class Exposition:
    """Writes pages under one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rendered: dict[tuple[str, Target], tuple[TargetReport, list[_Chunk]]] = {}

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
        parts: dict[str, list[bytes]] = {}
        chunks = [*(self._chunks(report, content_type) for report in reports), _encode(others, content_type)]
        for name, header, samples in (chunk for part in chunks for chunk in part):
            if samples and (not names or name in names):
                parts.setdefault(name, [header]).append(samples)
        return b"".join(b for part in parts.values() for b in part) + _END[content_type]

    def _chunks(self, report: TargetReport, content_type: str) -> list[_Chunk]:
        key = (content_type, report.target)
        rendered = self._rendered.get(key)
        if rendered is None or rendered[0] is not report:
            rendered = (report, _encode(target_families(report, self._settings), content_type))
            self._rendered[key] = rendered
        return rendered[1]


def _encode(families: Iterable[Family], content_type: str) -> list[_Chunk]:
    return list(_chunked(families, content_type))


def _chunked(families: Iterable[Family], content_type: str) -> Iterator[_Chunk]:
    for family in families:
        written = _ENCODERS[content_type](_Families([family])).removesuffix(_END[content_type])
        lines = written.split(b"\n", 2)
        yield _sample_name(family), b"\n".join(lines[:2]) + b"\n", lines[2]


def _sample_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
