"""How durations, times and text from outside are written for people, everywhere in the same way."""

import unicodedata
from datetime import UTC, datetime

from aws_vpn_exporter.redaction import redacted

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds in each unit of a duration, as configuration files write it."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LONGEST_TEXT = 256
"""Characters kept of any text from outside: AWS's own limit for a tag's value."""


def duration(seconds: float) -> str:
    """The seconds as the configuration file writes them: 90.0 is 1m30s."""
    parts, rest = [], round(seconds * 1000)
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, round(UNITS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def age(seconds: float) -> str:
    """A duration in its two largest units, such as 3d4h; a negative one is 0s."""
    seconds = max(0.0, seconds)
    step = 3600 if seconds >= 86400 else 60 if seconds >= 3600 else 1
    return duration(seconds // step * step)


def moment(unix: float) -> str:
    """A Unix time in seconds as a person reads it, in UTC."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clean(text: object) -> str:
    """The text without control characters, bidirectional overrides and lone surrogates, at most 256 characters long."""
    kept = str(text)
    if len(kept) > _LONGEST_TEXT:
        kept = kept[: _LONGEST_TEXT - 1] + "…"
    if kept.isprintable():
        return kept
    return "".join(
        _REPLACEMENT if unicodedata.category(char) in ("Cc", "Cs") or char in _BIDIRECTIONAL else char for char in kept
    )


def remark(text: object) -> str:
    """What somebody else said, such as AWS about a failure: on one line, without secrets, as `clean` keeps it."""
    return clean(redacted(" ".join(str(text).split())))
