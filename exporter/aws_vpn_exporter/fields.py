"""Types that every block of a configuration file is made of."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from aws_vpn_exporter.wording import UNITS, duration

DURATION_PATTERN = r"^([0-9]+(ms|s|m|h|d))+$"
_SHORTEST = 1.0


class Block(BaseModel):
    """A mapping in the file: strict about its keys, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def seconds(text: str) -> float:
    """The seconds of a duration such as 1m30s. Raises ValueError for other text, and for less than a second."""
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError("should be a duration such as 30s, 5m or 1h30m")
    found = sum(int(number) * UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ms|s|m|h|d)", text))
    if found < _SHORTEST:
        raise ValueError(f"should be at least {duration(_SHORTEST)}, not {text}")
    return found


def _of_text(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_of_text), WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN})]
"""Seconds; in the file, text such as 1m30s."""
