"""The types of single values and lists in configuration files, each with its words for what is wrong."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from aws_vpn_exporter.policy import tag_label

REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-[0-9]+$"


@dataclass(frozen=True)
class _Matches:
    """Metadata of text: it has to match the regular expression; `wanted` is what a complaint says it should be."""

    pattern: str
    wanted: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"should be {self.wanted}" + (f", not {value!r}" if len(value) <= 80 else ""))
        return value


@dataclass(frozen=True)
class AllOr:
    """Metadata of the word `all` in a union: `wanted` describes the other choice, for complaints about other words."""

    wanted: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        if value != "all":
            raise ValueError(f"should be `all` or {self.wanted}, not {value[:80]!r}")
        return value


def _word_or_block(value: object) -> str:
    return "word" if isinstance(value, str) else "block"


WORD, BLOCK = Tag("word"), Tag("block")
BY_FORM = Discriminator(_word_or_block)
"""For a union of a WORD and a BLOCK: a complaint is about the one that the value has the form of."""


_MOST_NAMED = 10
"""Entries that a complaint lists."""


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """The values. Raises ValueError where one of them is there more than once."""
    return _distinct(values, "entry")


def distinct_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of a block. Raises ValueError where two are the same key in different spellings."""
    return _distinct(keys, "key")


def _distinct(values: tuple[str, ...], kind: str) -> tuple[str, ...]:
    doubled = sorted(value for value, count in Counter(values).items() if count > 1)
    if doubled:
        more = f" and {len(doubled) - _MOST_NAMED} more" if len(doubled) > _MOST_NAMED else ""
        raise ValueError(f"duplicate {kind}: {', '.join(doubled[:_MOST_NAMED])}{more}; keep one")
    return values


def distinct_labels(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The tag keys. Raises ValueError where two of them would become the same label."""
    labels = [tag_label(key) for key in distinct(keys)]
    count = Counter(labels)
    clash = [key for key, label in zip(keys, labels, strict=True) if count[label] > 1][:_MOST_NAMED]
    if clash:
        raise ValueError(f"{' and '.join(clash)} would be the same label {tag_label(clash[0])}; keep one of them")
    return keys


AccountId = Annotated[str, _Matches(r"^[0-9]{12}$", "an account's id of 12 digits")]
RoleArn = Annotated[
    str,
    _Matches(
        r"^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[\w+=,.@/-]+$",
        "a role's ARN such as arn:aws:iam::123456789012:role/vpn-exporter",
    ),
]
RoleName = Annotated[
    str,
    Field(min_length=1),
    _Matches(
        r"^[\w+=,.@/-]*(\{account_id\}[\w+=,.@/-]*)?$",
        "a role's name such as vpn-exporter, with no placeholder but {account_id}",
    ),
]
UnitId = Annotated[
    str, _Matches(r"^(r|ou)-[0-9a-z-]+$", "the id of an organizational unit or root, such as ou-ab12-cd34ef56")
]
Region = Annotated[str, _Matches(REGION_PATTERN, "a region such as eu-west-1")]
ConnectionId = Annotated[str, _Matches(r"^vpn-[0-9a-f]+$", "a connection's id such as vpn-0123456789abcdef0")]
Address = Annotated[str, _Matches(r"^[0-9a-fA-F.:]+$", "a tunnel's outside address such as 203.0.113.1")]
ExternalId = Annotated[str, Field(min_length=2, max_length=1224)]
PageUrl = Annotated[
    str,
    _Matches(r"^https?://[^\s@?#/]+(/[^\s@?#]*)?$", "a URL such as https://grafana.example.org, without a password"),
    AfterValidator(lambda url: url.rstrip("/")),
]
TagKey = Annotated[str, Field(min_length=1, max_length=128)]
SiteName = Annotated[str, Field(min_length=1, max_length=256)]


def _unix_time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"should be a time such as 2026-03-08T01:00:00+01:00, not {value[:80]!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"should say which time zone it means, such as {value[:80]}Z or {value[:80]}+01:00")
    return moment.timestamp()


def _true_or_false(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str):
        raise ValueError(f"should be true or false, not {value[:80]!r}")
    return value


Switch = Annotated[bool, BeforeValidator(_true_or_false)]

Moment = Annotated[float, BeforeValidator(_unix_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A Unix time in seconds; in the file, text such as 2026-03-08T01:00:00+01:00."""


Regions = Annotated[
    Annotated[Literal["all"], AllOr("a list of regions"), WORD]
    | Annotated[tuple[Region, ...], Field(min_length=1), AfterValidator(distinct), BLOCK],
    BY_FORM,
]
Tunnels = Annotated[
    Annotated[Literal["all"], AllOr("a list of outside addresses"), WORD] | Annotated[tuple[Address, ...], BLOCK],
    BY_FORM,
]
