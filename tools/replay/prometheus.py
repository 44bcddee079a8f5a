"""A real Prometheus that holds a past of its own: samples are written to it, expressions are evaluated over it."""

import http.client
import json
import math
import struct
import threading
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from testbed.programs import free_port, program, wait_for
from tools.replay.openmetrics import Labels, Samples

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus's own mark for "this series has ended": a NaN of its own."""

_MOST_POINTS = 11_000
"""How many points of a series Prometheus gives in one answer."""

_BATCH = 100_000
"""Samples in one request: about 2 MB."""

_DEADLINE = 600.0
_READY_WITHIN = 60.0


class QueryError(RuntimeError):
    """Prometheus refused an expression or samples; says which and why."""


class Prometheus:
    """A running server. Its methods may be called from several threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._local = threading.local()

    def write(self, series: Iterable[tuple[Labels, Samples]]) -> None:
        """Adds samples, by remote write; those of one series in the order of their times."""
        batch, size = bytearray(), 0
        for labels, samples in series:
            for start in range(0, len(samples.times), _BATCH):
                end = start + _BATCH
                _field(batch, 1, _time_series(labels, samples.times[start:end], samples.values[start:end]))
                size += len(samples.times[start:end])
                if size >= _BATCH:
                    self._send(bytes(batch))
                    batch, size = bytearray(), 0
        if batch:
            self._send(bytes(batch))

    def evaluate(self, expression: str, start: int, end: int, step: int) -> Iterator[tuple[Labels, list[list[Any]]]]:
        """The values of an expression every `step` seconds from start to end: for each series and stretch of time
        pairs of a time in seconds and a value as text. A series may come several times, in the order of time.
        """
        for first in range(start, end + 1, step * _MOST_POINTS):
            last = min(end, first + step * (_MOST_POINTS - 1))
            query = urlencode({"query": expression, "start": first, "end": last, "step": step})
            status, body = self._request("/api/v1/query_range", query.encode(), "application/x-www-form-urlencoded")
            if status != http.client.OK:
                raise QueryError(f"Prometheus refused {expression!r}: {_reason(body)}")
            for result in json.loads(body)["data"]["result"]:
                yield tuple(sorted(result["metric"].items())), result["values"]

    def _send(self, request: bytes) -> None:
        status, body = self._request("/api/v1/write", _snappy(request), "application/x-protobuf")
        if status >= http.client.BAD_REQUEST:
            raise QueryError(f"Prometheus refused samples: {_reason(body)}")

    def _request(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(self._address, timeout=_DEADLINE)
        headers = {"Content-Type": kind}
        if path.endswith("/write"):
            headers |= {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def prometheus(binary: Path, folder: Path, seconds: int) -> Iterator[Prometheus]:
    """A server for a past of so many seconds, which need not lie before now. Files and its log go below `folder`."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yaml").write_text("{}\n")
    # All of the past stays in one block: a Prometheus takes no sample that is older than half a block.
    block = f"{math.ceil(seconds / 3600) * 4 + 48}h"
    command = (
        binary,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--web.listen-address={address}",
        "--web.enable-remote-write-receiver",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--storage.tsdb.min-block-duration={block}",
        f"--storage.tsdb.max-block-duration={block}",
        "--storage.tsdb.retention.time=100y",
        "--query.max-samples=1000000000",
        f"--query.timeout={_DEADLINE:.0f}s",
        "--log.level=warn",
    )
    with program(folder / "prometheus.log", *command):
        wait_for(lambda: _is_ready(address), _READY_WITHIN, "Prometheus answers", folder)
        yield Prometheus(address)


def _is_ready(address: str) -> bool:
    with urlopen(f"http://{address}/-/ready", timeout=5) as answer:
        return bool(answer.status == http.client.OK)


def _reason(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text[:300]


def _time_series(labels: Labels, times: Iterable[int], values: Iterable[float]) -> bytes:
    """A TimeSeries of the remote write protocol, version 1: labels (1) of name and value, samples (2)."""
    made = bytearray()
    for name, value in labels:
        pair = bytearray()
        _field(pair, 1, name.encode())
        _field(pair, 2, value.encode())
        _field(made, 1, bytes(pair))
    # Each sample (2) is a message of its own: the value (1) as eight bytes, the time (2) as a varint.
    packed = array("d", values).tobytes()
    stamps = [_varint(time) for time in times]
    made += b"".join(
        [
            bytes((0x12, 10 + len(stamp), 0x09)) + packed[at : at + 8] + b"\x10" + stamp
            for at, stamp in zip(range(0, len(packed), 8), stamps, strict=True)
        ]
    )
    return bytes(made)


def _field(into: bytearray, number: int, content: bytes) -> None:
    into += bytes((number << 3 | 2,)) + _varint(len(content)) + content


_VARINTS: dict[int, bytes] = {}


def _varint(number: int) -> bytes:
    """The number as protobuf writes it; times come again with every series, so they are kept."""
    made = _VARINTS.get(number)
    if made is None:
        rest, parts = number % (1 << 64), bytearray()
        while rest > 0x7F:
            parts.append(rest & 0x7F | 0x80)
            rest >>= 7
        parts.append(rest)
        made = _VARINTS[number] = bytes(parts)
    return made


def _snappy(content: bytes) -> bytes:
    """Snappy's block format with literals only: nothing is compressed, and no library is needed."""
    made = bytearray(_varint(len(content)))
    for start in range(0, len(content), 1 << 16):
        literal = content[start : start + (1 << 16)]
        made += bytes((61 << 2,)) + struct.pack("<H", len(literal) - 1) + literal
    return bytes(made)
