"""Log lines on standard error, in logfmt or JSON: one line a record, as Prometheus programs write them."""

import json
import logging
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")


def setup(level: str, form: str) -> None:
    """Sends the records of every logger to standard error. `level` is of LEVELS, `form` of FORMATS."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(form))
    logging.basicConfig(level="WARNING" if level == "warn" else level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


class _Formatter(logging.Formatter):
    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        level = {"warning": "warn"}.get(record.levelname.lower(), record.levelname.lower())
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": time, "level": level, "source": record.name, "msg": record.getMessage()}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._json:
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and not set(value) & set(' "=\\')
    return value if plain else json.dumps(value, ensure_ascii=False)
