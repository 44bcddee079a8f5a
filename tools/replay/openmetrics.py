"""Reads samples with their times from OpenMetrics text, as `promtool tsdb dump-openmetrics` and backfilling use it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

Labels = tuple[tuple[str, str], ...]
"""Name and value of each label, sorted by name; the metric's name is the label `__name__`."""

_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_WITH_EXEMPLAR = re.compile(r'([^\s{]+(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?) (\S+) (\S+)(?: # .*)?')


class OpenMetricsError(ValueError):
    """The text is not what can be replayed; says in which line and why."""


@dataclass(frozen=True)
class Samples:
    """The samples of one series in the order of their times: milliseconds since 1970, and values."""

    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def in_order(self) -> Samples:
        """The same, sorted; of two samples with the same time the one that came last in the file counts."""
        if all(before < after for before, after in pairwise(self.times)):
            return self
        found = dict(zip(self.times, self.values, strict=True))
        return Samples(array("q", sorted(found)), array("d", (found[time] for time in sorted(found))))


History = Mapping[Labels, Samples]


def spacing(history: History) -> float:
    """Seconds between two samples of a series: the usual distance in the longest one."""
    times = max((samples.times for samples in history.values()), key=len)
    return median(after - before for before, after in pairwise(times)) / 1000 if times[1:] else 0


def earlier(history: History, seconds: int) -> History:
    """The same so many seconds earlier, with the values that are times."""

    def moved(labels: Labels, samples: Samples) -> Samples:
        is_time = dict(labels)["__name__"].endswith("_timestamp_seconds")
        values = array("d", (value - seconds for value in samples.values)) if is_time else samples.values
        return Samples(array("q", (time - seconds * 1000 for time in samples.times)), values)

    return {labels: moved(labels, samples) for labels, samples in history.items()}


def read(lines: Iterable[str]) -> History:
    """Every series of the text. Raises OpenMetricsError."""
    found: dict[Labels, Samples] = {}
    known: dict[str, Samples] = {}  # the same by the text of the series, which is parsed once
    ended = False
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\n")
        if ended:
            raise OpenMetricsError(f"line {number}: there is text after # EOF")
        if not line or line.startswith("#"):
            ended = line == "# EOF"
            continue
        try:
            series, value, time = _parts(line)
            samples = known.get(series)
            if samples is None:
                samples = known[series] = found.setdefault(_labels(series), Samples())
            samples.times.append(round(float(time) * 1000))
            samples.values.append(float(value))
        except (ValueError, OverflowError) as error:
            reason = str(error) if isinstance(error, OpenMetricsError) else _WANTED
            raise OpenMetricsError(f"line {number}: {reason}") from None
    if not ended:
        raise OpenMetricsError("the last line is not # EOF: the file is cut off")
    if not found:
        raise OpenMetricsError("there is no sample in the file")
    return {labels: samples.in_order() for labels, samples in found.items()}


_WANTED = 'a sample is written as name{label="value"} VALUE TIME, with the time in seconds since 1970'


def _parts(line: str) -> Sequence[str]:
    """The series, the value and the time of a sample. Raises ValueError."""
    if " # {" not in line:  # no exemplar: the usual case, quickly
        return line.rsplit(" ", 2)
    whole = _WITH_EXEMPLAR.fullmatch(line)
    if not whole:
        raise ValueError
    return whole.groups()


def _labels(series: str) -> Labels:
    whole = _SERIES.fullmatch(series)
    if not whole:
        raise OpenMetricsError(_WANTED)
    labels = {"__name__": whole[1]}
    text, end = whole[2] or "", 0
    while end < len(text):
        label = _LABEL.match(text, end)
        if not label:
            raise OpenMetricsError(f"the labels of {whole[1]} cannot be read")
        if label[1] in labels:
            raise OpenMetricsError(f"{whole[1]} has the label {label[1]} twice")
        labels[label[1]] = re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), label[2])
        end = label.end()
    # Prometheus keeps no label without a value.
    return tuple(sorted((name, value) for name, value in labels.items() if value))
