"""Log lines on standard error, in logfmt or JSON: one line a record, as Prometheus programs write them."""

import json
import logging
import time
from datetime import UTC, datetime

from aws_vpn_exporter.redaction import redacted

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

_AT_ONCE = 100
_A_SECOND = 1.0
"""Warnings of one kind that are written at once, and then: a thousand targets may fail together."""

_MOST_KINDS = 1000


def setup(level: str, form: str) -> None:
    """Sends the records of every logger to standard error. `level` is of LEVELS, `form` of FORMATS."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(form))
    handler.addFilter(_Throttle())
    logging.basicConfig(level="WARNING" if level == "warn" else level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


class _Throttle(logging.Filter):
    """Leaves out warnings and errors of one kind that come faster than anybody reads them, and says how many."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        kind = self._kinds.setdefault((record.name, str(record.msg)), _Kind())
        if len(self._kinds) > _MOST_KINDS:
            self._kinds = {}
        if not kind.takes(time.monotonic()):
            return False
        if kind.left_out:
            record.msg, record.args = f"{record.getMessage()} ({kind.left_out} more of this kind were left out)", ()
            kind.left_out = 0
        return True


class _Kind:
    """Records of one logger that differ by their values only."""

    def __init__(self) -> None:
        self.left_out = 0
        self._credit, self._since = float(_AT_ONCE), time.monotonic()

    def takes(self, now: float) -> bool:
        self._credit = min(_AT_ONCE, self._credit + (now - self._since) * _A_SECOND)
        self._since = now
        if self._credit < 1:
            self.left_out += 1
            return False
        self._credit -= 1
        return True


class _Formatter(logging.Formatter):
    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        level = {"warning": "warn"}.get(record.levelname.lower(), record.levelname.lower())
        written = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": written, "level": level, "source": record.name, "msg": redacted(record.getMessage())}
        if record.exc_info:
            fields["exception"] = redacted(self.formatException(record.exc_info))
        if self._json:
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and not set(value) & set(' "=\\')
    return value if plain else json.dumps(value, ensure_ascii=False)
